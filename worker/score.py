"""Records through the graph, a micro-batch at a time; a record that can't be scored becomes a reject."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.batch import Result, RowReject, decode_payload
from jobs.record import Job
from model.errors import ModelError
from worker.feeds import convert
from worker.repeats import distinct, repeat
from worker.session import Arrays, make_run

TELLING = 64  # records; if the graph fails on every one of a batch that large, the model is to blame
POISON = frozenset({"model_error", "model_crash", "model_timeout"})  # the codes of what the graph could not bear


class Scorer:
    """A session, and what a job feeds and fetches in it. Raises ModelError if the graph does not fit the job."""

    def __init__(self, session: Any, job: Job) -> None:
        self._job = job
        self._session_run = make_run(session, tuple(feed.placeholder for feed in job.feeds), tuple(job.fetches))

    def score(self, records: pa.RecordBatch) -> Result:
        """Scores a micro-batch, or a part of one.

        Records with cells that don't convert are rejects, and so is a record on which the graph itself fails. Raises
        ModelError if the graph can't be fed, or doesn't answer with one row a record. Equal records have equal scores:
        where there are some, the graph sees each once.
        """
        found = distinct(records)
        return repeat(self._score(found.records), found.which) if found else self._score(records)

    def _score(self, records: pa.RecordBatch) -> Result:
        arrays: list[npt.NDArray[Any]] = []
        bad: dict[int, RowReject] = {}  # the first reason of each row
        for feed, cells in zip(self._job.feeds, records.columns, strict=True):
            array, found = convert(feed, cells)
            arrays.append(array)
            for reject in found:
                bad.setdefault(reject.row, reject)
        rows = np.arange(records.num_rows)
        if bad:
            rows = np.delete(rows, list(bad))
            arrays = [array[rows] for array in arrays]
        outputs = self._run(arrays, rows, bad) if len(rows) else []
        columns = (
            {name: _column(np.concatenate([out[name] for out in outputs])) for name in outputs[0]} if outputs else {}
        )
        return Result(columns, tuple(bad[row] for row in sorted(bad)))

    def _run(self, arrays: Arrays, rows: npt.NDArray[np.int64], bad: dict[int, RowReject]) -> list[dict[str, Any]]:
        """`session.run` on the rows; where it raises, on either half, down to the records that make it."""
        import tensorflow as tf

        try:
            values = self._session_run(arrays)
        except (ValueError, TypeError) as error:
            raise ModelError(f"the graph can't be fed: {error}") from None
        except tf.errors.OpError as error:
            if len(rows) == 1:
                bad[int(rows[0])] = RowReject(int(rows[0]), "model_error", " ".join(error.message.split())[:500])
                return []
            half = len(rows) // 2
            left = self._run([array[:half] for array in arrays], rows[:half], bad)
            return left + self._run([array[half:] for array in arrays], rows[half:], bad)
        columns: dict[str, Any] = {}
        for name, array in zip(self._job.fetches, values, strict=True):
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


def score(session: Any, job: Job, payload: bytes, progress: Callable[[], None] = lambda: None) -> Result:
    """The whole batch; calls `progress` after each micro-batch. Raises ModelError as `Scorer.score` and `join` do."""
    scorer = Scorer(session, job)
    parts = []
    for records in decode_payload(payload):
        parts.append(scorer.score(records))
        progress()
    return join(parts)


def join(parts: Sequence[Result]) -> Result:
    """The batch's result from those of its parts, in order.

    Raises ModelError if the graph failed on records of it and not one was scored: a model that can score nothing must
    end its job with the reason, not complete it with rejects alone. A batch of a few records, such as a file's last,
    says nothing of the model: there they are rejects like any other.
    """
    rejects: list[RowReject] = []
    rows = 0
    for part in parts:
        rejects += [replace(reject, row=rows + reject.row) for reject in part.rejects]
        rows += part.scored + len(part.rejects)
    scored = [part for part in parts if part.columns]
    poison = next((reject for reject in rejects if reject.code in POISON), None)
    if poison and not scored and rows >= TELLING:
        raise ModelError(f"the model can score no record: {poison.detail}")
    columns = (
        {name: pa.concat_arrays([part.columns[name] for part in scored]) for name in scored[0].columns}
        if scored
        else {}
    )
    return Result(columns, tuple(rejects))
