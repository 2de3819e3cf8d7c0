"""What a frozen graph is, at a glance: what it wants, what it gives, and whether a worker would take it."""

import hashlib
from typing import NamedTuple

import tensorflow as tf

from model import frozen


class TensorInfo(NamedTuple):
    """A tensor's name without its `:0`, its dtype, and its shape: None if unknown, -1 for any length."""

    name: str
    dtype: str
    shape: list[int] | None


class Inspection(NamedTuple):
    """`placeholders` and `outputs` are empty if the graph is refused: it is then not imported."""

    sha256: str
    bytes: int
    nodes: int
    functions: int
    producer: int  # the GraphDef version of the TensorFlow that wrote it
    placeholders: list[TensorInfo]
    outputs: list[TensorInfo]
    refused: list[tuple[str, str, str]]  # node, op, why


def inspect(data: bytes) -> Inspection:
    """Inspect a serialised frozen graph. Raises ModelError if it is none; a refused graph is a result, not an error."""
    graph_def = frozen.parse(data)
    refused = frozen.refusals(graph_def)
    graph = tf.Graph() if refused else frozen.load(data)
    return Inspection(
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        nodes=len(graph_def.node),
        functions=len(graph_def.library.function),
        producer=graph_def.versions.producer,
        placeholders=[_info(tensor) for tensor in frozen.placeholders(graph)],
        outputs=[_info(tensor) for tensor in frozen.terminal_tensors(graph)],
        refused=refused,
    )


def _info(tensor: tf.Tensor) -> TensorInfo:
    shape = None if tensor.shape.rank is None else [-1 if size is None else size for size in tensor.shape.as_list()]
    return TensorInfo(tensor.op.name, tensor.dtype.name, shape)
