"""What a graph must be fed: its placeholders, with their dtypes and shapes."""

from typing import NamedTuple

from graphs import dtypes
from graphs.messages import GraphDef, NodeDef

INPUTS = frozenset({"Placeholder", "PlaceholderV2"})  # the latter in graphs of before 2017 only
MAY_BE_FED = INPUTS | {"PlaceholderWithDefault"}  # which has a value already, and need not be


class Placeholder(NamedTuple):
    """`dtype` is TensorFlow's name for it; `shape` is None where the rank is unknown, -1 an unknown dimension."""

    name: str
    dtype: str
    shape: tuple[int, ...] | None


def placeholders(graph_def: GraphDef) -> list[Placeholder]:
    """The nodes that must be fed, in graph order."""
    return [_placeholder(node) for node in graph_def.node if node.op in INPUTS]


def _placeholder(node: NodeDef) -> Placeholder:
    dtype = dtypes.name(node.attr["dtype"].type if "dtype" in node.attr else 0)
    shape: tuple[int, ...] | None = None
    if "shape" in node.attr and not node.attr["shape"].shape.unknown_rank:
        shape = tuple(dim.size for dim in node.attr["shape"].shape.dim)
    return Placeholder(node.name, dtype, shape)
