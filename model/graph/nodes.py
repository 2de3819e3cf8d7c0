"""What a GraphDef says of itself, read from its NodeDefs: nothing is imported, so any graph may be looked at."""

from collections import Counter
from collections.abc import Iterable
from math import prod
from typing import NamedTuple

import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.framework import op_def_pb2, tensor_shape_pb2
from tensorflow.python.framework import op_def_registry  # no public API tells the dtype of a NodeDef's outputs

from graphs import walk
from graphs.inputs import INPUTS
from graphs.outputs import terminal


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
    return [output(graph_def, node) for node in graph_def.node if node.op in INPUTS]


def outputs(graph_def: v1.GraphDef) -> list[TensorInfo]:
    """The graph's outputs: `frozen.terminal_tensors` without an import."""
    names = set(terminal(graph_def))
    return [output(graph_def, node) for node in graph_def.node if node.name in names]


def constants(graph_def: v1.GraphDef) -> list[Values]:
    """Each Const with what it holds; one in a function is called 'function/node'."""
    tensors = [
        (walk.called(function, node), node.attr["value"].tensor)
        for function, node in walk.every(graph_def)
        if node.op == "Const"
    ]
    return [values(name, dtype(each.dtype), shape(each.tensor_shape)) for name, each in tensors]


def op_counts(graph_def: v1.GraphDef) -> dict[str, int]:
    """How many nodes each op has, functions included; the most frequent first."""
    counted = Counter(node.op for _, node in walk.every(graph_def))
    return dict(sorted(counted.items(), key=lambda each: (-each[1], each[0])))


def extract(graph_def: v1.GraphDef, names: Iterable[str]) -> v1.GraphDef:
    """Return the part of a graph that the nodes `names` depend on as a graph of its own."""
    part = walk.needed_by(graph_def, names)
    extracted = v1.GraphDef(versions=graph_def.versions)
    extracted.node.extend(part.nodes)
    extracted.library.function.extend(part.functions)
    return extracted


def dtype(number: int) -> tf.DType:
    """The dtype of a protobuf's number; `variant`, which can hold anything, for one that this TensorFlow lacks."""
    try:
        return tf.as_dtype(number).base_dtype
    except TypeError:
        return tf.variant


def shape(proto: tensor_shape_pb2.TensorShapeProto) -> list[int] | None:
    """A shape's sizes, -1 for any; None if the rank is unknown."""
    return None if proto.unknown_rank else [int(dim.size) for dim in proto.dim]


def _arguments(graph_def: v1.GraphDef, op: str) -> list[op_def_pb2.OpDef.ArgDef] | None:
    """The outputs that an op is defined to have; None if nobody defines it."""
    definition = op_def_registry.get(op)
    for function in graph_def.library.function:
        if function.signature.name == op:
            definition = function.signature
    return None if definition is None else list(definition.output_arg)


def output(graph_def: v1.GraphDef, node: v1.NodeDef) -> TensorInfo:
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
    elif node.op in INPUTS and "shape" in node.attr:
        size = shape(node.attr["shape"].shape)
    return TensorInfo(node.name, name, size)
