"""Branches of a graph that are never taken: where a condition is a constant, one side of it goes."""

from typing import Any

import tensorflow as tf
from tensorflow.compat import v1

from graphs.names import is_control, node_of, tensor_of

_SWITCHES = ("Switch", "RefSwitch")
_MERGES = ("Merge", "RefMerge")
_HAND_ON = ("Identity", "StopGradient", "Snapshot")


def prune(graph_def: v1.GraphDef) -> None:
    """Does away with what a constant condition excludes: the dead side of a Switch, with all that only runs there."""
    nodes = {node.name: node for node in graph_def.node}
    dead: set[str] = set()  # tensors, and nodes as "^node"
    taken: dict[str, str] = {}  # the output of a Switch or Merge -> the tensor that comes out there
    for node in nodes.values():
        if node.op in _SWITCHES:
            value = _condition(node.input[1], nodes)
            if value is not None:
                dead.add(f"{node.name}:{int(not value)}")
                taken[f"{node.name}:{int(value)}"] = node.input[0]
    if not dead:
        return
    _spread(nodes, dead)
    for node in nodes.values():
        if node.op in _MERGES and f"^{node.name}" not in dead:
            alive = [source for source in node.input if not is_control(source) and not _is_dead(source, dead)]
            if len(alive) == 1 and len(alive) < len([each for each in node.input if not is_control(each)]):
                taken[f"{node.name}:0"] = alive[0]
    kept = [node for node in graph_def.node if f"^{node.name}" not in dead]
    for node in kept:
        controls = [each for each in node.input if is_control(each) and f"^{node_of(each)}" not in dead]
        sources = [_behind(each, taken) for each in node.input if not is_control(each)]
        switches = [each for each in controls if nodes[node_of(each)].op not in _SWITCHES]
        del node.input[:]
        node.input.extend([*sources, *switches])
    result = [v1.NodeDef.FromString(node.SerializeToString()) for node in kept if not _is_settled(node, taken)]
    del graph_def.node[:]
    graph_def.node.extend(result)


def _is_settled(node: Any, taken: dict[str, str]) -> bool:
    return node.op in (*_SWITCHES, *_MERGES) and any(f"{node.name}:{output}" in taken for output in (0, 1))


def _condition(source: str, nodes: dict[str, Any]) -> bool | None:
    """What a condition is, if it is a constant."""
    node = nodes.get(node_of(source))
    while node is not None and node.op in _HAND_ON:
        node = nodes.get(node_of(node.input[0]))
    if node is not None and node.op == "LogicalNot":
        value = _condition(node.input[0], nodes)
        return None if value is None else not value
    if node is None or node.op != "Const" or node.attr["dtype"].type != tf.bool.as_datatype_enum:
        return None
    return bool(tf.make_ndarray(node.attr["value"].tensor))


def _spread(nodes: dict[str, Any], dead: set[str]) -> None:
    """A node with a dead input is dead; a Merge only if all of its inputs are."""
    readers: dict[str, list[str]] = {}
    for node in nodes.values():
        for source in node.input:
            readers.setdefault(node_of(source), []).append(node.name)
    waiting = [node_of(each) for each in dead]
    while waiting:
        for reader in readers.get(waiting.pop(), ()):
            node = nodes[reader]
            gone = [_is_dead(source, dead) for source in node.input]
            is_dead = all(gone) if node.op in _MERGES else any(gone)
            if is_dead and f"^{reader}" not in dead:
                dead.add(f"^{reader}")
                waiting.append(reader)


def _is_dead(source: str, dead: set[str]) -> bool:
    if f"^{node_of(source)}" in dead:
        return True
    return not is_control(source) and tensor_of(source) in dead


def _behind(source: str, taken: dict[str, str]) -> str:
    """What a settled Switch or Merge hands on."""
    while (tensor_of(source) or "") in taken:
        source = taken[tensor_of(source) or ""]
    return source
