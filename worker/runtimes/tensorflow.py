"""Frozen graphs, run by TensorFlow's sessions."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from model.errors import ModelError
from model.graph import frozen, row_class
from model.reasons import anatomy
from worker.runtimes.runtime import Arrays, FeedError, RowError, Run

REASON = 500  # characters of a reason
PREPARED = 4  # ways to feed and fetch one model that are kept: jobs differ in what they fetch


class TensorFlow:
    """The runtime of every model that no other claims."""

    name = "tensorflow"

    def version(self) -> str:
        import tensorflow as tf

        return str(tf.__version__)

    def reads(self, data: bytes) -> bool:  # noqa: ARG002 -- a GraphDef begins with whatever its first field is
        return True

    def open(self, data: bytes, threads: int) -> "FrozenGraph":
        import tensorflow as tf

        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
        config.gpu_options.allow_growth = True
        config.allow_soft_placement = True  # a graph may be pinned to a GPU that is not here
        graph = frozen.load(data)
        session = tf.compat.v1.Session(graph=graph, config=config)
        try:
            session.run(frozen.initialisers(graph))  # lookup tables are filled once
        except tf.errors.OpError as error:
            raise ModelError(f"a lookup table can't be filled: {_line(error.message)}") from None
        return FrozenGraph(session)


class FrozenGraph:
    """A frozen graph in a `tf.compat.v1.Session`. Nothing that it keeps refers back to it, so the session is closed as
    soon as the model is dropped, and does not wait for the garbage collector."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.prepare: Callable[[tuple[str, ...], tuple[str, ...]], Run] = lru_cache(PREPARED)(
            partial(_prepare, session)
        )
        self.judge_rows: Callable[[tuple[str, ...]], row_class.RowVerdict] = lru_cache(PREPARED)(
            partial(row_class.judge, session.graph)
        )
        self.anatomy: Callable[[str], anatomy.Anatomy | None] = lru_cache(PREPARED)(partial(_anatomy, session.graph))

    def shape(self, fetch: str) -> tuple[int, ...] | None:
        found = frozen.tensor(self.session.graph, fetch).shape
        return None if found.rank is None else tuple(-1 if size is None else size for size in found.as_list())


def _anatomy(graph: Any, fetch: str) -> anatomy.Anatomy | None:
    return anatomy.find(graph.as_graph_def(), fetch)


def _prepare(session: Any, feeds: tuple[str, ...], fetches: tuple[str, ...]) -> Run:
    """`Session.run` looks at feeds and fetches again each time, for 0.2 ms, and copies each text twice. What
    TensorFlow calls a session's callable does neither, but `Session.make_callable` does not make one of them if there
    are feeds."""
    from tensorflow.core.protobuf.config_pb2 import CallableOptions

    placeholders = [frozen.tensor(session.graph, name) for name in feeds]
    options = CallableOptions(
        feed=[each.name for each in placeholders],
        fetch=[frozen.tensor(session.graph, name).name for name in fetches],
    )
    call = session._make_callable_from_options(options)  # as TensorFlow's own Keras does
    return lambda arrays: _run(call, placeholders, arrays)


def _run(call: Callable[..., Any], placeholders: list[Any], arrays: Arrays) -> Arrays:
    import tensorflow as tf

    for placeholder, array in zip(placeholders, arrays, strict=True):
        if not placeholder.shape.is_compatible_with(array.shape) or placeholder.dtype.as_numpy_dtype != array.dtype:
            raise FeedError(
                f"{placeholder.name} is {placeholder.dtype.name} of shape {placeholder.shape}, and is given "
                f"{array.dtype} of shape {array.shape}"
            )
    try:
        return [np.asarray(value) for value in call(*arrays)]
    except tf.errors.OpError as error:
        raise RowError(_line(error.message)) from None
    except UnicodeDecodeError as error:  # the message quotes a text that is not UTF-8
        raise RowError(_line(error.object.decode(errors="backslashreplace"))) from None
    except (ValueError, TypeError) as error:
        raise FeedError(str(error)) from None


def _line(text: str) -> str:
    return " ".join(text.split())[:REASON]
