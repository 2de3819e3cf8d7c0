"""Making a graph begin where it is to be fed: a tensor becomes a placeholder, whatever computed it before."""

from collections.abc import Iterable, Mapping

import tensorflow as tf
from tensorflow.compat import v1

from graphs.inputs import INPUTS, MAY_BE_FED
from graphs.names import is_control, node_of, renamed, short
from model.errors import ModelError
from model.graph import foreign, inline, nodes
from model.graph.source import Input


def named(tensors: Iterable[str]) -> dict[str, Input]:
    """Inputs called as the nodes of these tensors; a second output of a node has its number behind the name."""
    found: dict[str, Input] = {}
    for tensor in tensors:
        node, output = node_of(tensor), short(tensor).partition(":")[2]
        found[f"{node}_{output}" if node in found else node] = Input(tensor)
    return found


def cut(graph_def: v1.GraphDef, inputs: Mapping[str, Input]) -> dict[str, str]:
    """Put a placeholder in the place of each input that is none, and rename those that are. Changes `graph_def`.

    Returns the new names of nodes that had to be renamed. ModelError if there is no such tensor.
    """
    known = {node.name: node for node in graph_def.node}
    moved: dict[str, str] = {}  # nodes that are called otherwise now
    taken: dict[str, str] = {}  # tensors that are fed, and by which placeholder
    for name, each in inputs.items():
        node = known.get(node_of(each.tensor))
        if node is None:
            raise ModelError(f"the graph has no tensor {each.tensor!r} to make an input of")
        if short(each.tensor) in taken:
            continue  # two names for one tensor: it is fed by the first
        if node.op in MAY_BE_FED:
            if node.name != name:
                moved[node.name] = name
        else:
            placeholder = v1.NodeDef(name=name, op="Placeholder")
            dtype, shape = _what(graph_def, each)
            placeholder.attr["dtype"].type = dtype
            placeholder.attr["shape"].shape.CopyFrom(shape)
            taken[short(each.tensor)] = name
            if name == node.name:
                moved[node.name] = _free(f"{name}/cut", known)
            graph_def.node.append(placeholder)
            continue
        taken[short(each.tensor)] = name
    new = set(taken.values())
    for name in new & known.keys():
        if name not in moved and not any(node_of(each) == name for each in taken):
            moved[name] = _free(f"{name}/inner", known)
    added = len(graph_def.node) - len(known)
    cut_nodes = {node_of(tensor): name for tensor, name in taken.items() if known[node_of(tensor)].op not in MAY_BE_FED}
    for position, node in enumerate(graph_def.node):
        if position < len(graph_def.node) - added:
            node.name = moved.get(node.name, node.name)
        for number, source in enumerate(node.input):
            if is_control(source) and node_of(source) in cut_nodes:
                node.input[number] = f"^{cut_nodes[node_of(source)]}"
            elif not is_control(source) and short(source) in taken:
                node.input[number] = taken[short(source)]
            else:
                node.input[number] = renamed(source, moved)
    return moved


def _free(name: str, known: Mapping[str, v1.NodeDef]) -> str:
    while name in known:
        name += "_"
    return name


def _what(graph_def: v1.GraphDef, each: Input) -> tuple[int, v1.NodeDef]:
    """The dtype and shape of a tensor that becomes a placeholder: its signature's, its node's, or what follows."""
    if each.dtype and each.shape is not None:
        return each.dtype, each.shape
    node = next(node for node in graph_def.node if node.name == node_of(each.tensor))
    output = int(each.tensor.partition(":")[2] or 0)
    types, shapes = node.attr["output_types"].list.type, node.attr["output_shapes"].list.shape
    if output < len(types) and output < len(shapes):  # an iterator says it itself
        return types[output], shapes[output]
    part = nodes.extract(graph_def, [node.name])
    foreign.refuse_unsafe_import(part)
    graph = inline.imported(part)
    try:
        tensor = graph.get_tensor_by_name(f"{node.name}:{output}")
    except KeyError:
        raise ModelError(f"the graph has no tensor {each.tensor!r} to make an input of") from None
    return tensor.dtype.base_dtype.as_datatype_enum, tensor.shape.as_proto()


def plain(graph_def: v1.GraphDef) -> None:
    """Drop what says where the graph was trained, and what was inferred then. Changes `graph_def`."""
    bodies = [graph_def.node, *(function.node_def for function in graph_def.library.function)]
    for body in bodies:
        for node in body:
            node.device = ""  # where it was trained says nothing about where it will run
            node.attr.pop("_class", None)  # nor does what it was placed beside
            node.attr.pop("_output_shapes", None)


def settable(graph_def: v1.GraphDef) -> list[str]:
    """Scalar placeholders that look like a switch between training and scoring."""
    found = []
    for node in graph_def.node:
        if node.op in MAY_BE_FED and (
            node.op not in INPUTS or tf.TensorShape(node.attr["shape"].shape).rank in (0, None)
        ):
            found += [node.name] if node.attr["dtype"].type == tf.bool.as_datatype_enum else []
    return found
