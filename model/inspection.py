"""What a model is, at a glance: what it wants, what it gives, how large it is, and whether a worker would take it."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from tensorflow.compat import v1

from graphs import kinds
from graphs.composites import Composite, composites, grouped
from graphs.errors import GraphError
from graphs.hints import feeders
from graphs.signature import Signature
from graphs.verdict import Refusal
from graphs.words import NOTHING
from model.checkpoints import stored
from model.errors import ModelError
from model.graph import frozen, nodes, row_class
from model.graph.nodes import TensorInfo, Values
from model.rules import stored as stored_rules
from model.rules.policy import Policy

__all__ = ["Inspection", "TensorInfo", "Values", "inspect", "inspect_path"]


class Input(NamedTuple):
    """One input: as it is called in the words, and what feeds it."""

    name: str
    dtype: str
    shape: list[int] | None  # None: of unknown rank
    kind: str  # dense, sparse or ragged
    has_default: bool
    fed_from: str


class Inspection(NamedTuple):
    """A model, without running it. Where a worker refuses it, shapes are only what the nodes themselves tell."""

    kind: str  # frozen graph, checkpoint or SavedModel
    sha256: str  # of the file; of several files, see `stored.digest`
    files: list[str]
    bytes: int
    nodes: int
    functions: int
    producer: int  # the GraphDef version of the TensorFlow that wrote it
    tensorflow: str | None  # the release that wrote it; a frozen graph does not record it
    placeholders: list[TensorInfo]
    inputs: list[Input]  # what `producer enqueue` wants; of what isn't frozen, nobody knows yet
    outputs: list[TensorInfo]
    values: list[Values]  # a frozen graph's constants, else the variables
    parameters: int  # numbers in them
    trainable: int | None  # those that training adjusts, where recorded
    ops: dict[str, int]  # how many nodes each has
    refused: list[Refusal]  # node, op, why; of what isn't frozen, in the part that its outputs need
    allowed: list[Refusal]  # what would be refused, but for NIGHTSHIFT_ALLOW_OPS
    accepted: bool  # by a worker with this TensorFlow, and with this NIGHTSHIFT_ALLOW_OPS
    why_not: str | None
    freeze: str | None  # the command that would make it scoreable
    rows: str | None  # how it treats the rows of a call, as far as its ops tell; None if it can't be imported
    rules: Policy | None  # what `model rules` compiled into it, as the graph itself says


def inspect(data: bytes) -> Inspection:
    """Inspect a serialised frozen graph. Raises ModelError if it is none; a refused graph is a result, not an error."""
    graph_def = frozen.parse(data)
    placeholders, outputs = nodes.placeholders(graph_def), nodes.outputs(graph_def)
    refused = frozen.refusals(graph_def)
    allowed = frozen.allowed(graph_def)
    why_not = "it has ops that a worker refuses" if refused else None
    rows = None
    several = composites(graph_def)
    if not refused:  # only then is it imported, which infers the outputs' shapes
        try:
            graph = frozen.load(data)
        except ModelError as error:
            why_not = str(error)
        else:
            placeholders = [_info(graph, tensor.op.name) for tensor in frozen.placeholders(graph)]
            terminal = frozen.terminal_tensors(graph)
            names = grouped(tuple(tensor.op.name for tensor in terminal), several)
            outputs = [_list(graph, name, several[name]) if name in several else _info(graph, name) for name in names]
            rows = row_class.judge(graph, [tensor.name for tensor in terminal]).text if terminal else None
    try:
        signature = Signature.of(graph_def)
        inputs, unfit = _inputs(signature)
    except GraphError as error:
        inputs, unfit = [], str(error)
    constants = nodes.constants(graph_def)
    why_not = why_not or unfit
    return Inspection(
        kind="frozen graph",
        sha256=hashlib.sha256(data).hexdigest(),
        files=[],
        bytes=len(data),
        nodes=len(graph_def.node),
        functions=len(graph_def.library.function),
        producer=graph_def.versions.producer,
        tensorflow=None,
        placeholders=placeholders,
        inputs=inputs,
        outputs=outputs,
        values=constants,
        parameters=sum(each.parameters for each in constants),
        trainable=None,
        ops=nodes.op_counts(graph_def),
        refused=refused,
        allowed=allowed,
        accepted=why_not is None,
        why_not=why_not,
        freeze=None,
        rows=rows,
        rules=stored_rules.find(graph_def),
    )


def _inputs(signature: Signature) -> tuple[list[Input], str | None]:
    """What the graph's outputs need, and why nothing can feed it, if that is so."""
    try:
        needed = signature.needed_by(signature.fetches(NOTHING))
    except GraphError as error:
        return [], f"it has {error}" if str(error).startswith("no") else str(error)
    found = [
        Input(
            want.name, want.dtype, None if want.shape is None else list(want.shape), want.kind, want.is_optional,
            feeders(want, needed),
        )
        for want in needed
    ]  # fmt: skip
    bad = next((want for want in needed if want.dtype.startswith("type ") and not want.is_optional), None)
    return found, None if bad is None else f"no column can feed the placeholder {bad.name!r} ({bad.dtype})"


