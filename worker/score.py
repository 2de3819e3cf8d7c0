"""One batch through the graph: micro-batch by micro-batch, a record that can't be scored becomes a reject."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.batch import Result, RowReject, decode_payload
from jobs.record import Job
from model import frozen
from model.errors import ModelError
from worker.feeds import convert

Arrays = list[npt.NDArray[Any]]


def score(session: Any, job: Job, payload: bytes) -> Result:
    """Feeds the payload's micro-batches to `session.run`; one row of output a record that was scored.

    Records with cells that don't convert are rejects, and so is a record on which the graph itself fails. Raises
    ModelError if the graph does not fit the job, or can score no record of the batch at all.
    """
    feeds = [frozen.tensor(session.graph, feed.placeholder) for feed in job.feeds]
    fetches = [frozen.tensor(session.graph, name) for name in job.fetches]
    outputs: list[dict[str, npt.NDArray[Any]]] = []
    rejects: list[RowReject] = []
    rows = 0
    for records in decode_payload(payload):
        arrays: Arrays = []
        bad: dict[int, RowReject] = {}  # the first reason of each row
        for feed, cells in zip(job.feeds, records.columns, strict=True):
            array, found = convert(feed, cells)
            arrays.append(array)
            for reject in found:
                bad.setdefault(reject.row, reject)
        good = np.array([row for row in range(records.num_rows) if row not in bad]) if bad else None
        if good is not None:
            arrays = [array[good] for array in arrays]
        numbers = np.arange(records.num_rows) if good is None else good
        if len(numbers):
            outputs += _run(session, feeds, fetches, job.fetches, arrays, numbers, bad)
        rejects += [RowReject(rows + row, bad[row].code, bad[row].detail) for row in sorted(bad)]
        rows += records.num_rows
    if not outputs and any(reject.code == "model_error" for reject in rejects) and rows > 1:
        raise ModelError(f"the model can score no record: {rejects[0].detail}")
    columns = (
        {name: _column(np.concatenate([output[name] for output in outputs])) for name in outputs[0]} if outputs else {}
    )
    return Result(columns, tuple(rejects))


def _run(
    session: Any,
    feeds: Sequence[Any],
    fetches: Sequence[Any],
    names: Sequence[str],
    arrays: Arrays,
    rows: npt.NDArray[np.int64],
    bad: dict[int, RowReject],
) -> list[dict[str, npt.NDArray[Any]]]:
    """`session.run` on the rows; where it raises, on either half, down to the records that make it."""
    import tensorflow as tf

    try:
        values = session.run(fetches, dict(zip(feeds, arrays, strict=True)))
    except (tf.errors.OpError, ValueError, TypeError) as error:
        if not isinstance(error, tf.errors.OpError):
            raise ModelError(f"the graph can't be fed: {error}") from None
        if len(rows) == 1:
            bad[int(rows[0])] = RowReject(int(rows[0]), "model_error", " ".join(error.message.split())[:500])
            return []
        half = len(rows) // 2
        left = _run(session, feeds, fetches, names, [array[:half] for array in arrays], rows[:half], bad)
        return left + _run(session, feeds, fetches, names, [array[half:] for array in arrays], rows[half:], bad)
    columns: dict[str, npt.NDArray[Any]] = {}
    for name, value in zip(names, values, strict=True):
        array = np.asarray(value)
        if array.ndim == 0 or array.shape[0] != len(rows) or array.ndim > 2:
            raise ModelError(
                f"output {name!r} has the shape {list(array.shape)} for {len(rows)} records, not one row each"
            )
        name = name.removesuffix(":0")
        if array.ndim == 2 and array.shape[1] != 1:
            columns |= {f"{name}_{index}": array[:, index] for index in range(array.shape[1])}
        else:
            columns[name] = array.reshape(-1)
    return [columns]


def _column(array: npt.NDArray[Any]) -> pa.Array:
    if array.dtype == object:
        return pa.array(array.tolist(), pa.binary())
    return pa.array(array.astype(np.float32) if array.dtype == np.float16 else array)
