"""Frozen graphs: parsing them, refusing unsafe ones, loading them, and finding what to feed and what to fetch.

The worker's door to the model room. Whatever is wrong with a model is a ModelError with one clear line.
"""

from collections.abc import Iterator, Set

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.compat import v1
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry  # no public API says which ops are stateful

from model.errors import ModelError
from model.graph import ops, tables

_HINT = "freeze it first: model freeze DIR --output spam.pb"
# Nothing downstream wants their value: inputs, constants, and nodes that only check or order.
NOT_OUTPUTS = frozenset({"Placeholder", "PlaceholderWithDefault", "PlaceholderV2", "Const", "NoOp", "Assert"})


def parse(data: bytes) -> v1.GraphDef:
    """Return the GraphDef in `data`. ModelError if it is something else, is empty, or still has variables."""
    graph_def = v1.GraphDef()
    try:
        graph_def.ParseFromString(data)
        is_graph = len(graph_def.node) > 0 and all(node.name and node.op for node in graph_def.node)
    except DecodeError:
        is_graph = False
    if not is_graph:
        raise ModelError(f"not a frozen graph: {_what_it_is(data)}")
    variables = [node.name for _, node in _nodes(graph_def) if node.op in ops.VARIABLES]
    if variables:
        more = f" and {len(variables) - 1} more" if len(variables) > 1 else ""
        raise ModelError(f"the graph still has variables ({variables[0]}{more}); {_HINT}")
    return graph_def


def _what_it_is(data: bytes) -> str:
    if not data:
        return "it is empty"
    for message, name in (
        (saved_model_pb2.SavedModel(), "a SavedModel"),
        (v1.MetaGraphDef(), "a MetaGraphDef (a checkpoint's .meta file)"),
    ):
        try:
            message.ParseFromString(data)
        except DecodeError:
            continue
        graphs = [message] if isinstance(message, v1.MetaGraphDef) else list(message.meta_graphs)
        if any(len(each.graph_def.node) > 0 for each in graphs):
            return f"it is {name}; {_HINT}"
    return "its bytes are no GraphDef with nodes"


def _nodes(graph_def: v1.GraphDef) -> Iterator[tuple[str, v1.NodeDef]]:
    """Yield each node with where it is: '' for the graph itself, else the name of its library function."""
    for node in graph_def.node:
        yield "", node
    for function in graph_def.library.function:
        for node in function.node_def:
            yield function.signature.name, node


def refusals(graph_def: v1.GraphDef, *, to_freeze: bool = False) -> list[tuple[str, str, str]]:
    """List (node, op, why) for each node that a worker refuses, or would once the graph, if it is yet `to_freeze`, is
    frozen; one in a function is called 'function/node'."""
    functions = {function.signature.name for function in graph_def.library.function}
    by_records = {(function, node.name) for function, node in tables.written_by_records(graph_def)}
    found = []
    for function, node in _nodes(graph_def):
        reason = _refusal(node, functions, to_freeze)
        if (function, node.name) in by_records:
            reason = reason or "writes what one record has into a table in which others are looked up"
        if reason:
            found.append((f"{function}/{node.name}" if function else node.name, node.op, reason))
    return found


def _refusal(node: v1.NodeDef, functions: Set[str], to_freeze: bool) -> str | None:
    definition = op_def_registry.get(node.op)
    if definition is None:
        unknown = None if node.op in functions else f"TensorFlow {tf.__version__} does not have"
        return ops.refusal(node.op, is_stateful=False) or unknown
    if node.op == "Empty" and node.attr["init"].b:  # zeros
        return None
    arguments = [*definition.input_arg, *definition.output_arg]
    has_references = any(argument.is_ref for argument in arguments)
    return ops.refusal(node.op, is_stateful=definition.is_stateful, has_references=has_references, to_freeze=to_freeze)


def refuse_unsafe(graph_def: v1.GraphDef) -> None:
    """Raise ModelError, naming node and op, if the graph could do more than compute: see `model.graph.ops`."""
    for node, op, reason in refusals(graph_def):
        raise ModelError(f"refused: node {node!r} is the op {op}, which {reason}")


def load(data: bytes) -> tf.Graph:
    """Parse, refuse what is unsafe, import into a graph of its own, names unchanged. ModelError if any of it fails."""
    graph_def = parse(data)
    refuse_unsafe(graph_def)
    graph = v1.Graph()
    with graph.as_default():
        try:
            v1.import_graph_def(graph_def, name="")
        except (ValueError, tf.errors.OpError) as error:
            raise ModelError(f"TensorFlow {tf.__version__} cannot import the graph: {error}") from None
    return graph


def placeholders(graph: tf.Graph) -> list[tf.Tensor]:
    """The tensors that must be fed, in graph order. (A PlaceholderWithDefault has a value already.)"""
    return [operation.outputs[0] for operation in graph.get_operations() if operation.type == "Placeholder"]


def terminal_tensors(graph: tf.Graph) -> list[tf.Tensor]:
    """The first output of each node that no other node consumes, as data or as control, in graph order.

    They are what a graph computes when nobody says which nodes to fetch. Inputs, constants and checks are left out.
    """
    operations = graph.get_operations()
    consumed = {tensor.op.name for operation in operations for tensor in operation.inputs}
    consumed |= {before.name for operation in operations for before in operation.control_inputs}
    return [
        operation.outputs[0]
        for operation in operations
        if operation.outputs
        and operation.name not in consumed
        and operation.type not in NOT_OUTPUTS
        and "AssertGuard/" not in operation.name  # the branch that tf.debugging.assert_* builds around an Assert
    ]


def tensor(graph: tf.Graph, name: str) -> tf.Tensor:
    """Return the tensor called `node` (its first output) or `node:0`. ModelError if the graph has none such."""
    try:
        return graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
    except (KeyError, ValueError):
        raise ModelError(f"the graph has no tensor {name!r}") from None
