"""Transfer learning: a restored graph, its variables frozen, under a new head that is trained on other messages.

The new graph keeps of the old one only what the head's features need, under the name `base/`. Its own names are those
of every spam model here: a placeholder `text` and an output `score`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from graphs.inputs import INPUTS
from graphs.names import node_of
from model import feeds
from model.checkpoints import checkpoint
from model.errors import ModelError, reason
from model.graph import foreign, frozen
from model.training import resume, train

SCOPE = "base"
MICRO_BATCH = 1024  # messages per sess.run when features are computed

# A convex problem in standardised features: Adagrad's steps shrink by themselves, and it ends where it should.
DEFAULTS = train.Plan(epochs=30, learning_rate=0.3, l2=1e-4, spam_weight=1.0)


class Base(NamedTuple):
    """What is kept of a checkpoint."""

    prefix: str
    graph: v1.MetaGraphDef  # the nodes that the features need, and their variables
    input: str  # its placeholder's node
    features: tuple[str, ...]  # tensors
    constants: dict[str, Any]  # what other placeholders are set to, by node


class Prepared(NamedTuple):
    """A graph to train, in a session in which only the base's variables have values."""

    session: v1.Session
    task: train.Task  # its inputs are features
    features: npt.NDArray[np.float32]  # [messages, width]


def load(prefix: str, input: str, features: Sequence[str], constants: Mapping[str, str] | None = None) -> Base:
    """Cut out of a checkpoint's graph what computes `features` from the string placeholder `input`.

    `constants`, {node: value}, sets other placeholders. Raises ModelError, with the tensors that could be features, if
    one is absent, is not float [N, ...], or needs something else to be fed.
    """
    with checkpoint.imported(prefix) as (session, _):
        graph = session.graph
        text = frozen.tensor(graph, input)
        if text.op.type not in INPUTS or text.dtype != tf.string:
            raise ModelError(f"{input!r} is not a placeholder of strings: say which is with --input")
        missing = [name for name in features if not _exists(graph, name)]
        if missing or not features:
            said = f"the graph has no tensor {missing[0]!r}" if missing else "which node has the features?"
            raise ModelError(f"{said}; --features could be {', '.join(_candidates(text)) or 'none: nothing is float'}")
        tensors = [frozen.tensor(graph, name) for name in features]
        needed = _ancestors([tensor.op for tensor in tensors], cut=text.op)
        values = {
            node: feeds.parse(frozen.tensor(graph, node), [value])[0] for node, value in (constants or {}).items()
        }
        for tensor in tensors:
            if not (tensor.dtype.is_floating or tensor.dtype.is_integer):
                raise ModelError(f"{tensor.op.name!r} is {tensor.dtype.name}, and features are numbers")
        if text.op.name not in needed:
            raise ModelError(
                f"{', '.join(features)} does not depend on {input!r}: say what it is computed from, --input"
            )
        for node in needed:
            if graph.get_operation_by_name(node).type in INPUTS and node not in {text.op.name, *values}:
                raise ModelError(f"{', '.join(features)} also needs the placeholder {node!r}: --set {node}=VALUE")
        kept = _cut(graph, needed, tensors, {text.op.name, *values})
        foreign.refuse_unsafe_part(kept.graph_def, [node.name for node in kept.graph_def.node])
        kept.meta_info_def.CopyFrom(checkpoint.meta(prefix).meta_info_def)
    return Base(prefix, kept, text.op.name, tuple(tensor.name for tensor in tensors), values)


def _exists(graph: tf.Graph, name: str) -> bool:
    try:
        frozen.tensor(graph, name)
    except ModelError:
        return False
    return True


def _candidates(text: tf.Tensor) -> list[str]:
    """Float tensors, a row a message, computed from `text` and nothing else that is fed; up to 8."""
    others = {tensor.op.name for tensor in frozen.placeholders(text.graph)} - {text.op.name}
    reached, found = {text.op.name}, []
    for operation in text.graph.get_operations():
        sources = {tensor.op.name for tensor in operation.inputs}
        if sources & others:
            others.add(operation.name)
        elif sources & reached:
            reached.add(operation.name)
            shape = operation.outputs[0].shape if operation.outputs else tf.TensorShape([])
            if (
                not operation.name.startswith("gradients")
                and shape.rank in (None, 1, 2)
                and (shape.rank is None or shape[0] is None)
            ):
                found += [operation.name] if operation.outputs[0].dtype.is_floating else []
    return sorted(found, key=lambda name: name.count("/"))[:8]  # what somebody named, before what is within


def _ancestors(operations: Sequence[tf.Operation], cut: tf.Operation) -> set[str]:
    found: set[str] = set()
    todo = list(operations)
    while todo:
        operation = todo.pop()
        if operation.name not in found:
            found.add(operation.name)
            if operation is not cut:
                todo += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return found


