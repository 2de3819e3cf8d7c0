"""Small graphs and jobs on them, to be scored as a worker does."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf
from tensorflow.compat import v1

from graphs.feeds import Feed, Fetch
from jobs.batch import Result, encode_payload
from jobs.record import Job
from jobs.slices import micro_batches
from worker.runtimes.tensorflow import FrozenGraph, TensorFlow

Build = Callable[[tf.Tensor], tf.Tensor]


def serialised(build: Build, dtype: tf.DType = tf.float32, shape: Sequence[int | None] | None = (None,)) -> bytes:
    """The frozen graph `score = build(x)`."""
    with v1.Graph().as_default() as graph:
        x = v1.placeholder(dtype, shape, name="x")
        tf.identity(build(x), name="score")
    content: bytes = graph.as_graph_def().SerializeToString()
    return content


def session_of(data: bytes) -> FrozenGraph:
    """As a worker opens it."""
    return TensorFlow().open(data, threads=1)


def job_of(dtype: str = "float32", shape: tuple[int, ...] | None = (-1,)) -> Job:
    return Job("in.csv", 1, 1, "", (Feed("x", ("x",), dtype, shape),), (Fetch("score", "score"),), None, (), 1)


def records_of(cells: Sequence[bytes]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(cells, pa.binary())], names=["x"])


def batches_of(cells: Sequence[bytes]) -> list[pa.RecordBatch]:
    """The micro-batches of a batch."""
    return list(micro_batches(records_of(cells)))


def payload_of(cells: Sequence[bytes]) -> bytes:
    records = records_of(cells)
    return bytes(encode_payload(records.schema, list(micro_batches(records)), 1, records.num_rows))


def directly(model: FrozenGraph, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """What TensorFlow gives for a micro-batch, with nothing of ours in between."""
    scores: npt.NDArray[Any] = model.session.run("score:0", {"x:0": values})
    return scores


def scores_of(result: Result) -> npt.NDArray[Any]:
    columns = [column.to_numpy(zero_copy_only=False) for column in result.columns.values()]
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
