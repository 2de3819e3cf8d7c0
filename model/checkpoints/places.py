"""Where a variable's value is in a checkpoint: as the graph's restore ops say, or the objects of TensorFlow 2."""

from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.protobuf import saved_object_graph_pb2, trackable_object_graph_pb2

from graphs import ops
from graphs.names import node_of

OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "VARIABLE_VALUE"
_HAND_ON = ("Identity", "Cast", "Reshape")
_RESTORES = ("RestoreV2", "Restore", "RestoreSlice")


class Place(NamedTuple):
    """Where a value is in a checkpoint: its key, and which slice of it, as Saver writes that."""

    key: str
    slice: str = ""


def places_of_saver(graph_def: v1.GraphDef) -> dict[str, Place]:
    """For each variable's node, where its value is, as the graph's restore ops pair them."""
    nodes = {node.name: node for node in graph_def.node}
    readers: dict[str, list[v1.NodeDef]] = {}
    for node in graph_def.node:
        for source in node.input:
            readers.setdefault(source.removesuffix(":0"), []).append(node)
    found: dict[str, Place] = {}
    for node in graph_def.node:
        if node.op not in _RESTORES:
            continue
        names = _texts(nodes.get(node_of(node.input[1])))
        slices = _texts(nodes.get(node_of(node.input[2]))) if len(node.input) > 2 else [""] * len(names)
        for index, (name, part) in enumerate(zip(names, slices, strict=False)):
            waiting = [f"{node.name}:{index}" if index else node.name]
            while waiting:
                for reader in readers.get(waiting.pop(), ()):
                    if reader.op in ("Assign", "AssignVariableOp"):
                        found.setdefault(node_of(reader.input[0]), Place(name, part))
                    elif reader.op in _HAND_ON:
                        waiting.append(reader.name)
    return found


def places_of_objects(
    graph_def: v1.GraphDef, objects: saved_object_graph_pb2.SavedObjectGraph, reader: Any
) -> tuple[dict[str, Place], dict[str, str]]:
    """For each variable's node where its value is, and for each table's its key, by the object that it belongs to.

    A call of a concrete function hands it, as the last inputs, the objects that it captured.
    """
    written = trackable_object_graph_pb2.TrackableObjectGraph()
    written.ParseFromString(reader.get_tensor(OBJECTS))
    ids = _same_objects(objects, written)
    keys = {
        mine: {attribute.name: attribute.checkpoint_key for attribute in written.nodes[theirs].attributes}
        for mine, theirs in ids.items()
    }
    owners: dict[str, int] = {}
    for node in graph_def.node:
        function = objects.concrete_functions.get(node.attr["f"].func.name) if "f" in node.attr else None
        if function is not None and function.bound_inputs:
            captured = [node_of(source) for source in node.input][-len(function.bound_inputs) :]
            owners.update(zip(captured, function.bound_inputs, strict=True))
    named: dict[str, list[int]] = {}
    for index, each in enumerate(objects.nodes):
        if each.WhichOneof("kind") == "variable":
            named.setdefault(each.variable.name, []).append(index)
    places: dict[str, Place] = {}
    tables: dict[str, str] = {}
    for node in graph_def.node:
        shared = node.attr["shared_name"].s.decode("utf-8", "surrogateescape") if "shared_name" in node.attr else ""
        same = named.get(shared, [])
        owner = owners.get(node.name, same[0] if len(same) == 1 else None)
        attributes = keys.get(owner, {}) if owner is not None else {}
        if node.op in ops.VARIABLES and _VALUE in attributes:
            places[node.name] = Place(attributes[_VALUE])
        elif "table-keys" in attributes:
            tables[node.name] = attributes["table-keys"].removesuffix("-keys")
    return places, tables


def _same_objects(objects: Any, written: Any) -> dict[int, int]:
    """The checkpoint's object for each of the model's: both are walked from the root, by the children's names."""
    found = {0: 0}
    waiting = [0]
    while waiting:
        mine = waiting.pop()
        children = {child.local_name: child.node_id for child in written.nodes[found[mine]].children}
        for child in objects.nodes[mine].children:
            if child.local_name in children and child.node_id not in found:
                found[child.node_id] = children[child.local_name]
                waiting.append(child.node_id)
    return found


def _texts(node: v1.NodeDef | None) -> list[str]:
    if node is None or node.op != "Const" or node.attr["dtype"].type != tf.string.as_datatype_enum:
        return []
    return [value.decode() for value in tf.make_ndarray(node.attr["value"].tensor).reshape(-1).tolist()]