def inspect_path(place: Path) -> Inspection:
    """Inspect a frozen `.pb`, a checkpoint (directory, prefix or file) or a SavedModel (directory).

    Raises ModelError for anything else, and for a checkpoint or SavedModel with a file missing or torn.
    """
    if not stored.is_stored(place):
        kind = kinds.of(place)
        if kind is not None:
            raise ModelError(kind.said_of(place))
        try:
            data = place.read_bytes()
        except OSError as error:
            raise ModelError(f"cannot read {place}: {error.strerror}") from None
        return inspect(data)._replace(files=[place.name])
    found = stored.read(place)
    meta_graph = found.meta_graph or v1.MetaGraphDef()
    graph_def = meta_graph.graph_def
    refused = frozen.refusals(stored.frozen_part(found), to_freeze=True)
    freeze = stored.freeze_command(found, found.directory if found.kind == "SavedModel" else place)
    return Inspection(
        kind=found.kind,
        sha256=stored.digest(found),
        files=stored.names(found),
        bytes=sum(path.stat().st_size for path in found.files),
        nodes=len(graph_def.node),
        functions=len(graph_def.library.function),
        producer=graph_def.versions.producer,
        tensorflow=meta_graph.meta_info_def.tensorflow_version or None,
        placeholders=stored.placeholders(found),
        inputs=[],
        outputs=stored.outputs(found),
        values=found.variables,
        parameters=sum(each.parameters for each in found.variables),
        trainable=stored.trainable(found),
        ops=nodes.op_counts(graph_def),
        refused=refused,
        allowed=frozen.allowed(stored.frozen_part(found), to_freeze=True),
        accepted=False,
        why_not=_why_not(found, refused, freeze),
        freeze=None if refused else freeze,
        rows=None,
        rules=None,
    )


def _why_not(found: stored.Stored, refused: list[Refusal], freeze: str | None) -> str:
    if found.meta_graph is None:
        return "it has values but no graph: save its model with tf.saved_model.save, and freeze that"
    if refused:
        return "it is not frozen, and has ops that a worker refuses"
    return "it is not frozen" if freeze else "it is not frozen, and nothing in it depends on a placeholder"


def _info(graph: tf.Graph, name: str) -> TensorInfo:
    tensor = frozen.tensor(graph, name)
    shape = None if tensor.shape.rank is None else [-1 if size is None else size for size in tensor.shape.as_list()]
    return TensorInfo(name, tensor.dtype.name, shape)


def _list(graph: tf.Graph, name: str, several: Composite) -> TensorInfo:
    """A sparse or ragged output: of each record a list, of any length."""
    return TensorInfo(name, frozen.tensor(graph, several.values).dtype.name, [-1] * several.rank)
