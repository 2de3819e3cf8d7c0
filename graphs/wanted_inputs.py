"""What a graph wants, as people think of it: an input may be several placeholders, or the features of a tf.Example."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from graphs import constants, dtypes
from graphs.inputs import Placeholder, feedable
from graphs.messages import GraphDef, NodeDef
from graphs.names import is_control, node_of

Kind = Literal["dense", "sparse", "ragged"]
_PARSERS = frozenset({"ParseExample", "ParseExampleV2", "ParseSingleExample"})
_HAND_ON = frozenset({"Identity", "ExpandDims", "Reshape", "Squeeze", "StopGradient", "PlaceholderWithDefault"})


@dataclass(frozen=True)
class Parsed:
    """A feature that the graph takes out of a tf.Example. `shape` is that of one record's value, None where its length
    is free; one that is `required` has no default."""

    name: str
    dtype: str
    shape: tuple[int, ...] | None
    required: bool


@dataclass(frozen=True)
class Want:
    """One input. `name` is what words call it, `tensors` are the nodes that are fed; `shape` is that of the dense array
    (of a sparse or ragged one, of what it would be if it were dense)."""

    name: str
    dtype: str
    shape: tuple[int, ...] | None
    kind: Kind = "dense"
    tensors: tuple[str, ...] = ()
    is_optional: bool = False
    default: str | None = None
    features: tuple[Parsed, ...] = ()

    @property
    def is_scalar(self) -> bool:
        return self.shape == ()


def wants(graph_def: GraphDef, needed: Collection[str] | None = None) -> list[Want]:
    """The graph's inputs among the nodes `needed` (all, if it is None), in graph order."""
    found = {each.name: each for each in feedable(graph_def) if needed is None or each.name in needed}
    groups = _groups(found)
    grouped = {tensor for each in groups for tensor in each.tensors}
    strings = {each.name for each in found.values() if each.dtype == "string"}
    features = _features(graph_def, strings) if strings else {}
    singles = [
        Want(
            each.name, each.dtype, each.shape, "dense", (each.name,), each.is_optional, each.default,
            features.get(each.name, ()),
        )
        for each in found.values()
        if each.name not in grouped
    ]  # fmt: skip
    places = {name: place for place, name in enumerate(found)}
    return sorted([*singles, *groups], key=lambda want: places[want.tensors[0]])


def _groups(found: Mapping[str, Placeholder]) -> list[Want]:
    """Placeholders that are one sparse or ragged tensor, by the names that TensorFlow gives them."""
    groups = []
    for name, values in found.items():
        room, slash, last = name.rpartition("/")
        if not slash:
            continue
        indices, shape = found.get(f"{room}/indices"), found.get(f"{room}/shape")
        if last == "values" and indices and indices.dtype == "int64" and shape and shape.dtype == "int64":
            tensors = (indices.name, name, shape.name)
            groups.append(Want(room, values.dtype, (-1, -1), "sparse", tensors, values.is_optional))
        splits = next((each for each in (f"{room}/row_splits_0", f"{room}/row_splits") if each in found), None)
        if last in ("flat_values", "values") and splits and f"{room}/row_splits_1" not in found:
            groups.append(Want(room, values.dtype, (-1, -1), "ragged", (name, splits), values.is_optional))
    return groups


def _features(graph_def: GraphDef, strings: Collection[str]) -> dict[str, tuple[Parsed, ...]]:
    """For each string placeholder that goes into ParseExample, the features that are taken out of it."""
    parsers = [node for node in graph_def.node if node.op in _PARSERS]
    nodes = {node.name: node for node in graph_def.node} if parsers else {}
    found: dict[str, tuple[Parsed, ...]] = {}
    for parser in parsers:
        source = nodes.get(node_of(parser.input[0]))
        while source is not None and source.name not in strings and source.op in _HAND_ON and source.input:
            source = nodes.get(node_of(source.input[0]))
        if source is not None and source.name in strings:
            known = {each.name for each in found.get(source.name, ())}
            new = [each for each in _parsed(parser, nodes) if each.name not in known]
            found[source.name] = (*found.get(source.name, ()), *new)
    return found


def _parsed(parser: NodeDef, nodes: Mapping[str, NodeDef]) -> list[Parsed]:
    attr = parser.attr
    inputs = [nodes.get(node_of(each)) for each in parser.input if not is_control(each)]
    dense_types = list(attr["Tdense"].list.type)
    free_types = [*attr["sparse_types"].list.type, *attr["ragged_value_types"].list.type]
    defaults: list[NodeDef | None]
    if parser.op == "ParseExample":  # serialized, names, a key a feature, a default a dense feature
        sparse = attr["Nsparse"].i
        keys = [_text(each) for each in inputs[2:]]
        free, dense = keys[:sparse], keys[sparse : sparse + len(dense_types)]
        defaults = inputs[2 + sparse + len(dense_types) :]
    elif parser.op == "ParseExampleV2":  # serialized, names, three vectors of keys, a default a dense feature
        sparse_keys, dense, ragged_keys = (_texts(each) for each in inputs[2:5])
        free, defaults = sparse_keys + ragged_keys, inputs[5:]
    else:  # serialized, a default a dense feature
        free = [_decode(each) for each in attr["sparse_keys"].list.s]
        dense, defaults = [_decode(each) for each in attr["dense_keys"].list.s], inputs[1:]
    shapes = [tuple(dim.size for dim in shape.dim) for shape in attr["dense_shapes"].list.shape]
    found = [Parsed(name, dtypes.name(number), None, False) for name, number in zip(free, free_types, strict=False)]
    for name, number, shape, default in zip(dense, dense_types, shapes, defaults, strict=False):
        is_free = -1 in shape  # then the default is what shorter ones are padded with
        required = not is_free and default is not None and constants.values(default) == []
        found.append(Parsed(name, dtypes.name(number), None if is_free else shape, required))
    return found


def _texts(node: NodeDef | None) -> list[str]:
    values = constants.values(node) if node is not None else None
    return [_decode(value) for value in values or [] if isinstance(value, bytes)]


def _text(node: NodeDef | None) -> str:
    return (_texts(node) or [""])[0]


def _decode(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
