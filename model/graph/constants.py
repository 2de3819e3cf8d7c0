"""Variables become constants of their names, and what reads them reads constants."""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.python.framework import convert_to_constants as tf_convert  # no public API takes values of one's own

from graphs import ops
from graphs.names import node_of
from model.errors import ModelError, reason
from model.graph import cut

_PLAIN = {  # what hands a reference on, and what hands a value on
    f"Ref{op}": op for op in ("Switch", "Merge", "Enter", "Exit", "NextIteration", "Identity")
}


def without_references(graph_def: v1.GraphDef) -> None:
    """Put values where references were handed on: a constant has none. Changes `graph_def`."""
    for node in graph_def.node:
        node.op = _PLAIN.get(node.op, node.op)
        if node.op == "Variable":
            node.op = "VariableV2"
        elif node.op in ("IsVariableInitialized", "VarIsInitializedOp"):
            name = node.name
            node.Clear()
            node.name, node.op = name, "Const"
            node.attr["dtype"].type = tf.bool.as_datatype_enum
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(True))
    for function in graph_def.library.function:
        _read_before_gather(function)


def _read_before_gather(function: Any) -> None:
    """A gather from a variable in a function becomes a read and a gather, which the conversion can follow."""
    for node in list(function.node_def):
        if node.op != "ResourceGather":
            continue
        read = function.node_def.add(name=f"{node.name}/read", op="ReadVariableOp", input=[node.input[0]])
        read.attr["dtype"].type = node.attr["dtype"].type
        axis = function.node_def.add(name=f"{node.name}/axis", op="Const")
        axis.attr["dtype"].type = tf.int32.as_datatype_enum
        axis.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(0, tf.int32))
        gather = v1.NodeDef(name=node.name, op="GatherV2")
        gather.input.extend([f"{read.name}:value:0", node.input[1], f"{axis.name}:output:0", *node.input[2:]])
        gather.attr["Tparams"].type = node.attr["dtype"].type
        gather.attr["Tindices"].type = node.attr["Tindices"].type
        gather.attr["Taxis"].type = tf.int32.as_datatype_enum
        gather.attr["batch_dims"].i = node.attr["batch_dims"].i
        node.CopyFrom(gather)


def convert(graph_def: v1.GraphDef, values: Mapping[str, npt.NDArray[Any]]) -> v1.GraphDef:
    """Return the graph with constants of the same names for the variables `values`."""
    if not values:
        return graph_def
    _shapes_of(graph_def, values)
    data = tf_convert._ConverterData(graph_def)
    for node in graph_def.node:
        if node.name in values:
            data.tensor_data[node.name] = tf_convert._TensorData(values[node.name], node.attr["dtype"].type, None)
    try:
        return tf_convert._replace_variables_by_constants(data)[0]
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"its variables cannot become constants: {reason(error)}") from None


def _shapes_of(graph_def: v1.GraphDef, values: Mapping[str, npt.NDArray[Any]]) -> None:
    """What asks a variable for its shape is told: the conversion does not know the op."""
    for node in graph_def.node:
        if node.op == "VariableShape" and node_of(node.input[0]) in values:
            value, number = values[node_of(node.input[0])], node.attr["out_type"].type or tf.int32.as_datatype_enum
            name = node.name
            node.Clear()
            node.name, node.op = name, "Const"
            node.attr["dtype"].type = number
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value.shape, number))


def _origin(node: v1.NodeDef, known: Mapping[str, v1.NodeDef]) -> str:
    """The variable that a node changes, behind what handed it on."""
    for _ in known:
        if not node.input or node_of(node.input[0]) not in known:
            break
        node = known[node_of(node.input[0])]
        if node.op == "Const":
            break
    return str(node.name)


def check(graph_def: v1.GraphDef, original: v1.GraphDef) -> None:
    """Raise ModelError if something in the frozen graph still needs a variable, or would change one."""
    for node in graph_def.node:
        if ops.changes_variable(node.op) or node.op in ops.VARIABLES:
            hint = "".join(f"; perhaps --set {name}=false" for name in cut.settable(original)[:1])
            target = _origin(node, {each.name: each for each in graph_def.node})
            raise ModelError(
                f"the variable {target!r} cannot become a constant: {node.name!r} ({node.op}) changes it{hint}"
            )
