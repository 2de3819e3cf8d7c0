"""Lookup tables that records write into: what one record leaves there, another would find.

A table outlives the call that filled it, so a worker accepts one only if what is written is the same in every call: if
neither what goes into it nor whether it is done depends on what is fed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphs import ops
from graphs.inputs import MAY_BE_FED
from graphs.messages import FunctionDef, GraphDef, NodeDef
from graphs.names import is_control, node_of
from graphs.walk import mentioned


def written_by_records(graph_def: GraphDef) -> list[tuple[str, NodeDef]]:
    """List (function, node) for each node that writes what is fed into a table; the function is '' for the graph."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    fed: dict[str, set[str]] = {"": set()}  # by function that is called: its arguments and nodes that depend on feeds
    found: list[tuple[str, NodeDef]] = []
    waiting = {"": None}  # of which it is not known yet what follows from what is fed; in order, each once
    while waiting:
        name = next(iter(waiting))
        del waiting[name]
        body = functions[name].node_def if name else graph_def.node
        _spread(body, fed[name])
        for node, called in _calls(body, functions):
            arguments = _fed_arguments(node, functions[called], fed[name])
            if called not in fed or not arguments <= fed[called]:
                fed.setdefault(called, set()).update(arguments)
                waiting[called] = None
    for name in fed:
        body = functions[name].node_def if name else graph_def.node
        brief = {node.name for node in body if node.op.startswith("Anonymous")}  # tables that end with the call
        for node in body:
            if ops.TABLE_WRITES.fullmatch(node.op) and node.name in fed[name] and node_of(node.input[0]) not in brief:
                found.append((name, node))
    return found


def _spread(nodes: Sequence[NodeDef], fed: set[str]) -> None:
    """Adds the nodes that depend on those of `fed`, by data or by control: a branch not taken is no less.

    Each input is followed once, whatever order the nodes are in: a large graph need not begin with what it is fed.
    """
    readers: dict[str, list[str]] = {}
    for node in nodes:
        for source in node.input:
            readers.setdefault(node_of(source), []).append(node.name)
    waiting = [*fed, *(node.name for node in nodes if node.op in MAY_BE_FED)]
    fed.update(waiting)
    while waiting:
        new = [reader for reader in readers.pop(waiting.pop(), ()) if reader not in fed]
        fed.update(new)
        waiting += new


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
