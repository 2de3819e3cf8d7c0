"""Lookup tables that records write into: what one record leaves there, another would find.

A table outlives the call that filled it, so a worker accepts one only if what is written is the same in every call: if
neither what goes into it nor whether it is done depends on what is fed.
"""

from collections.abc import Iterable, Iterator, Mapping

from graphs import ops
from graphs.inputs import MAY_BE_FED
from graphs.messages import FunctionDef, GraphDef, NodeDef
from graphs.names import is_control, node_of
from graphs.parts import mentioned


def written_by_records(graph_def: GraphDef) -> list[tuple[str, NodeDef]]:
    """List (function, node) for each node that writes what is fed into a table; the function is '' for the graph."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    fed: dict[str, set[str]] = {"": set()}  # by function that is called: its arguments and nodes that depend on feeds
    found: list[tuple[str, NodeDef]] = []
    changed = True
    while changed:
        changed = False
        for name in list(fed):
            body = functions[name].node_def if name else graph_def.node
            before = len(fed[name])
            _spread(body, fed[name])
            changed |= len(fed[name]) > before
            for node, called in _calls(body, functions):
                known = len(fed.get(called, ()))
                is_new = called not in fed
                fed.setdefault(called, set()).update(_fed_arguments(node, functions[called], fed[name]))
                changed |= is_new or len(fed[called]) > known
    for name in fed:
        body = functions[name].node_def if name else graph_def.node
        brief = {node.name for node in body if node.op.startswith("Anonymous")}  # tables that end with the call
        for node in body:
            if ops.TABLE_WRITES.fullmatch(node.op) and node.name in fed[name] and node_of(node.input[0]) not in brief:
                found.append((name, node))
    return found


def _spread(nodes: Iterable[NodeDef], fed: set[str]) -> None:
    """Adds the nodes that depend on those of `fed`, by data or by control: a branch not taken is no less."""
    nodes = list(nodes)
    size = -1
    while size != len(fed):  # a loop's nodes lead back to where it began
        size = len(fed)
        for node in nodes:
            if node.op in MAY_BE_FED or any(node_of(each) in fed for each in node.input):
                fed.add(node.name)


def _calls(nodes: Iterable[NodeDef], functions: Mapping[str, FunctionDef]) -> Iterator[tuple[NodeDef, str]]:
    for node in nodes:
        for name in mentioned(node):
            if name in functions:
                yield node, name


def _fed_arguments(node: NodeDef, function: FunctionDef, fed: set[str]) -> set[str]:
    """The called function's arguments that depend on feeds. Where the call itself may (a branch, a loop), all do."""
    arguments = [argument.name for argument in function.signature.input_arg]
    inputs = [node_of(each) for each in node.input if not is_control(each)]
    if (node.op in ops.CALLS or node.op == function.signature.name) and len(arguments) == len(inputs):
        return {argument for argument, source in zip(arguments, inputs, strict=True) if source in fed}
    return {*arguments, *(each.name for each in function.node_def)} if node.name in fed else set()
