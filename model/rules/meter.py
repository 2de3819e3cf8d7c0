"""What RE2 makes of an expression: does it take it, how long does it need, and does its automaton fit its memory?"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from model.errors import ModelError
from model.rules import quiet, sample

# Of an expression that is too large RE2 makes no automaton. It then takes twenty times as long, and says so for each
# text: in a worker too, where it must not happen.
_OVERFLOW = b"DFA out of memory"
_FEW = 64  # messages tell that


class Cost(NamedTuple):
    """Of one expression."""

    microseconds: float  # a message of the sample
    overflows: bool


class NoExpressionError(ModelError):
    """RE2 does not take an expression; the text is its reason."""


class Meter:
    """Measures expressions on the same messages. Use it as a context manager."""

    def __init__(self) -> None:
        graph = v1.Graph()
        with graph.as_default():
            self._given = v1.placeholder(tf.string, [sample.PARTS, sample.MESSAGES])
            # Kept in the session: to feed messages takes as long as to match them.
            kept = v1.get_variable("messages", self._given.shape, tf.string, use_resource=False)
            self._keep = v1.assign(kept, self._given).op
            part, texts = v1.placeholder(tf.int32, []), v1.placeholder(tf.string, [None])
            pattern = v1.placeholder(tf.string, [])
            of_part = tf.raw_ops.RegexFullMatch(input=kept[part], pattern=pattern)
            of_texts = tf.raw_ops.RegexFullMatch(input=texts, pattern=pattern)
        config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        self._session = v1.Session(graph=graph, config=config)
        self._match_part = self._session.make_callable(of_part.op, feed_list=[part, pattern])
        self._match = self._session.make_callable(of_texts, feed_list=[texts, pattern])
        self._load(())
        self.plain = self.cost(r"\C*(?:free)\C*").microseconds

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def matches(self, expression: str, texts: list[bytes]) -> npt.NDArray[np.bool_]:
        """Which texts it matches as a whole. Raises NoExpressionError."""
        with quiet.re2():
            return np.asarray(_tried(self._match, np.array(texts, object), expression.encode()))

    def cost(self, expression: str, pieces: Sequence[str] = ()) -> Cost:
        """The least of some rounds, each on messages that the automaton has not seen, as in a night of millions.

        Some messages have the `pieces`. Raises NoExpressionError.
        """
        if tuple(pieces) != self._pieces:
            self._load(pieces)
        pattern = expression.encode()
        with quiet.re2() as said:
            few = self._time(self._match, self._few, pattern) / len(self._few)
        if any(_OVERFLOW in line for line in said):
            return Cost(few * 1e6, True)
        _tried(self._match_part, 0, pattern)  # compiles it, and builds most of its automaton
        best = min(self._time(self._match_part, part, pattern) for part in range(1, sample.PARTS))
        return Cost(best / sample.MESSAGES * 1e6, False)

    @staticmethod
    def _time(run: Callable[..., Any], *values: object) -> float:
        begun = time.perf_counter()
        _tried(run, *values)
        return time.perf_counter() - begun

    def _load(self, pieces: Sequence[str]) -> None:
        parts = np.stack(sample.parts(pieces))
        self._session.run(self._keep, {self._given: parts})
        self._few = parts[0, :_FEW]
        self._pieces = tuple(pieces)


def _tried(run: Callable[..., Any], *values: object) -> Any:
    try:
        return run(*values)
    except tf.errors.InvalidArgumentError as error:
        reason = str(error.message).partition("error: ")[2] or str(error.message)
        raise NoExpressionError(reason.splitlines()[0]) from None
