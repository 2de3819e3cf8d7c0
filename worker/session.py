"""The lazily loaded session: opened on a process's first batch, cached by the model's sha256; and a faster `run`."""

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from model.errors import ModelError
from model.graph import frozen, row_class

log = logging.getLogger(__name__)
Arrays = Sequence[npt.NDArray[Any]]


@lru_cache(maxsize=2)  # the model of today and, while it is rolled out, that of tomorrow
def open_session(sha256: str, fetch: Callable[[str], bytes | None], threads: int) -> Any:
    """A `tf.compat.v1.Session` over the frozen graph whose bytes `fetch` returns for its digest.

    Never in a process that forks: a session does not survive it. Raises ModelError if the bytes are missing, are not
    those of the digest, or are no graph that a worker accepts.
    """
    import tensorflow as tf

    graph_bytes = fetch(sha256)
    if graph_bytes is None:
        raise ModelError(f"the model {sha256[:12]} is not on the server")
    if hashlib.sha256(graph_bytes).hexdigest() != sha256:
        raise ModelError(f"the model on the server is not {sha256[:12]}: its digest differs")
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
    config.gpu_options.allow_growth = True
    session = tf.compat.v1.Session(graph=frozen.load(graph_bytes), config=config)
    log.warning("process %d opened a session on model %s", os.getpid(), sha256[:12])
    return session


@lru_cache(maxsize=4)
def make_run(session: Any, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> Callable[[Arrays], Arrays]:
    """`session.run` of the tensors `fetches`, prepared once: it takes the arrays for `feeds` and returns the values.

    `Session.run` looks at feeds and fetches anew each time, for 0.2 ms, and copies each text twice. What TensorFlow
    calls a session's callable does neither, but `Session.make_callable` does not make one of them if there are feeds.
    Raises ModelError if the graph has no such tensor; the callable raises ValueError where an array does not fit its
    feed, and tf.errors.OpError where the graph fails.
    """
    from tensorflow.core.protobuf.config_pb2 import CallableOptions

    placeholders = [frozen.tensor(session.graph, name) for name in feeds]
    options = CallableOptions(
        feed=[each.name for each in placeholders],
        fetch=[frozen.tensor(session.graph, name).name for name in fetches],
    )
    call = session._make_callable_from_options(options)  # as TensorFlow's own Keras does

    def run(arrays: Arrays) -> Arrays:
        for placeholder, array in zip(placeholders, arrays, strict=True):
            if not placeholder.shape.is_compatible_with(array.shape) or placeholder.dtype.as_numpy_dtype != array.dtype:
                raise ValueError(
                    f"{placeholder.name} is {placeholder.dtype.name} of shape {placeholder.shape}, and is given "
                    f"{array.dtype} of shape {array.shape}"
                )
        return [np.asarray(value) for value in call(*arrays)]

    return run


@lru_cache(maxsize=4)
def judge_rows(session: Any, fetches: tuple[str, ...]) -> row_class.Verdict:
    """What the ops of a session's graph tell of how it treats rows."""
    return row_class.judge(session.graph, fetches)


def tensorflow_version() -> str:
    import tensorflow as tf

    return str(tf.__version__)
