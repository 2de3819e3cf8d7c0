"""Freezing: variables become constants, what no output needs is dropped, and one `.pb` is the whole model."""

import re
from collections.abc import Mapping, Sequence

import tensorflow as tf
from tensorflow.compat import v1

from graphs import ops, parts
from graphs.inputs import INPUTS
from graphs.names import node_of, renamed
from model.errors import ModelError
from model.graph import frozen, inline

_TABLE = re.compile(r".*HashTable.*")


def freeze(session: v1.Session, outputs: Sequence[str] = ("score",), aliases: Mapping[str, str] | None = None) -> bytes:
    """Return the serialised GraphDef that computes the nodes `outputs` from the session's variables, as they are now.

    `aliases`, {name: tensor}, renames placeholders and adds outputs, as a SavedModel's signature calls them. A frozen
    variable is a constant of its name: `session.run("b:0")` is its value. The bytes are the same for the same graph and
    values. So are the scores, to the last bit, in a session of the same config that is `sessions.as_written`. Raises
    ModelError if a node is absent, or needs what a constant cannot hold.
    """
    graph_def = session.graph.as_graph_def()
    known = {node.name: node.op for node in graph_def.node}
    aliased = {name: node_of(tensor) for name, tensor in (aliases or {}).items()}
    wanted = [*outputs, *(node for node in aliased.values() if known.get(node) not in INPUTS)]
    for output in wanted:
        if output not in known:
            raise ModelError(
                f"the graph has no node {output!r} to freeze: name its outputs with --node{_hint(session)}"
            )
    if inline.calls(v1.graph_util.extract_sub_graph(graph_def, wanted)):
        graph_def = inline.inline(session.graph, wanted)
    try:
        constant = v1.graph_util.convert_variables_to_constants(session, graph_def, wanted)
    except tf.errors.FailedPreconditionError:
        raise ModelError(f"{', '.join(wanted)} needs {_lacking(session, wanted)}, which the checkpoint lacks") from None
    result = _needed(constant, wanted)
    _check(result)
    for node in result.node:
        node.device = ""  # where it was trained says nothing about where it will run
        node.attr.pop("_class", None)  # nor does what it was placed beside
    _alias(result, aliases or {})
    _drop_unused_functions(result)
    content: bytes = result.SerializeToString(deterministic=True)
    return content


def outputs_of(graph: tf.Graph) -> list[str]:
    """What to freeze when nobody says: `score`, else the only node that ends a path from a placeholder.

    ModelError if there are several, or none.
    """
    found = _ends(graph)
    if "score" in {operation.name for operation in graph.get_operations()}:
        return ["score"]
    if len(found) != 1:
        raise ModelError(f"the graph has no node 'score' to freeze: name its outputs with --node{_said(found)}")
    return found


def _needed(graph_def: v1.GraphDef, outputs: Sequence[str]) -> v1.GraphDef:
    """The nodes that the outputs depend on. The conversion keeps a few more, once functions were inlined."""
    reached = parts.reached(parts.inputs(graph_def), outputs)
    result = v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    result.node.extend(node for node in graph_def.node if node.name in reached)
    return result


def _lacking(session: v1.Session, outputs: Sequence[str]) -> str:
    needed = v1.graph_util.extract_sub_graph(session.graph.as_graph_def(), list(outputs))
    with session.graph.as_default():
        empty = {name.decode() for name in session.run(v1.report_uninitialized_variables())}
    names = [node.name for node in needed.node if node.op in ops.VARIABLES and node.name in empty]
    return f"the variable {names[0]!r}" if names else "a variable"


def _ends(graph: tf.Graph) -> list[str]:
    fed = {tensor.op.name for tensor in frozen.placeholders(graph)}
    for operation in graph.get_operations():
        if any(tensor.op.name in fed for tensor in operation.inputs):
            fed.add(operation.name)
    return [tensor.op.name for tensor in frozen.terminal_tensors(graph) if tensor.op.name in fed]


def _hint(session: v1.Session) -> str:
    return _said(_ends(session.graph))


def _said(found: Sequence[str]) -> str:
    return f" (perhaps {', '.join(found[:6])})" if found else ""


def _check(graph_def: v1.GraphDef) -> None:
    for node in graph_def.node:
        if _TABLE.fullmatch(node.op):
            raise ModelError(
                f"the node {node.name!r} is a lookup table ({node.op}), filled when a program starts and not by "
                "constants: freeze a node that does not need it"
            )
        if node.op in ops.VARIABLES:
            raise ModelError(f"the variable {node.name!r} cannot become a constant: its use by {node.op} is not known")


def _alias(graph_def: v1.GraphDef, aliases: Mapping[str, str]) -> None:
    nodes = {node.name: node for node in graph_def.node}
    new: dict[str, str] = {}
    for name, tensor in aliases.items():
        node = node_of(tensor)
        if name == node or node not in nodes:  # an input that no output needs is not there any more
            continue
        if name in nodes:
            new[name] = f"{name}/inner"
        if nodes[node].op in INPUTS:
            new[node] = name
    for entry in graph_def.node:
        entry.name = new.get(entry.name, entry.name)
        for position, source in enumerate(entry.input):
            entry.input[position] = renamed(source, new)
    for name, tensor in aliases.items():
        node = node_of(tensor)
        if name != node and node in nodes and nodes[node].op not in INPUTS:
            source = renamed(tensor, new)
            dtype = _dtype(graph_def, source)
            graph_def.node.add(name=name, op="Identity", input=[source]).attr["T"].type = dtype


def _dtype(graph_def: v1.GraphDef, tensor: str) -> int:
    with v1.Graph().as_default() as graph:
        v1.import_graph_def(graph_def, name="")
        number: int = frozen.tensor(graph, tensor).dtype.as_datatype_enum
        return number


def _drop_unused_functions(graph_def: v1.GraphDef) -> None:
    """A SavedModel's functions that save and restore, say: a worker would refuse them."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    used = parts.functions_called(graph_def, graph_def.node)
    for name in functions.keys() - used:
        graph_def.library.function.remove(functions[name])
    kept = [each for each in graph_def.library.gradient if each.function_name in used]
    del graph_def.library.gradient[:]
    graph_def.library.gradient.extend(kept)
