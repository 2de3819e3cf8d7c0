"""Records through the graph, a micro-batch at a time; a record that can't be scored becomes a reject."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from formats.rejects import codes_by
from graphs.feeds import Fetch
from jobs.batch import Result, RowReject
from jobs.record import Job
from jobs.verdicts import VERDICT
from model.errors import ModelError
from model.graph.row_class import RowClass, RowVerdict
from worker.classify import classify, sample
from worker.feeds import bind, rows_a_call, tensors, to_arrays
from worker.outputs import columns_of, concat, joining
from worker.reasons import Reasons
from worker.repeats import distinct, repeat
from worker.runtimes.runtime import Arrays, FeedError, Model, RowError
from worker.verdicts import verdicts

TELLING = 64  # records; if the graph fails on every one of a batch that large, the model is to blame
DIVISIBLE = frozenset({"exact", "rounding"})  # the row classes whose records may be scored apart
POISON = codes_by("model")


class Scorer:
    """A model, and what a job feeds and fetches in it. Raises ModelError if the model does not fit the job.

    `row_class` is how the model treats rows (`model.graph.row_class`), None where nobody knows: then nothing is done
    that a model which mixes them would notice.
    """

    def __init__(self, model: Model, job: Job, row_class: RowClass | None = None) -> None:
        self._job = job
        self._model = model
        self._fetches = _with_rows(model, job)
        self._tensors = tuple(tensor for fetch in self._fetches for tensor in fetch.fetched)
        self._run = bind(job, joining(self._fetches, model.prepare(tensors(job), self._tensors)))
        self._reasons = Reasons(model, job) if job.explain else None
        self.row_class = row_class

    @property
    def verdict(self) -> RowVerdict:
        """What the model's ops tell of its row class."""
        return self._model.judge_rows(self._tensors)

    def classify(
        self, batches: Iterable[pa.RecordBatch], progress: Callable[[], None] = lambda: None
    ) -> RowClass | None:
        """The model's row class, by its ops or else by what it does with some records; None if those can't tell."""
        found = self.verdict.row_class
        parts = list(batches) if found is None else []
        if parts:
            [records] = pa.Table.from_batches(parts).combine_chunks().to_batches()
            arrays, rows, _ = to_arrays(self._job, records)
            found = classify(self._run, sample(arrays), self.verdict.best, progress) if len(rows) else None
        return found or ("rounding" if self.verdict.by_rows else None)

    def try_out(self, records: pa.RecordBatch) -> None:
        """Runs the graph on them, to see whether the process survives it; that it fails says nothing."""
        arrays, rows, _ = to_arrays(self._job, records)
        with contextlib.suppress(RowError, FeedError):
            if len(rows):
                self._run(arrays)

    def score(self, records: pa.RecordBatch) -> Result:
        """Scores a micro-batch, or a part of one.

        Records with cells that don't convert are rejects, and so is a record on which the graph itself fails; where
        rows mix, all that were scored with it are. Raises ModelError if the graph can't be fed, or doesn't answer with
        one row a record. Equal records have equal scores where the model is exact: the graph sees each once.
        """
        found = distinct(records) if self.row_class == "exact" else None
        return repeat(self._score(found.records), found.which) if found else self._score(records)

    def explain(
        self, batches: Sequence[pa.RecordBatch], result: Result, progress: Callable[[], None] = lambda: None
    ) -> Result:
        """The result of these with the reasons beside the scores, if the job wants them."""
        return self._reasons.add(batches, result, progress) if self._reasons else result

    def _score(self, records: pa.RecordBatch) -> Result:
        arrays, rows, bad = to_arrays(self._job, records)
        outputs = self._outputs(arrays, rows, bad) if len(rows) else []
        return Result(concat(outputs), tuple(bad[row] for row in sorted(bad)))

    def _outputs(
        self, arrays: Arrays, rows: npt.NDArray[np.int64], bad: dict[int, RowReject]
    ) -> list[dict[str, pa.Array]]:
        """The model on the rows; where it fails, on either half, down to the records that make it, unless the
        scores of one half may depend on the other."""
        try:
            values = self._run(arrays)
        except RowError as error:
            reason = str(error)
            if len(rows) == 1 or self.row_class not in DIVISIBLE:
                reason += inseparable(len(rows), self.row_class)
                bad.update((int(row), RowReject(int(row), "model_error", reason)) for row in rows)
                return []
            half = len(rows) // 2
            left = self._outputs([array[:half] for array in arrays], rows[:half], bad)
            return left + self._outputs([array[half:] for array in arrays], rows[half:], bad)
        except FeedError as error:
            raise ModelError(f"the graph can't be fed: {error}") from None
        columns: dict[str, pa.Array] = {}
        for fetch, array in zip(self._fetches, values, strict=True):
            columns |= columns_of(fetch, array, len(rows))
        if self._job.threshold is not None:
            columns[VERDICT] = verdicts(self._fetches[0], columns, self._job.threshold)
        return [columns]


