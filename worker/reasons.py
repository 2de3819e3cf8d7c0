"""Which pieces of text moved the scores of a batch's records, for those that are to be explained.

The records are run through the graph again, for what it has between text and score. Few are, and they are taken
together from all of the batch's micro-batches: what a record's reasons are does not depend on its neighbours.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphs.errors import GraphError
from graphs.explainable import explainable
from graphs.ngram_sums import NgramSum
from jobs.batch import Result
from jobs.reasons import REASONS
from jobs.record import Job
from model.errors import ModelError
from worker.feeds import bind, rows_a_call, tensors, to_arrays
from worker.runtimes.runtime import FeedError, Model, RowError
from worker.verdicts import least

ROWS = 1024  # of one run
BYTES = 256 << 10  # of text in one run, unless one record has more


class Reasons:
    """What explains a model's scores for a job. Raises ModelError if nothing does."""

    def __init__(self, model: Model, job: Job) -> None:
        def find(tensor: str) -> NgramSum | None:
            anatomy = model.anatomy(tensor)
            return anatomy.sum if anatomy else None

        try:
            if rows_a_call(job) is not None:
                raise GraphError("--explain: the graph takes a fixed number of records")
            self._fetch, self._feed = explainable(job.fetches, job.feeds, find)
        except GraphError as error:
            raise ModelError(str(error)) from None
        anatomy = model.anatomy(self._fetch.tensor)
        assert anatomy is not None  # noqa: S101 -- it was found
        self._job, self._anatomy = job, anatomy
        self._run = bind(job, model.prepare(tensors(job), anatomy.fetches))

    def add(
        self, batches: Sequence[pa.RecordBatch], result: Result, progress: Callable[[], None] = lambda: None
    ) -> Result:
        """The result of micro-batches, or of parts of them, with a column of reasons; calls `progress` now and then.
        Raises ModelError if the graph can't be run again."""
        if not result.scored:
            return result
        rows = np.delete(np.arange(sum(each.num_rows for each in batches)), [each.row for each in result.rejects])
        scores = result.columns[self._fetch.name].to_numpy()
        places = np.flatnonzero(scores >= least(self._job.explain_from, scores.dtype))
        found = []
        for records in _gathered(batches, rows[places]):
            found.append(self._cells(records))
            progress()
        cells = pa.concat_arrays([*found, pa.array([b""], pa.binary())])
        which = np.full(result.scored, len(cells) - 1)
        which[places] = np.arange(len(places))
        return replace(result, columns={**result.columns, REASONS: cells.take(pa.array(which))})

    def _cells(self, records: pa.RecordBatch) -> pa.Array:
        """A cell for each record; texts that come again are explained once."""
        if records.num_columns > 1:
            return self._explained(records)
        encoded = records.column(0).dictionary_encode()
        cells = self._explained(pa.RecordBatch.from_arrays([encoded.dictionary], schema=records.schema))
        return cells.take(encoded.indices)

    def _explained(self, records: pa.RecordBatch) -> pa.Array:
        from model.reasons.anatomy import Explained

        arrays, _, bad = to_arrays(self._job, records)
        try:
            if bad:  # it was no reject when it was scored
                raise RowError(next(iter(bad.values())).detail)
            values = self._run(arrays)
        except (RowError, FeedError) as error:
            raise ModelError(f"the reasons of a score can't be found: {error}") from None
        most = self._job.explain
        return Explained.of(self._anatomy, arrays[self._feed], values, most).cells(most)


def _gathered(batches: Sequence[pa.RecordBatch], rows: npt.NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    """These rows of all micro-batches, ascending, in runs of their own."""
    waiting: list[pa.RecordBatch] = []
    count, size = 0, 0
    starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
    edges = np.searchsorted(rows, starts).tolist()
    for batch, start, begin, end in zip(batches, starts[:-1], edges[:-1], edges[1:], strict=True):
        if begin == end:
            continue
        wanted = batch.take(pa.array(rows[begin:end] - start))
        held = wanted.nbytes
        if waiting and (count + wanted.num_rows > ROWS or size + held > BYTES):
            yield _one(waiting)
            waiting, count, size = [], 0, 0
        waiting.append(wanted)
        count, size = count + wanted.num_rows, size + held
    if waiting:
        yield _one(waiting)


def _one(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    [found] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return found
