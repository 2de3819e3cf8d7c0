"""What a graph can be fed: its placeholders, with their dtypes, shapes and defaults."""

from typing import NamedTuple

from graphs import constants, dtypes
from graphs.messages import GraphDef, NodeDef
from graphs.names import node_of

INPUTS = frozenset({"Placeholder", "PlaceholderV2"})  # the latter in graphs of before 2017 only
MAY_BE_FED = INPUTS | {"PlaceholderWithDefault"}  # which has a value already, and need not be
SCALARS_SINCE = 24  # the GraphDef version before which a placeholder with the shape {} is of unknown rank


class Placeholder(NamedTuple):
    """`dtype` is TensorFlow's name for it; `shape` is None where the rank is unknown, -1 an unknown dimension.
    `is_optional`: it has a value already. `default` is that value, as a cell would have it, if it is a single one."""

    name: str
    dtype: str
    shape: tuple[int, ...] | None
    is_optional: bool = False
    default: str | None = None


def placeholders(graph_def: GraphDef) -> list[Placeholder]:
    """The nodes that must be fed, in graph order."""
    return [each for each in feedable(graph_def) if not each.is_optional]


def feedable(graph_def: GraphDef) -> list[Placeholder]:
    """The nodes that must or may be fed, in graph order."""
    found = [node for node in graph_def.node if node.op in MAY_BE_FED]
    has_defaults = any(node.op not in INPUTS for node in found)
    nodes = {node.name: node for node in graph_def.node} if has_defaults else {}
    return [_placeholder(node, nodes, graph_def.versions.producer) for node in found]


def _placeholder(node: NodeDef, nodes: dict[str, NodeDef], version: int) -> Placeholder:
    dtype = dtypes.name(node.attr["dtype"].type if "dtype" in node.attr else 0)
    shape: tuple[int, ...] | None = None
    if "shape" in node.attr and not node.attr["shape"].shape.unknown_rank:
        shape = tuple(dim.size for dim in node.attr["shape"].shape.dim)
    if node.op in INPUTS:
        return Placeholder(node.name, dtype, None if shape == () and version < SCALARS_SINCE else shape)
    return Placeholder(node.name, dtype, shape, True, _default(node, nodes))


def _default(node: NodeDef, nodes: dict[str, NodeDef]) -> str | None:
    source = nodes.get(node_of(node.input[0])) if node.input else None
    values = constants.values(source) if source is not None else None
    return written(values[0]) if values and len(values) == 1 else None


def written(value: constants.Value) -> str:
    """A constant's value as a cell has it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return str(value).lower() if isinstance(value, bool) else repr(value)