def _with_rows(model: Model, job: Job) -> tuple[Fetch, ...]:
    """The job's outputs, without those that nobody asked for and that have no row a record. Raises ModelError for one
    that somebody did ask for."""
    size = rows_a_call(job)
    found = []
    for fetch in job.fetches:
        shape = None if fetch.tensors else model.shape(fetch.tensor)
        if shape is None or (shape and shape[0] in (-1, size)):
            found.append(fetch)
        elif fetch.asked:
            raise ModelError(f"output {fetch.tensor!r} has the shape {list(shape)}, not one row a record")
    if not found:
        names = ", ".join(repr(fetch.tensor) for fetch in job.fetches)
        raise ModelError(f"none of the outputs has one row a record: {names}")
    return tuple(found)


def inseparable(rows: int, row_class: RowClass | None) -> str:
    """Why so many records are rejected for one, as the end of the reason; nothing if it is one alone."""
    if rows == 1:
        return ""
    why = "the model mixes rows" if row_class else "nobody knows whether the model mixes rows"
    return f" (of the {rows:,} records scored together, which one it was can't be told: {why})"


def score(
    model: Model,
    job: Job,
    batches: Sequence[pa.RecordBatch],
    progress: Callable[[], None] = lambda: None,
    row_class: RowClass | None = None,
    note: Callable[[RowClass], RowClass] = lambda finding: finding,
) -> Result:
    """The whole batch, given as its micro-batches; calls `progress` after each. Raises ModelError as `Scorer.score`
    and `join` do.

    Where the row class is not known it is found out on a sample of the batch; what `note` makes of the finding, holds.
    """
    scorer = Scorer(model, job, row_class)
    if row_class is None:
        found = scorer.classify(batches, progress)
        scorer.row_class = note(found) if found is not None else None
    parts = []
    for records in batches:
        parts.append(scorer.score(records))
        progress()
    return scorer.explain(batches, join(parts, scorer.row_class), progress)


def join(parts: Sequence[Result], row_class: RowClass | None) -> Result:
    """The batch's result from those of its parts, in order.

    Raises ModelError if the graph failed on records of it and not one was scored: a model that can score nothing must
    end its job with the reason, not complete it with rejects alone. A batch of a few records, such as a file's last,
    says nothing of the model: there they are rejects like any other. So they are where rows mix, and one record may
    have been the end of all.
    """
    rejects: list[RowReject] = []
    rows = 0
    for part in parts:
        rejects += [replace(reject, row=rows + reject.row) for reject in part.rejects]
        rows += part.scored + len(part.rejects)
    scored = [part for part in parts if part.columns]
    poison = next((reject for reject in rejects if reject.code in POISON), None)
    if poison and not scored and rows >= TELLING and row_class != "mixing":
        raise ModelError(f"the model can score no record: {poison.detail}")
    return Result(concat([part.columns for part in scored]), tuple(rejects))
