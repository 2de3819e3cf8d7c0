"""Which value of a checkpoint belongs to which variable: read off the restore op, or off a SavedModel's objects.

The restore op itself never runs: it is a stranger's.
"""

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.compat import v1
from tensorflow.core.protobuf import trackable_object_graph_pb2

from graphs import ops
from graphs.names import is_control, node_of
from model.errors import ModelError
from model.graph import inline
from model.graph import nodes as node_defs

OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"  # TensorFlow 2's note of which Python object a value belongs to
_HANDS_ON = frozenset({"Identity", "Reshape", "Cast"})
_VALUE = "VARIABLE_VALUE"


class Entry(NamedTuple):
    """A value of a checkpoint; `part` says which slice of it, as a Saver writes it: '8 4 0,4:-'. Empty: all of it."""

    key: str
    part: str = ""


class Pairs(NamedTuple):
    variables: dict[str, Entry]  # by node
    tables: dict[str, tuple[str, str]]  # keys' and values' keys, by node


def of(meta_graph: v1.MetaGraphDef, objects: bytes | None) -> Pairs:
    """Pair the graph's variables and tables with a checkpoint's keys. `objects` is its value `OBJECTS`, if it has one.

    ModelError if the restore op or the objects are none that TensorFlow writes.
    """
    try:
        found = _by_restore_op(meta_graph)
        return Pairs(_by_objects(meta_graph, objects) | found.variables, found.tables)
    except (DecodeError, LookupError, ValueError) as error:
        raise ModelError(f"its restore op is not a plain Saver's: {error}") from None


def _by_restore_op(meta_graph: v1.MetaGraphDef) -> Pairs:
    found = Pairs({}, {})
    name = meta_graph.saver_def.restore_op_name
    if not name:
        return found
    graph_def = node_defs.extract(meta_graph.graph_def, [name])
    nodes = {node.name: node for node in inline.inline(graph_def, [node_of(name)]).node}
    for node in nodes.values():
        if node.op in ("Assign", "AssignVariableOp"):
            entry = _entry(node.input[1], nodes)
            if entry is not None:
                found.variables[node_of(_origin(node.input[0], nodes))] = entry
        elif node.op.startswith("LookupTableImport"):
            keys, values = (_entry(source, nodes) for source in node.input[1:3])
            if keys is not None and values is not None:
                found.tables[node_of(_origin(node.input[0], nodes))] = (keys.key, values.key)
    return found


def _origin(source: str, nodes: Mapping[str, v1.NodeDef]) -> str:
    for _ in nodes:  # a doctored graph may go round in a circle
        if nodes[node_of(source)].op not in _HANDS_ON:
            break
        source = nodes[node_of(source)].input[0]
    return source


def _entry(source: str, nodes: Mapping[str, v1.NodeDef]) -> Entry | None:
    source = _origin(source, nodes)
    node = nodes[node_of(source)]
    output = int(source.partition(":")[2] or 0)
    if node.op not in ("RestoreV2", "Restore", "RestoreSlice"):
        return None
    texts = [_texts(nodes[node_of(_origin(each, nodes))]) for each in node.input[1:3] if not is_control(each)]
    if not texts or len(texts[0]) <= output:
        return None
    return Entry(texts[0][output], texts[1][output] if len(texts) > 1 else "")


def _texts(node: v1.NodeDef) -> list[str]:
    if node.op != "Const":
        return []
    return [text.decode() for text in tf.make_ndarray(node.attr["value"].tensor).reshape(-1).tolist()]


def _by_objects(meta_graph: v1.MetaGraphDef, objects: bytes | None) -> dict[str, Entry]:
    """What a Keras 3 model's SavedModel needs: its restore op fills other variables than its functions read."""
    saved = meta_graph.object_graph_def
    if not saved.nodes or objects is None:
        return {}
    stored = trackable_object_graph_pb2.TrackableObjectGraph.FromString(objects)
    keys: dict[int, str] = {}  # by the object's number in the SavedModel
    waiting, seen = [(0, 0)], {0}
    while waiting:
        here, there = waiting.pop()
        for attribute in stored.nodes[there].attributes:
            if attribute.name == _VALUE:
                keys[here] = attribute.checkpoint_key
        children = {child.local_name: child.node_id for child in stored.nodes[there].children}
        for child in saved.nodes[here].children:
            if child.local_name in children and child.node_id not in seen:
                seen.add(child.node_id)
                waiting.append((child.node_id, children[child.local_name]))
    found = {}
    for node in meta_graph.graph_def.node:
        if node.op in ops.CALLS and node.attr["f"].func.name in saved.concrete_functions:
            bound = list(saved.concrete_functions[node.attr["f"].func.name].bound_inputs)
            sources = [source for source in node.input if not is_control(source)]
            for source, number in zip(sources[len(sources) - len(bound) :], bound, strict=False):
                if number in keys:
                    found[node_of(source)] = Entry(keys[number])
    return found
