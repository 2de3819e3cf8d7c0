"""Walking a graph: every node with those of its functions, which nodes others need, and what is missing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from graphs import ops
from graphs.messages import FunctionDef, GraphDef, NodeDef
from graphs.names import node_of


class Part(NamedTuple):
    """Some of a graph's nodes, and the functions that they call, theirs as well. Not copied: constants are large."""

    nodes: list[NodeDef]
    functions: list[FunctionDef]

    def every(self) -> Iterator[NodeDef]:
        yield from self.nodes
        for function in self.functions:
            yield from function.node_def


def every(graph_def: GraphDef) -> Iterator[tuple[str, NodeDef]]:
    """Yield each node with where it is: '' for the graph itself, else the name of its library function."""
    for node in graph_def.node:
        yield "", node
    for function in graph_def.library.function:
        for node in function.node_def:
            yield function.signature.name, node


def called(function: str, node: NodeDef) -> str:
    """What people call a node of `every`: one in a function is 'function/node'."""
    return f"{function}/{node.name}" if function else str(node.name)


def variables(graph_def: GraphDef) -> list[str]:
    """The names of the nodes that hold values outside the graph, functions included: a frozen graph has none."""
    return [node.name for _, node in every(graph_def) if node.op in ops.VARIABLES]


def inputs(graph_def: GraphDef) -> dict[str, tuple[str, ...]]:
    """For each node, those that it reads from or waits for."""
    return {node.name: tuple(node_of(source) for source in node.input) for node in graph_def.node}


def reached(inputs: Mapping[str, Sequence[str]], names: Iterable[str]) -> set[str]:
    """The nodes, by their inputs, that those of the tensors `names` depend on, themselves included."""
    found: set[str] = set()
    waiting = [node_of(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name not in found and name in inputs:
            found.add(name)
            waiting += inputs[name]
    return found


def mentioned(node: NodeDef) -> list[str]:
    """The names of the functions that a node may call, and of others: its op, and what its attributes name."""
    functions = [attr.func.name for attr in node.attr.values()]
    return [node.op, *functions, *(each.name for attr in node.attr.values() for each in attr.list.func)]


def functions_called(graph_def: GraphDef, nodes: Iterable[NodeDef]) -> set[str]:
    """The library functions that the nodes call, and those that these call in turn."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    found: set[str] = set()
    waiting = [name for node in nodes for name in mentioned(node)] if functions else []
    while waiting:
        name = waiting.pop()
        if name not in found and name in functions:
            found.add(name)
            waiting += [name for node in functions[name].node_def for name in mentioned(node)]
    return found


def needed_by(graph_def: GraphDef, names: Iterable[str]) -> Part:
    """The part of a graph that the nodes or tensors `names` depend on."""
    found = reached(inputs(graph_def), names)
    nodes = [node for node in graph_def.node if node.name in found]
    functions = functions_called(graph_def, nodes)
    return Part(nodes, [each for each in graph_def.library.function if each.signature.name in functions])
