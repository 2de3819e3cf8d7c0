"""What freezing starts from: a graph that is not imported yet, and where the values are that it has not itself."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from graphs import ops
from model.errors import ModelError

Values = dict[str, npt.NDArray[Any]]


class LackingError(Exception):
    """The model's files have no value for the variable whose node this names."""


class Input(NamedTuple):
    """A tensor to feed. `dtype` and `shape` are what a signature says of it; None where nobody says."""

    tensor: str
    dtype: int | None = None
    shape: Any = None  # a TensorShapeProto


class Source(NamedTuple):
    """A model with variables. Nothing of `graph_def` may run that was not looked at."""

    graph_def: v1.GraphDef
    values: Callable[[Sequence[v1.NodeDef]], Values]  # of variables, by node; LackingError says which the model lacks
    inputs: Mapping[str, Input]  # a signature's, by name; {} without one
    outputs: Mapping[str, str]  # a signature's, name: tensor; {} without one
    initialisers: Sequence[str] = ()  # nodes that fill tables
    assets: Mapping[str, Path] = {}  # files that come with the model, by the node that names one
    asset: Callable[[str], Path] | None = None  # finds another file that a constant names, or raises ModelError
    tables: Callable[[v1.NodeDef], tuple[npt.NDArray[Any], npt.NDArray[Any]] | None] = lambda _: None  # saved ones


def no_values(nodes: Sequence[v1.NodeDef]) -> Values:
    """The values of a graph that comes without a checkpoint."""
    for node in nodes:
        raise ModelError(
            f"the graph still has the variable {node.name!r} and no values: freeze its checkpoint, or cut it off "
            "with --input"
        )
    return {}


def of_session(session: v1.Session) -> Source:
    """A graph of one's own, with the values that its variables have now."""

    def values(nodes: Sequence[v1.NodeDef]) -> Values:
        names = [
            f"{node.name}/Read/ReadVariableOp:0" if node.op == "VarHandleOp" else f"{node.name}:0" for node in nodes
        ]
        try:
            found = session.run(names) if names else []
        except tf.errors.FailedPreconditionError:
            with session.graph.as_default():
                empty = {name.decode() for name in session.run(v1.report_uninitialized_variables())}
            raise LackingError(next((node.name for node in nodes if node.name in empty), "?")) from None
        return dict(zip([node.name for node in nodes], found, strict=True))

    graph_def = session.graph.as_graph_def()
    return Source(graph_def, values, {}, {})


def variables(graph_def: v1.GraphDef) -> list[v1.NodeDef]:
    """The nodes, outside functions, that hold values."""
    return [node for node in graph_def.node if node.op in ops.VARIABLES]
