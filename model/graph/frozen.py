"""Frozen graphs: parsing them, refusing unsafe ones, loading them, and finding what to feed and what to fetch.

The worker's door to the model room. Whatever is wrong with a model is a ModelError with one clear line.
"""

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.compat import v1
from tensorflow.core.protobuf import saved_model_pb2

from graphs import messages, names, ops, outputs, verdict, walk
from graphs.inputs import INPUTS
from graphs.verdict import Refusal
from model.errors import ModelError
from model.graph.registry import op_list

_HINT = "freeze it first: model freeze DIR --output spam.pb"


def parse(data: bytes) -> v1.GraphDef:
    """Return the GraphDef in `data`. ModelError if it is something else, is empty, or still has variables."""
    graph_def = v1.GraphDef()
    try:
        graph_def.ParseFromString(data)
        is_graph = messages.is_graph(graph_def)
    except DecodeError:
        is_graph = False
    if not is_graph:
        raise ModelError(f"not a frozen graph: {_what_it_is(data)}")
    variables = walk.variables(graph_def)
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


def refusals(graph_def: v1.GraphDef, *, to_freeze: bool = False) -> list[Refusal]:
    """What a worker with this TensorFlow refuses, or would once the graph, if it is yet `to_freeze`, is frozen."""
    return verdict.refusals(graph_def, op_list(), to_freeze=to_freeze)


def allowed(graph_def: v1.GraphDef, *, to_freeze: bool = False) -> list[Refusal]:
    """What only workers accept that allow it besides, as NIGHTSHIFT_ALLOW_OPS has it here."""
    available = op_list()
    if not available.allowed:
        return []
    plain = verdict.OpList(available.name, available.traits)
    found = verdict.refusals(graph_def, plain, to_freeze=to_freeze)
    return [each for each in found if each.op in available.allowed]


def refuse_unsafe(graph_def: v1.GraphDef) -> None:
    """Raise ModelError, naming node and op, if the graph could do more than compute: see `graphs.ops`."""
    for refusal in refusals(graph_def):
        raise ModelError(refusal.text)


def load(data: bytes) -> tf.Graph:
    """Parse, refuse what is unsafe, import into a graph of its own, names unchanged. ModelError if any of it fails."""
    graph_def = parse(data)
    refuse_unsafe(graph_def)
    for _, node in walk.every(graph_def):
        node.device = ""  # where it was trained says nothing about where it runs
    graph = v1.Graph()
    with graph.as_default():
        try:
            v1.import_graph_def(graph_def, name="")
        except (ValueError, tf.errors.OpError) as error:
            raise ModelError(f"TensorFlow {tf.__version__} cannot import the graph: {error}") from None
    return graph


def initialisers(graph: tf.Graph) -> list[tf.Operation]:
    """What fills the graph's lookup tables, from constants of its own: to be run once in a session, before all else."""
    return [operation for operation in graph.get_operations() if ops.TABLE_FILLS.fullmatch(operation.type)]


def placeholders(graph: tf.Graph) -> list[tf.Tensor]:
    """The tensors that must be fed, in graph order. (A PlaceholderWithDefault has a value already.)"""
    return [operation.outputs[0] for operation in graph.get_operations() if operation.type in INPUTS]


def terminal_tensors(graph: tf.Graph) -> list[tf.Tensor]:
    """The first output of each node that is one of the graph's outputs, in graph order: see `graphs.outputs`."""
    return [tensor(graph, name) for name in outputs.terminal(graph.as_graph_def())]


def tensor(graph: tf.Graph, name: str) -> tf.Tensor:
    """Return the tensor called `node` (its first output) or `node:0`. ModelError if the graph has no such tensor."""
    full = names.tensor_of(name)
    try:
        if full is not None:
            return graph.get_tensor_by_name(full)
    except (KeyError, ValueError):
        pass
    raise ModelError(f"the graph has no tensor {name!r}")
