"""What a frozen graph wants and gives, read without TensorFlow: its placeholders and its terminal nodes.

The fields declared here are those of TensorFlow's graph.proto, node_def.proto, attr_value.proto, tensor_shape.proto
and types.proto that matter to a job; protobuf skips the others, the weights among them.
"""

import hashlib
import re
import shlex
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from jobs.errors import GraphError

_MESSAGES: dict[str, dict[str, tuple[int, str, bool]]] = {  # message: field: (number, type, repeated)
    "Graph": {"node": (1, "Node", True)},
    "Node": {
        "name": (1, "string", False),
        "op": (2, "string", False),
        "input": (3, "string", True),
        "attr": (5, "Attr", True),
    },
    "Attr": {"key": (1, "string", False), "value": (2, "Value", False)},  # the wire form of a map's entry
    "Value": {"type": (6, "int32", False), "shape": (7, "Shape", False)},
    "Shape": {"dim": (2, "Dim", True), "unknown_rank": (3, "bool", False)},
    "Dim": {"size": (1, "int64", False)},
}
_DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 9: "int64", 10: "bool",
    17: "uint16", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
_VARIABLES = frozenset({"Variable", "VariableV2", "VarHandleOp"})
_NO_OUTPUT = frozenset({"Placeholder", "PlaceholderWithDefault", "PlaceholderV2", "Const", "NoOp", "Assert", "PrintV2"})
_CHECKPOINT_PART = re.compile(r"(?P<prefix>.+)\.(meta|index|data-\d{5}-of-\d{5})")
MAX_BYTES = 512 << 20  # of a value in Redis


@lru_cache(maxsize=1)
def _graph_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="nightshift/graph.proto", package="nightshift", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            entry = message.field.add(name=field, number=number)
            entry.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind in _MESSAGES:
                entry.type, entry.type_name = kinds.TYPE_MESSAGE, f".nightshift.{kind}"
            else:
                entry.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("nightshift.Graph"))


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`dtype` is TensorFlow's name for it; `shape` is None where the rank is unknown, -1 an unknown dimension."""

    name: str
    dtype: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Graph:
    """A frozen graph's digest, its nodes' inputs, and what can be fed and fetched."""

    path: Path
    sha256: str
    data: bytes
    inputs: dict[str, tuple[str, ...]]  # node: the nodes it reads from
    placeholders: dict[str, Placeholder]
    terminal: tuple[str, ...]

    def needed_by(self, fetches: tuple[str, ...]) -> list[Placeholder]:
        """The placeholders that the fetched nodes depend on, in the graph's order."""
        reached: set[str] = set()
        todo = [_node(fetch) for fetch in fetches]
        while todo:
            node = todo.pop()
            if node not in reached:
                reached.add(node)
                todo += self.inputs[node]
        return [placeholder for name, placeholder in self.placeholders.items() if name in reached]

    def __contains__(self, fetch: str) -> bool:
        return _node(fetch) in self.inputs


def read_graph(path: Path) -> Graph:
    """Reads a frozen `.pb`. Raises GraphError, in one line, for a file that is none."""
    unfrozen = _unfrozen(path)
    if unfrozen is not None:
        kind, place = unfrozen
        command = shlex.join(["model", "freeze", str(place), "--output", f"{place.resolve().name}.pb"])
        raise GraphError(f"{path} is {kind}, not a frozen graph; this makes one: {command}")
    if path.is_dir():
        raise GraphError(f"{path} is a directory, not a frozen graph (a .pb, as `model freeze` writes it)")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise GraphError(f"{path}: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise GraphError(f"{path}: {len(data)} bytes, more than the {MAX_BYTES} that Redis holds in a value")
    try:
        nodes = list(_graph_class().FromString(data).node)
    except DecodeError:
        nodes = []
    if not nodes or not all(node.name and node.op for node in nodes):
        raise GraphError(f"{path} is no frozen graph (a GraphDef, as `model freeze` writes it)")
    variable = next((node.name for node in nodes if node.op in _VARIABLES), None)
    if variable is not None:
        raise GraphError(f"{path} has the variable {variable!r}, so it is not frozen: see `model freeze --help`")
    inputs = {node.name: tuple(_node(name) for name in node.input) for node in nodes}
    consumed = {name for names in inputs.values() for name in names}
    if not consumed <= inputs.keys():
        raise GraphError(f"{path}: the graph is damaged, the node {min(consumed - inputs.keys())!r} is missing")
    return Graph(
        path=path,
        sha256=hashlib.sha256(data).hexdigest(),
        data=data,
        inputs=inputs,
        placeholders={node.name: _placeholder(node) for node in nodes if node.op == "Placeholder"},
        terminal=tuple(
            node.name
            for node in nodes
            if node.name not in consumed and node.op not in _NO_OUTPUT and "AssertGuard/" not in node.name
        ),
    )


def _unfrozen(path: Path) -> tuple[str, Path] | None:
    """What `path` is that could be frozen, and what to freeze; None if it is neither checkpoint nor SavedModel.

    Told by the names of files, which TensorFlow gives: what is in them is for TensorFlow to read.
    """
    if (path / "saved_model.pb").is_file():
        return "a SavedModel", path
    if path.name == "saved_model.pb" and path.is_file():
        return "a SavedModel", path.parent
    if (path / "checkpoint").is_file() or (path.is_dir() and any(path.glob("*.index"))):
        return "a directory of checkpoints", path
    if path.name == "checkpoint" and path.is_file():
        return "part of a directory of checkpoints", path.parent
    part = _CHECKPOINT_PART.fullmatch(path.name)
    prefix = path.with_name(part["prefix"]) if part else path
    if path.with_name(f"{prefix.name}.index").is_file():
        return "part of a checkpoint" if part else "a checkpoint", prefix
    return None


def _node(name: str) -> str:
    """The node of an input or a fetch: `^control`, `node:1` and `node` name the same."""
    return name.removeprefix("^").partition(":")[0]


def _placeholder(node: Any) -> Placeholder:
    attributes = {entry.key: entry.value for entry in node.attr}
    number = attributes["dtype"].type if "dtype" in attributes else 0
    shape: tuple[int, ...] | None = None
    if "shape" in attributes and not attributes["shape"].shape.unknown_rank:
        shape = tuple(dim.size for dim in attributes["shape"].shape.dim)
    return Placeholder(node.name, _DTYPES.get(number, f"type {number}"), shape)
