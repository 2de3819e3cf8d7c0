"""Placeholders that are set for good, and the branches that nothing takes any more."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from graphs import ops, walk
from graphs.inputs import MAY_BE_FED
from graphs.names import is_control, node_of
from model.errors import ModelError, reason
from model.graph import foreign, inline, nodes
from model.graph.registry import op_list

_SWITCH = frozenset({"Switch", "RefSwitch"})
_MERGE = frozenset({"Merge", "RefMerge"})
_BRANCHES = {"If": ("else_branch", "then_branch"), "StatelessIf": ("else_branch", "then_branch")}
_CASES = frozenset({"Case", "StatelessCase"})
_LOOPS = frozenset({"Enter", "RefEnter", "NextIteration", "RefNextIteration", "LoopCond", "Exit", "RefExit"})


def settings(graph_def: v1.GraphDef, given: Mapping[str, str]) -> dict[str, npt.NDArray[Any]]:
    """What placeholders are set to, by node. ModelError if one is absent, or the value is none of its dtype."""
    known = {node.name: node for node in graph_def.node}
    return {name: _parsed(known.get(name), name, text) for name, text in given.items()}


def _parsed(node: v1.NodeDef | None, name: str, text: str) -> npt.NDArray[Any]:
    if node is None or node.op not in MAY_BE_FED:
        raise ModelError(f"--set {name}: the graph has no placeholder of this name")
    dtype = tf.as_dtype(node.attr["dtype"].type)
    try:
        if dtype == tf.string:
            value: Any = np.array(text.encode(), dtype=object)
        elif dtype == tf.bool:
            value = np.array({"0": False, "1": True, "false": False, "true": True}[text.lower()])
        else:
            value = np.array(text).astype(dtype.as_numpy_dtype)
    except (KeyError, ValueError, OverflowError):
        raise ModelError(f"--set {name}={text}: {text!r} is no {dtype.name}") from None
    shape = tf.TensorShape(node.attr["shape"].shape)
    if node.op == "Placeholder" and shape.rank:
        return np.full([size or 1 for size in shape.as_list()], value)
    return np.asarray(value)


def fix(graph_def: v1.GraphDef, values: Mapping[str, npt.NDArray[Any]]) -> None:
    """Make constants of placeholders, by node. Changes `graph_def`."""
    for node in graph_def.node:
        if node.name in values:
            _become_constant(node, values[node.name], node.attr["dtype"].type)


def _become_constant(node: v1.NodeDef, value: Any, dtype: int) -> None:
    name = node.name
    node.Clear()
    node.name, node.op = name, "Const"
    node.attr["dtype"].type = dtype
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype))


def prune(graph_def: v1.GraphDef, wanted: Iterable[str]) -> v1.GraphDef:
    """Return the part that `wanted` needs, without branches whose predicate is constant and says no."""
    roots = [node_of(name) for name in wanted]
    graph_def = nodes.extract(graph_def, roots)
    while True:
        found = _predicates(graph_def)
        if not found:
            return graph_def
        called = _choose_functions(graph_def, found)
        _choose_inputs(graph_def, found)
        graph_def = nodes.extract(graph_def, roots)
        if called:
            graph_def = nodes.extract(inline.inline(graph_def, roots), roots)


def _predicates(graph_def: v1.GraphDef) -> dict[str, Any]:
    """The constant predicates of the graph's branches, by the node that branches."""
    known = {node.name: node for node in graph_def.node}
    graph = walk.inputs(graph_def)
    found: dict[str, str] = {}
    for node in graph_def.node:
        if node.op in _SWITCH:
            source = node.input[1]
        elif node.op in _BRANCHES or node.op in _CASES:
            source = node.input[0]
        else:
            continue
        if all(_is_computed(known[name], node.op) for name in walk.reached(graph, [source])):
            found[node.name] = source
    return dict(zip(found, evaluate(graph_def, list(found.values())), strict=True))


def _is_computed(node: v1.NodeDef, _: str) -> bool:
    """Whether an op's outputs follow from its inputs alone, and nobody feeds it."""
    if node.op in MAY_BE_FED or node.op in _LOOPS or node.op in _SWITCH or node.op in _MERGE:
        return False
    traits = op_list().traits_of(node.op)
    return traits is not None and not traits.is_stateful and not ops.refusal(node.op)


