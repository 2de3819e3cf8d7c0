"""Changing what a graph is fed: tensors become placeholders, placeholders become constants."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.compat import v1

from graphs.inputs import MAY_BE_FED
from graphs.names import is_control, node_of, tensor_of
from graphs.parts import needed_by
from model.errors import ModelError


def cut(graph_def: v1.GraphDef, inputs: Mapping[str, str]) -> None:
    """Makes placeholders, {name: tensor}, of tensors anywhere in the graph: what is behind them is fed from now on.

    A placeholder that is called so already stays as it is, its default included. Raises ModelError for a tensor that
    the graph has not, or a name that another node has.
    """
    nodes = {node.name: node for node in graph_def.node}
    behind = [tensor for tensor in inputs.values() if _op_of(nodes, tensor) not in MAY_BE_FED]
    infos = dict(zip(map(tensor_of, behind), infer_shapes(graph_def, behind), strict=True))
    renames: dict[str, str] = {}
    for name, tensor in inputs.items():
        full = tensor_of(tensor)
        if full is None or node_of(tensor) not in nodes:
            raise ModelError(f"the graph has no tensor {tensor!r} to cut at")
        node = nodes[node_of(tensor)]
        if node.op in MAY_BE_FED:
            renames[node.name] = name
            continue
        dtype, shape = infos[full]
        _redirect(graph_def, full, name)
        if name in nodes:
            if node_of(tensor) != name:
                raise ModelError(f"the graph has a node {name!r} already, which is not {tensor!r}")
            graph_def.node.remove(nodes.pop(name))
        made = graph_def.node.add(name=name, op="Placeholder")
        made.attr["dtype"].type = dtype.as_datatype_enum
        made.attr["shape"].shape.CopyFrom(shape.as_proto())
        nodes[name] = made
    rename(graph_def, renames)


def fix(graph_def: v1.GraphDef, constants: Mapping[str, str]) -> None:
    """Makes constants of placeholders, {name: value as typed}. Raises ModelError for what is no scalar placeholder."""
    nodes = {node.name: node for node in graph_def.node}
    for name, text in constants.items():
        node = nodes.get(name)
        if node is None or node.op not in MAY_BE_FED:
            there = ", ".join(repr(each.name) for each in graph_def.node if each.op in MAY_BE_FED)
            raise ModelError(f"the graph has no placeholder {name!r} to set; it has {there or 'none'}")
        dtype = tf.as_dtype(node.attr["dtype"].type)
        value = _value(name, dtype, text)
        node.Clear()
        node.name, node.op = name, "Const"
        node.attr["dtype"].type = dtype.as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype))


def _value(name: str, dtype: tf.DType, text: str) -> Any:
    if dtype == tf.string:
        return text
    if dtype == tf.bool:
        known = {"true": True, "1": True, "false": False, "0": False}
        if text.strip().lower() in known:
            return known[text.strip().lower()]
    else:
        try:
            number = complex(text) if dtype.is_complex else float(text)
            if not dtype.is_integer or number == int(float(text)):
                return np.array(int(float(text)) if dtype.is_integer else number).astype(dtype.as_numpy_dtype)
        except (ValueError, OverflowError):
            pass
    raise ModelError(f"--set {name}={text}: {text!r} is not {dtype.name}")


def infer(graph_def: v1.GraphDef, tensors: Iterable[str]) -> list[tf.DType]:
    """The tensors' dtypes. Raises ModelError as `infer_shapes`."""
    return [dtype for dtype, _ in infer_shapes(graph_def, tensors)]


def infer_shapes(graph_def: v1.GraphDef, tensors: Iterable[str]) -> list[tuple[tf.DType, tf.TensorShape]]:
    """The tensors' dtypes and shapes, as TensorFlow infers them from the part of the graph behind them. Raises
    ModelError if it can't."""
    wanted = [tensor_of(tensor) or tensor for tensor in tensors]
    if not wanted:
        return []
    part = needed_by(graph_def, wanted)
    behind = v1.GraphDef(versions=graph_def.versions)
    behind.node.extend(part.nodes)
    behind.library.function.extend(part.functions)
    with v1.Graph().as_default() as graph:
        try:
            v1.import_graph_def(behind, name="")
            found = {full: graph.get_tensor_by_name(full) for full in wanted}
        except (ValueError, KeyError, tf.errors.OpError) as error:
            raise ModelError(f"the graph cannot be cut at {', '.join(wanted)}: {str(error).splitlines()[0]}") from None
    return [(found[full].dtype.base_dtype, found[full].shape) for full in wanted]


def _redirect(graph_def: v1.GraphDef, tensor: str, name: str) -> None:
    """Whoever reads the tensor reads the first output of the node `name`."""
    for node in graph_def.node:
        for position, source in enumerate(node.input):
            if not is_control(source) and tensor_of(source) == tensor:
                node.input[position] = name


def _op_of(nodes: Mapping[str, Any], tensor: str) -> str:
    node = nodes.get(node_of(tensor))
    return "" if node is None else str(node.op)


def rename(graph_def: v1.GraphDef, names: Mapping[str, str]) -> None:
    """Renames nodes, {old: new}; a node that has a new name already gives way."""
    changed = {old: new for old, new in names.items() if old != new}
    taken = {node.name for node in graph_def.node} - changed.keys()
    inner = {name: f"{name}/inner" for name in changed.values() if name in taken}
    both = {**inner, **changed}
    if not both:
        return
    for node in graph_def.node:
        node.name = both.get(node.name, node.name)
        for position, source in enumerate(node.input):
            control = "^" if is_control(source) else ""
            old = node_of(source)
            if old in both:
                node.input[position] = control + both[old] + source.removeprefix("^")[len(old) :]