def _cut(graph: tf.Graph, needed: set[str], tensors: Sequence[tf.Tensor], fed: set[str]) -> v1.MetaGraphDef:
    with graph.as_default():
        variables = [each for each in v1.global_variables() if each.op.name in needed]
    protos = [variable.to_proto() for variable in variables]
    roots = {tensor.op.name for tensor in tensors}
    for proto in protos:
        named = (proto.initializer_name, proto.snapshot_name, proto.initial_value_name)
        roots |= {node_of(name) for name in named if name}
    kept = v1.MetaGraphDef(graph_def=v1.graph_util.extract_sub_graph(graph.as_graph_def(), sorted(roots)))
    for node in [node for node in kept.graph_def.node if node.name in fed]:
        kept.graph_def.node.remove(node)  # the new graph's take their place
    # In the collection of variables, and so saved; not in that of trainable ones, and so left alone.
    kept.collection_def["variables"].bytes_list.value.extend(proto.SerializeToString() for proto in protos)
    return kept


@contextmanager
def prepared(base: Base, texts: npt.NDArray[np.object_], plan: train.Plan, terms: resume.Terms) -> Iterator[Prepared]:
    """Build base and head in a graph of their own, restore the base, and compute the features of `texts`, once.

    Raises ModelError if the base's values cannot be restored, or it fails on a message.
    """
    with v1.Graph().as_default() as graph, v1.Session(graph=graph, config=train.single_threaded()) as session:
        text = v1.placeholder(tf.string, [None], name="text")
        mapped = {f"{base.input}:0": text}
        mapped |= {f"{node}:0": tf.constant(value, name=f"set/{node}") for node, value in base.constants.items()}
        try:
            v1.train.import_meta_graph(base.graph, clear_devices=True, import_scope=SCOPE, input_map=mapped)
        except (KeyError, ValueError, tf.errors.OpError) as error:
            raise ModelError(f"cannot build on the graph of {base.prefix}: {error}") from None
        restore(session, base.prefix)
        found = [frozen.tensor(graph, f"{SCOPE}/{name}") for name in base.features]
        rows = _run(session, found, text, texts)
        with tf.name_scope("features"):
            columns = [tf.reshape(tf.cast(each, tf.float32), [tf.shape(text)[0], -1]) for each in found]
            joined = tf.ensure_shape(tf.stop_gradient(tf.concat(columns, axis=1)), [None, rows.shape[1]])
        task = _head(joined, rows, plan)
        resume.record(terms)
        yield Prepared(session, task, rows)


def restore(session: v1.Session, prefix: str) -> None:
    """Give the base's variables their values from the checkpoint it was cut out of."""
    with session.graph.as_default():
        kept = v1.global_variables(f"{SCOPE}/")
    variables = {variable.op.name.removeprefix(f"{SCOPE}/"): variable for variable in kept}
    if not variables:
        return  # a base without variables, such as a hash of the text
    try:
        with session.graph.as_default():
            v1.train.Saver(variables).restore(session, prefix)
    except (ValueError, tf.errors.OpError) as error:
        why = checkpoint.fault(prefix) or reason(error)
        raise ModelError(f"cannot restore the base from {prefix}: {why}") from None


def _run(
    session: v1.Session, features: Sequence[tf.Tensor], text: tf.Tensor, texts: npt.NDArray[np.object_]
) -> npt.NDArray[np.float32]:
    """Compute the features of all texts: float32 [messages, width]."""
    parts = []
    for start in range(0, len(texts), MICRO_BATCH):
        batch = texts[start : start + MICRO_BATCH]
        try:
            values = session.run(list(features), {text: batch})
        except tf.errors.OpError as error:
            raise ModelError(
                f"the base fails on messages {start + 1} to {start + len(batch)}: {error.message}"
            ) from None
        for name, value in zip(features, values, strict=True):
            if value.ndim == 0 or value.shape[0] != len(batch):
                raise ModelError(
                    f"{name.op.name!r} has the shape {list(value.shape)} for {len(batch)} messages: not a row each"
                )
        parts.append(np.concatenate([value.reshape(len(batch), -1).astype(np.float32) for value in values], axis=1))
    return np.concatenate(parts)


def _head(features: tf.Tensor, rows: npt.NDArray[np.float32], plan: train.Plan) -> train.Task:
    """Add logistic regression on the standardised features [N, D], the node `score` (float32 [N]), and its training."""
    mean, spread = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    scale = 1 / np.where(spread > 0, spread, 1)
    with v1.variable_scope("head"):
        shift = v1.get_variable("mean", initializer=mean.astype(np.float32), trainable=False)
        factor = v1.get_variable("scale", initializer=scale.astype(np.float32), trainable=False)
        weights = v1.get_variable("weights", [len(mean)], tf.float32, v1.zeros_initializer())
        bias = v1.get_variable("bias", [], tf.float32, v1.zeros_initializer())
        # Doubles, rounded once at the end: what a message scores must not depend on its neighbours in a batch.
        exact = tf.cast((features - shift) * factor, tf.float64)
        logit = tf.reduce_sum(exact * tf.cast(weights, tf.float64), axis=1) + tf.cast(bias, tf.float64)
    tf.cast(tf.sigmoid(logit), tf.float32, name="score")
    label = v1.placeholder(tf.float32, [None], name="label")
    losses = tf.nn.weighted_cross_entropy_with_logits(label, tf.cast(logit, tf.float32), plan.spam_weight)
    loss = tf.reduce_mean(losses) + plan.l2 * tf.nn.l2_loss(weights)
    minimise = v1.train.AdagradOptimizer(plan.learning_rate).minimize(
        loss, global_step=v1.train.get_or_create_global_step(), var_list=[weights, bias]
    )
    return train.Task(features, label, loss, minimise, tf.no_op(), tf.no_op())
