"""A GraphDef as protobuf reads it without TensorFlow.

The fields declared here are those of TensorFlow's graph.proto, node_def.proto, attr_value.proto, function.proto,
op_def.proto, tensor.proto, tensor_shape.proto and versions.proto that say what a graph is; protobuf passes over the
others. A field has TensorFlow's own name, so that whatever reads these messages reads TensorFlow's own as well: who
has one of those need not write and parse it again, which for large weights takes as much memory once more.
"""

from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from graphs.errors import GraphError

GraphDef = Any  # ours or TensorFlow's: the classes of both are made while the program runs
NodeDef = Any
FunctionDef = Any

_MESSAGES: dict[str, dict[str, tuple[int, str, str]]] = {  # message: field: (number, type, how many)
    "GraphDef": {
        "node": (1, "NodeDef", "many"),
        "library": (2, "Library", "one"),
        "versions": (4, "Versions", "one"),
    },
    "Versions": {"producer": (1, "int32", "one")},
    "Library": {"function": (1, "FunctionDef", "many")},
    "FunctionDef": {"signature": (1, "Signature", "one"), "node_def": (3, "NodeDef", "many")},
    "Signature": {
        "name": (1, "string", "one"),
        "input_arg": (2, "Argument", "many"),
        "output_arg": (3, "Argument", "many"),
    },
    "Argument": {"name": (1, "string", "one"), "type": (3, "int32", "one")},
    "NodeDef": {
        "name": (1, "string", "one"),
        "op": (2, "string", "one"),
        "input": (3, "string", "many"),
        "attr": (5, "Value", "by name"),
    },
    "Value": {
        "list": (1, "List", "one"),
        "s": (2, "bytes", "one"),
        "i": (3, "int64", "one"),
        "f": (4, "float", "one"),
        "b": (5, "bool", "one"),
        "type": (6, "int32", "one"),
        "shape": (7, "Shape", "one"),
        "tensor": (8, "Tensor", "one"),
        "placeholder": (9, "string", "one"),
        "func": (10, "Function", "one"),
    },
    "List": {
        "s": (2, "bytes", "many"),
        "i": (3, "int64", "many"),
        "type": (6, "int32", "many"),
        "shape": (7, "Shape", "many"),
        "func": (9, "Function", "many"),
    },
    "Tensor": {
        "dtype": (1, "int32", "one"),
        "tensor_shape": (2, "Shape", "one"),
        "tensor_content": (4, "bytes", "one"),
        "float_val": (5, "float", "many"),
        "double_val": (6, "double", "many"),
        "int_val": (7, "int32", "many"),
        "string_val": (8, "bytes", "many"),
        "int64_val": (10, "int64", "many"),
        "bool_val": (11, "bool", "many"),
    },
    "Function": {"name": (1, "string", "one")},
    "Shape": {"dim": (2, "Dim", "many"), "unknown_rank": (3, "bool", "one")},
    "Dim": {"size": (1, "int64", "one")},
}


def parse(data: bytes) -> GraphDef:
    """The GraphDef in `data`. Raises GraphError if its bytes are no GraphDef that has nodes."""
    try:
        found = _graph_def_class().FromString(data)
    except DecodeError:
        raise GraphError("its bytes are no GraphDef") from None
    if not is_graph(found):
        raise GraphError("its bytes are no GraphDef with nodes")
    return found


def is_graph(graph_def: GraphDef) -> bool:
    """Whether there are nodes, each with a name and an op: other bytes may parse as well."""
    return len(graph_def.node) > 0 and all(node.name and node.op for node in graph_def.node)


@lru_cache(maxsize=1)
def _graph_def_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="nightshift/graph.proto", package="nightshift", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, count) in fields.items():
            if count == "by name":
                _add(message, field, number, _entry(message, field, kind), is_repeated=True)
            else:
                _add(message, field, number, kind, is_repeated=count == "many")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("nightshift.GraphDef"))


def _add(message: Any, field: str, number: int, kind: str, *, is_repeated: bool) -> None:
    kinds = descriptor_pb2.FieldDescriptorProto
    entry = message.field.add(name=field, number=number)
    entry.label = kinds.LABEL_REPEATED if is_repeated else kinds.LABEL_OPTIONAL
    if kind.partition(".")[0] in _MESSAGES:
        entry.type, entry.type_name = kinds.TYPE_MESSAGE, f".nightshift.{kind}"
    else:
        entry.type = getattr(kinds, f"TYPE_{kind.upper()}")


def _entry(message: Any, field: str, kind: str) -> str:
    """The type of a map's entries, from a text to `kind`: protobuf wants it inside the message that has the map."""
    entry = message.nested_type.add(name=f"{field.capitalize()}Entry")
    entry.options.map_entry = True
    _add(entry, "key", 1, "string", is_repeated=False)
    _add(entry, "value", 2, kind, is_repeated=False)
    return f"{message.name}.{entry.name}"
