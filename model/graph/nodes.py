"""What a GraphDef says of itself, read from its NodeDefs: nothing is imported, so any graph may be looked at."""

from collections import Counter
from collections.abc import Iterable, Iterator
from math import prod
from typing import NamedTuple

import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.framework import function_pb2, op_def_pb2, tensor_shape_pb2
from tensorflow.python.framework import op_def_registry  # no public API tells the dtype of a NodeDef's outputs

from model.graph.frozen import NOT_OUTPUTS


class TensorInfo(NamedTuple):
    """A tensor's name without its `:0`, its dtype, and its shape: None if unknown, -1 for any length."""

    name: str
    dtype: str
    shape: list[int] | None


class Values(NamedTuple):
    """A variable or a constant. `bytes` is what its values take in memory; 0 for strings, which have no one size."""

    name: str
    dtype: str
    shape: list[int] | None
    parameters: int  # numbers in it; strings are none
    bytes: int


def values(name: str, dtype: tf.DType, shape: Iterable[int] | None) -> Values:
    """Count what a tensor of this dtype and shape holds."""
    known = None if shape is None else list(shape)
    is_number = dtype not in (tf.string, tf.resource, tf.variant)
    parameters = prod(known) if is_number and known is not None else 0
    return Values(name, dtype.name, known, parameters, parameters * dtype.size if is_number else 0)


def placeholders(graph_def: v1.GraphDef) -> list[TensorInfo]:
    """The nodes that must be fed, in graph order. (A PlaceholderWithDefault has a value already.)"""
    return [_output(graph_def, node) for node in graph_def.node if node.op == "Placeholder"]


def outputs(graph_def: v1.GraphDef) -> list[TensorInfo]:
    """The nodes that have an output and that no other consumes: `frozen.terminal_tensors` without an import."""
    consumed = {source(name) for node in graph_def.node for name in node.input}
    return [
        _output(graph_def, node)
        for node in graph_def.node
        if node.name not in consumed
        and node.op not in NOT_OUTPUTS
        and _arguments(graph_def, node.op) != []
        and "AssertGuard/" not in node.name
    ]


def constants(graph_def: v1.GraphDef) -> list[Values]:
    """Each Const with what it holds; one in a function is called 'function/node'."""
    tensors = [(name, node.attr["value"].tensor) for name, node in every(graph_def) if node.op == "Const"]
    return [values(name, dtype(each.dtype), shape(each.tensor_shape)) for name, each in tensors]


def op_counts(graph_def: v1.GraphDef) -> dict[str, int]:
    """How many nodes each op has, functions included; the most frequent first."""
    counted = Counter(node.op for _, node in every(graph_def))
    return dict(sorted(counted.items(), key=lambda each: (-each[1], each[0])))


def every(graph_def: v1.GraphDef) -> Iterator[tuple[str, v1.NodeDef]]:
    """Yield each node with its name, those of library functions as 'function/node'."""
    for node in graph_def.node:
        yield node.name, node
    for function in graph_def.library.function:
        for node in function.node_def:
            yield f"{function.signature.name}/{node.name}", node


class Part(NamedTuple):
    """Some of a graph's nodes, and the functions that they call, theirs as well. Not copied: constants are large."""

    nodes: list[v1.NodeDef]
    functions: list[function_pb2.FunctionDef]

    def every(self) -> Iterator[v1.NodeDef]:
        yield from self.nodes
        for function in self.functions:
            yield from function.node_def


def needed_by(graph_def: v1.GraphDef, names: Iterable[str]) -> Part:
    """Return the part of a graph that the nodes `names` depend on."""
    by_name = {node.name: node for node in graph_def.node}
    functions = {function.signature.name: function for function in graph_def.library.function}
    reached, called = set[str](), set[str]()
    waiting = [source(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name not in reached and name in by_name:
            reached.add(name)
            waiting += [source(each) for each in by_name[name].input]
    calls = [call for name in reached for call in _calls(by_name[name])] if functions else []
    while calls:
        name = calls.pop()
        if name not in called and name in functions:
            called.add(name)
            calls += [call for node in functions[name].node_def for call in _calls(node)]
    return Part(
        [node for node in graph_def.node if node.name in reached],
        [each for each in graph_def.library.function if each.signature.name in called],
    )


def extract(graph_def: v1.GraphDef, names: Iterable[str]) -> v1.GraphDef:
    """Return the part of a graph that the nodes `names` depend on as a graph of its own."""
    part = needed_by(graph_def, names)
    extracted = v1.GraphDef(versions=graph_def.versions)
    extracted.node.extend(part.nodes)
    extracted.library.function.extend(part.functions)
    return extracted


def source(name: str) -> str:
    """The node of an input or a tensor: `^control`, `node:1` and `node` name the same."""
    return name.removeprefix("^").partition(":")[0]


def dtype(number: int) -> tf.DType:
    """The dtype of a protobuf's number; `variant`, which can hold anything, for one that this TensorFlow lacks."""
    try:
        return tf.as_dtype(number).base_dtype
    except TypeError:
        return tf.variant


def shape(proto: tensor_shape_pb2.TensorShapeProto) -> list[int] | None:
    """A shape's sizes, -1 for any; None if the rank is unknown."""
    return None if proto.unknown_rank else [int(dim.size) for dim in proto.dim]


def _calls(node: v1.NodeDef) -> list[str]:
    functions = [attr.func.name for attr in node.attr.values()]
    return [node.op, *functions, *(each.name for attr in node.attr.values() for each in attr.list.func)]


def _arguments(graph_def: v1.GraphDef, op: str) -> list[op_def_pb2.OpDef.ArgDef] | None:
    """The outputs that an op is defined to have; None if nobody defines it."""
    definition = op_def_registry.get(op)
    for function in graph_def.library.function:
        if function.signature.name == op:
            definition = function.signature
    return None if definition is None else list(definition.output_arg)


def _output(graph_def: v1.GraphDef, node: v1.NodeDef) -> TensorInfo:
    """A node's first output, as far as the node tells."""
    first = next(iter(_arguments(graph_def, node.op) or ()), None)
    name = "unknown"
    if first is not None:
        in_list = list(node.attr[first.type_list_attr].list.type) if first.type_list_attr else []
        number = first.type or (node.attr[first.type_attr].type if first.type_attr else 0) or next(iter(in_list), 0)
        name = dtype(number).name if number else name
    size = None
    if "_output_shapes" in node.attr and node.attr["_output_shapes"].list.shape:
        size = shape(node.attr["_output_shapes"].list.shape[0])
    elif node.op == "Placeholder" and "shape" in node.attr:
        size = shape(node.attr["shape"].shape)
    return TensorInfo(node.name, name, size)