def evaluate(graph_def: v1.GraphDef, tensors: list[str]) -> list[npt.NDArray[Any]]:
    """The values of tensors that need no feeding and no variable. ModelError if they need something refused."""
    if not tensors:
        return []
    part = nodes.extract(graph_def, tensors)
    foreign.refuse_unsafe_part(part, tensors)  # what it calls as well
    graph = inline.imported(part)
    try:
        with v1.Session(graph=graph) as session:
            full = [name if ":" in name else f"{name}:0" for name in tensors]
            return [np.asarray(value) for value in session.run(full)]
    except (ValueError, tf.errors.OpError) as error:
        raise ModelError(f"cannot compute the constant {tensors[0]!r}: {reason(error)}") from None


def _choose_functions(graph_def: v1.GraphDef, predicates: Mapping[str, Any]) -> bool:
    """Make of each If and Case that is decided a call of its branch."""
    found = False
    for node in graph_def.node:
        if node.name not in predicates or node.op in _SWITCH:
            continue
        found = True
        value = predicates[node.name]
        if node.op in _CASES:
            branches = node.attr["branches"].list.func
            index = int(value)
            branch = branches[index if 0 <= index < len(branches) else len(branches) - 1]
        else:
            branch = node.attr[_BRANCHES[node.op][bool(value.any() if value.ndim else value)]].func
        call = v1.NodeDef(name=node.name, op="StatefulPartitionedCall", input=node.input[1:])
        for attribute in ("Tin", "Tout"):
            call.attr[attribute].CopyFrom(node.attr[attribute])
        call.attr["f"].func.CopyFrom(branch)
        node.CopyFrom(call)
    return found


def _choose_inputs(graph_def: v1.GraphDef, predicates: Mapping[str, Any]) -> None:
    """Take out each Switch that is decided, and of each Merge what never arrives."""
    readers: dict[str, list[v1.NodeDef]] = {}
    for node in graph_def.node:
        for source in dict.fromkeys(node_of(each) for each in node.input):
            readers.setdefault(source, []).append(node)
    dead: set[str] = set()  # tensors, and nodes as ^node
    waiting: list[str] = []
    for node in graph_def.node:
        if node.op in _SWITCH and node.name in predicates:
            waiting.append(f"{node.name}:{0 if predicates[node.name] else 1}")
    while waiting:
        tensor = waiting.pop()
        if tensor in dead:
            continue
        dead.add(tensor)
        for node in readers.get(node_of(tensor), ()):
            sources = [_full(each) for each in node.input]
            if tensor not in sources and tensor != f"^{node.name}":
                continue
            data = [each for each in sources if not is_control(each)]
            is_dead = all(each in dead for each in data) if node.op in _MERGE else True
            if is_dead and f"^{node.name}" not in dead:
                waiting.append(f"^{node.name}")
                waiting += [f"{node.name}:{number}" for number in range(_outputs(node, readers))]
    for node in graph_def.node:
        if node.op in _MERGE and f"^{node.name}" not in dead:
            _narrow(graph_def, node, dead, readers)
    for node in graph_def.node:
        if node.op in _SWITCH and node.name in predicates:
            node.op = "Identity"
            kept = [node.input[0], *(each for each in node.input[2:])]
            del node.input[:]
            node.input.extend(kept)
            for reader in readers.get(node.name, ()):
                for number, source in enumerate(reader.input):
                    if source == f"{node.name}:1":
                        reader.input[number] = node.name


def _full(source: str) -> str:
    return source if is_control(source) or ":" in source else f"{source}:0"


def _outputs(node: v1.NodeDef, readers: Mapping[str, list[v1.NodeDef]]) -> int:
    """How many outputs of a node are read."""
    numbers = [0]
    for reader in readers.get(node.name, ()):
        numbers += [int(each.partition(":")[2] or 0) for each in reader.input if node_of(each) == node.name]
    return max(numbers) + 1


def _narrow(graph_def: v1.GraphDef, node: v1.NodeDef, dead: set[str], readers: Mapping[str, list[v1.NodeDef]]) -> None:
    data = [each for each in node.input if not is_control(each)]
    live = [each for each in data if _full(each) not in dead]
    if len(live) == len(data):
        return
    controls = [each for each in node.input if is_control(each) and each not in dead]
    del node.input[:]
    node.input.extend([*live, *controls])
    node.attr["N"].i = len(live)
    if len(live) > 1:
        return
    node.op = "Identity"
    node.attr.pop("N")
    if any(each == f"{node.name}:1" for reader in readers.get(node.name, ()) for each in reader.input):
        index = v1.NodeDef(name=f"{node.name}/value_index")
        _become_constant(index, np.int32(data.index(live[0])), tf.int32.as_datatype_enum)
        graph_def.node.append(index)
        for reader in readers[node.name]:
            for number, source in enumerate(reader.input):
                if source == f"{node.name}:1":
                    reader.input[number] = index.name
