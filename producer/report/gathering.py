"""One pass over a complete job, which gathers all figures of its report."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from formats.errors import InputError
from formats.shown import shown
from graphs.names import short
from jobs.errors import JobError
from jobs.ledger import Ledger
from jobs.reasons import REASONS
from jobs.record import Job
from jobs.settings import Settings
from producer.outputs.receipt import make_receipt
from producer.outputs.scored import Chunk, Scored
from producer.report.borderline import Borderline
from producer.report.figures import Choice, Report, Scores
from producer.report.groups import Groups
from producer.report.histogram import Histogram
from producer.report.repeated import Repeats
from producer.report.rows import with_input
from producer.report.speed import measure

ROUND = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999)  # those of `model evaluate`
GROUPS = 20  # values of a column that are shown
REPEATS = 20
DEFAULT = 0.5  # the threshold
REJECTS_PER_CODE = 3


def gather(
    ledger: Ledger,
    job: Job,
    settings: Settings,
    *,
    threshold: float | None = None,
    node: str | None = None,
    by: str | None = None,
    examples: int = 20,
) -> Report:
    """Reads the job's rows once (twice if its scores leave [0, 1]) and the input beside them. Memory is bounded.
    Without a `threshold` it is the job's own, else 0.5.

    Raises JobError unless the job is complete; GraphError or InputError for an output or a column that is not there.
    """
    progress = ledger.progress(job.id)
    if progress.state != "complete":
        raise JobError(f"{job.id} is {progress.state}: a report needs a complete job")
    report = Report(
        job=job,
        receipt=make_receipt(job, progress),
        leases_lost=progress.leases_lost,
        resent=progress.resent,
        speed=measure(ledger.timeline(job.id)),
        scores=None,
        text_column=next(iter(job.text_columns), None),
        by_column=by,
        groups=[],
        rejects={},
    )
    if threshold is None:
        threshold = DEFAULT if job.threshold is None else job.threshold
    try:
        scored = Scored(ledger, job, progress, settings)
    except JobError as error:
        report.notes.append(f"No scores: {error}.")
        report.text_column = report.by_column = None
        return report
    _Pass(report, scored, threshold, node, examples).run()
    return report


class _Pass:
    """One reading of the rows, into the report."""

    def __init__(self, report: Report, scored: Scored, threshold: float, node: str | None, examples: int) -> None:
        self._report, self._scored, self._examples = report, scored, examples
        self._threshold, self._wanted = threshold, node
        self._node: str | None = None

    def run(self) -> None:
        histogram = Histogram()
        self._read(histogram)
        if not histogram.fits:
            low, high = histogram.lowest, histogram.highest
            self._read(Histogram(low, high if high > low else low + 1))

    def _read(self, histogram: Histogram) -> None:
        report = self._report
        report.rejects.clear()
        report.notes.clear()
        nearest = Borderline(self._threshold, self._examples)
        repeats, groups = Repeats(), Groups()
        blocked = 0
        for chunk in self._chunks():
            self._note_rejects(chunk)
            if not len(chunk.records):
                continue
            scores = self._scores(chunk)
            if scores is None:
                break
            spam = scores >= self._threshold
            histogram.add(scores)
            blocked += int(spam.sum())
            texts = chunk.columns[report.text_column] if report.text_column else None
            reasons = chunk.columns[REASONS] if report.job.explain else None
            nearest.add(scores, chunk.records, chunk.columns[report.job.id_name], texts, reasons)
            if texts is not None:
                repeats.add(_count(texts, scores, spam, reasons))
            if report.by_column:
                groups.add(chunk.columns[report.by_column], spam)
        if self._node is None:
            return
        report.groups = groups.found(GROUPS)
        report.scores = Scores(
            node=self._node,
            threshold=self._threshold,
            blocked=blocked,
            histogram=histogram,
            choices=_choices(histogram, self._threshold, blocked),
            nearest=nearest.found(),
            repeats=repeats.top(REPEATS),
            repeats_missed=repeats.missed,
            distinct=repeats.distinct if report.text_column else None,
        )

    def _chunks(self) -> Iterator[Chunk]:
        """The rows, with the columns of the input that are needed and not in them."""
        report, job = self._report, self._report.job
        there = {job.id_name, *job.keep, *self._scored.outputs}
        wanted = [name for name in dict.fromkeys((report.text_column, report.by_column)) if name and name not in there]
        if not wanted:
            yield from self._scored.chunks()
            return
        try:
            reader = self._scored.open_input()
        except InputError as error:
            if report.text_column in wanted:
                report.text_column = None
                report.notes.append(f"No texts: {error}.")
            if report.by_column in wanted:
                report.notes.append(f"Nothing by {report.by_column}: {error}.")
                report.by_column = None
            yield from self._scored.chunks()
            return
        with reader:
            if report.by_column in wanted and reader.columns.count(report.by_column) != 1:
                columns = shown([*dict.fromkeys((*job.keep, *reader.columns))])
                raise InputError(f"there is no column {report.by_column!r} to group by; there are {columns}")
            yield from with_input(self._scored.chunks(), reader, wanted)

    def _note_rejects(self, chunk: Chunk) -> None:
        for reject in chunk.rejects:
            known = self._report.rejects.setdefault(reject.code, [])
            if len(known) < REJECTS_PER_CODE:
                known.append(reject)

    def _scores(self, chunk: Chunk) -> npt.NDArray[np.float64] | None:
        if self._node is None:
            self._node = self._choose(chunk)
            if self._node is None:
                return None
        scores = _numbers(chunk.columns[self._node])
        if scores is None:
            raise JobError(f"{self._scored.output}: not every {self._node!r} is a number")
        return scores

    def _choose(self, chunk: Chunk) -> str | None:
        """The output to report on: the wanted one, else that which the job's verdicts follow from, else the first of
        fractions, else the first of numbers."""
        outputs = self._scored.outputs
        if self._wanted is None and self._report.job.threshold is not None:
            return outputs[0]
        if self._wanted is not None:
            name = short(self._wanted)
            if name not in outputs:
                raise JobError(f"{self._report.job.id} has no output {name!r}; it has {', '.join(outputs)}")
            if _numbers(chunk.columns[name]) is None:
                raise JobError(f"the output {name!r} is not a number")
            return name
        found = {name: _numbers(chunk.columns[name]) for name in outputs}
        numbers = {name: scores for name, scores in found.items() if scores is not None}
        if not numbers:
            self._report.notes.append(f"No figures of the scores: none of {', '.join(outputs)} is a number.")
            return None
        fractions = [name for name, scores in numbers.items() if (scores[np.isfinite(scores)] % 1 != 0).any()]
        return (fractions or list(numbers))[0]


def _numbers(column: pa.Array) -> npt.NDArray[np.float64] | None:
    """As float64, or None if it is no number. A worker's float32 becomes the number that a scores file has for it, the
    shortest text: so 0.3 is at the threshold 0.3, and collected or not the figures are the same."""
    if not (pa.types.is_binary(column.type) or pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        return None
    try:
        found: npt.NDArray[np.float64] = column.cast(pa.string()).cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return found


def _count(
    texts: pa.Array, scores: npt.NDArray[np.float64], spam: npt.NDArray[np.bool_], reasons: pa.Array | None
) -> Iterator[tuple[bytes, int, float, bytes]]:
    """The texts of the spam: each once, how often it came, and the score and the reasons of its first."""
    rows = np.flatnonzero(spam)
    if not len(rows):
        return
    encoded = texts.take(pa.array(rows)).dictionary_encode()
    valid = encoded.indices.is_valid().to_numpy(zero_copy_only=False)
    codes = pc.fill_null(encoded.indices, 0).to_numpy()[valid]
    counts = np.bincount(codes, minlength=len(encoded.dictionary))
    first = np.empty(len(encoded.dictionary), np.int64)
    first[codes[::-1]] = rows[valid][::-1]  # of the same code, the last to be set is the first row
    why = [b""] * len(first) if reasons is None else reasons.take(pa.array(first)).to_pylist()
    yield from zip(encoded.dictionary.to_pylist(), counts.tolist(), scores[first].tolist(), why, strict=True)


def _choices(histogram: Histogram, threshold: float, blocked: int) -> list[Choice]:
    """Round thresholds for scores in [0, 1], nine in between for others; and the chosen one, which is exact."""
    edges, at = histogram.edges, histogram.blocked()
    unit = (histogram.low, histogram.high) == (0.0, 1.0)
    rows = [round(each * 1000) for each in ROUND] if unit else range(100, 1000, 100)
    found = {float(edges[row]): int(at[row]) for row in rows}
    found[threshold] = blocked
    return [Choice(each, found[each]) for each in sorted(found)]
