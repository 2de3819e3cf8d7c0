"""What RE2 makes of an expression: does it take it, how long does it need, and does its automaton fit its memory?"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from model.errors import ModelError
from model.rules import sample

_ROUNDS = 3
# RE2 says on stderr, and nowhere else, that it goes on without an automaton, which takes twenty times as long. It says
# so again for each message: in a worker too, where it must not happen.
_OVERFLOW = b"DFA out of memory"
_RE2 = b"/re2/"


class Cost(NamedTuple):
    """`microseconds` a message of the sample, that of reading it included."""

    microseconds: float
    overflows: bool


class NoExpressionError(ModelError):
    """RE2 does not take an expression; the text is its reason."""


class Meter:
    """Measures expressions on the same messages. Use it as a context manager."""

    def __init__(self) -> None:
        self._texts = sample.messages()
        graph = v1.Graph()
        with graph.as_default():
            texts, pattern = v1.placeholder(tf.string, [None]), v1.placeholder(tf.string, [])
            matches = tf.raw_ops.RegexFullMatch(input=texts, pattern=pattern)
        config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        self._session = v1.Session(graph=graph, config=config)
        self._run = self._session.make_callable(matches, feed_list=[texts, pattern])
        self.plain = self.cost(r"\C*(?:free)\C*").microseconds

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def matches(self, expression: str, texts: list[bytes]) -> npt.NDArray[np.bool_]:
        """Which texts it matches as a whole. Raises NoExpressionError with RE2's reason."""
        with _stderr() as _:
            return np.asarray(self._call(np.array(texts, object), expression))

    def cost(self, expression: str, pieces: Sequence[str] = ()) -> Cost:
        """The least of some rounds, on messages of which some have the `pieces`. Raises NoExpressionError."""
        texts = sample.messages(pieces) if pieces else self._texts
        best = float("inf")
        with _stderr() as said:
            self._call(texts, expression)  # what compiles it, and builds its automaton
            for _ in range(_ROUNDS):
                begun = time.perf_counter()
                self._call(texts, expression)
                best = min(best, time.perf_counter() - begun)
        return Cost(best / len(texts) * 1e6, _OVERFLOW in b"".join(said))

    def _call(self, texts: npt.NDArray[np.object_], expression: str) -> npt.NDArray[np.bool_]:
        try:
            return np.asarray(self._run(texts, expression.encode()))
        except tf.errors.InvalidArgumentError as error:
            reason = str(error.message).partition("error: ")[2] or str(error.message)
            raise NoExpressionError(reason.splitlines()[0]) from None


@contextmanager
def _stderr() -> Iterator[list[bytes]]:
    """Yields a list that has, afterwards, the lines that RE2 wrote to the process's stderr; others are passed on."""
    said: list[bytes] = []
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            _sort(file, said)


def _sort(file: IO[bytes], said: list[bytes]) -> None:
    file.seek(0)
    for line in file:
        if _RE2 in line:
            said.append(line)
        else:
            os.write(2, line)
