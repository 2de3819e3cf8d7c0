"""The receipt: what the producer read, what the workers answered for, and whether the two counts agree."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from formats.csv.dialect import Dialect
from jobs.progress import Progress
from jobs.record import Job
from producer.outlook.deadline import missed
from producer.outputs.paths import rejects_path

ROWS = {
    "exact": "exact: no score depends on other records",
    "rounding": "rounding: other records change a score by 1e-4 at most",
    "mixing": "mixing: a score depends on the records scored with it, on chance or on the clock",
}
Limit = tuple[float, bool]  # rejects: their number, or, if True, their percentage


def written(limit: Limit) -> str:
    """As it is typed."""
    number, percent = limit
    return f"{number:.16g}{'%' if percent else ''}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A job's state and counts. `records` and those of `rejected` that the reader found are counted by the producer as
    it reads; `scored` and the other rejects, independently, by the workers. Only a job whose counts agree is
    `complete`."""

    job: str
    incarnation: str  # of the job's lives with this id; empty for a job of format 1
    state: str
    error: str | None
    input: str
    model: str  # sha256
    signer: str | None  # the id of the key that signed the model; None if neither producer nor workers had to know
    retried: list[dict[str, Any]]  # models that scored some of its rejects later: sha256, name, ranges of records
    rows: str | None  # how the model treats rows: exact, rounding or mixing; None before a worker has found out
    records: int
    scored: int
    rejected: int
    codes: dict[str, int]  # rejects by reason
    blank_lines: int  # lines of the input that are no records
    not_utf8: int  # texts fed to the model that are not UTF-8
    batches: int
    batches_done: int
    attempts: int  # leases given to workers: one a batch, unless something went wrong on the way
    redelivered: int  # messages that found nothing to do
    duplicates: int  # results that came second and were dropped
    created: float  # seconds since the epoch
    seconds: float | None  # from submission to the last batch; None while it runs
    scoring_seconds: float | None  # of those, since the first batch went to a worker
    output: str | None
    rejects: str | None
    dialect: dict[str, Any]  # how the input is read, as far as it isn't plain CSV in UTF-8
    by_reference: bool  # whether workers read the input themselves, and write parts
    threshold: float | None  # of the verdicts in the scores file: spam from there on; None: it has none
    deadline: float | None  # by when it was wanted, seconds since the epoch
    late: bool | None  # whether its last batch was, or is, done after that; None without a deadline

    @property
    def agrees(self) -> bool:
        return self.records == self.scored + self.rejected

    @property
    def none_scored(self) -> bool:
        """Whether there were records, and every one was rejected."""
        return self.state == "complete" and self.records > 0 and self.scored == 0

    @property
    def most_frequent(self) -> str:
        """What most rejects are, for people; empty if there are none."""
        if not self.codes:
            return ""
        code, number = max(self.codes.items(), key=lambda item: item[1])
        return f"{number:,} of them {code}" if number < self.rejected else f"all of them {code}"

    def too_many(self, limit: Limit | None) -> bool:
        """Whether the job has no honest success: more rejects than `limit` allows, or nothing scored."""
        return self.none_scored or (limit is not None and self.exceeds(limit))

    def exceeds(self, limit: Limit) -> bool:
        """Whether there are more rejects than `limit` allows."""
        number, percent = limit
        return self.rejected > (self.records * number / 100 if percent else number)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "agrees": self.agrees}


def make_receipt(job: Job, progress: Progress) -> Receipt:
    output = progress.output if progress.state != "stopped" else None  # nothing is there
    deadline = progress.deadline

    def until_finished(since: float | None) -> float | None:
        return None if since is None or progress.finished is None else round(progress.finished - since, 3)

    return Receipt(
        job=job.id,
        incarnation=job.incarnation,
        state=progress.state,
        error=progress.error,
        input=job.input,
        model=job.model,
        signer=progress.signer,
        retried=progress.retried,
        rows=progress.row_class,
        records=progress.records,
        scored=progress.scored,
        rejected=progress.rejected,
        codes=progress.codes,
        blank_lines=progress.blank_lines,
        not_utf8=progress.not_utf8,
        batches=progress.batches,
        batches_done=progress.done,
        attempts=progress.attempts,
        redelivered=progress.redelivered,
        duplicates=progress.duplicates,
        created=progress.created,
        seconds=until_finished(progress.created),
        scoring_seconds=until_finished(progress.started),
        output=output,
        rejects=str(rejects_path(Path(output))) if output else None,
        dialect=job.dialect.to_dict(),
        by_reference=bool(job.by_reference),
        threshold=job.threshold,
        deadline=deadline,
        late=None if deadline is None else (progress.finished or time.time()) > deadline,
    )


def _many(ranges: list[list[int]]) -> int:
    return sum(last - first + 1 for first, last in ranges)


def render(receipt: Receipt) -> Table:
    """For people: a table of two columns, whose strings are text and no markup (producer/display/terminal.py)."""
    table = Table(title=f"{receipt.job}: {receipt.state}", title_justify="left", show_header=False, box=None)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    scored = f"{receipt.scored:,}"
    if receipt.seconds and receipt.scoring_seconds:
        rate = receipt.scored / receipt.scoring_seconds
        scored += f" in {receipt.scoring_seconds:,.1f} s ({rate:,.0f}/s); {receipt.seconds:,.1f} s with start-up"
    table.add_row("records in", f"{receipt.records:,}")
    table.add_row("scored", scored)
    reasons = ", ".join(f"{count:,} {code}" for code, count in receipt.codes.items())
    table.add_row("rejected", f"{receipt.rejected:,}" + (f": {reasons}" if reasons else ""))
    if receipt.threshold is not None:
        table.add_row("verdict", f"spam from {receipt.threshold:.16g} on")
    dialect = Dialect.from_dict(receipt.dialect)
    if not dialect.is_plain:
        table.add_row("read as", str(dialect))
    if receipt.blank_lines:
        table.add_row("blank lines", f"{receipt.blank_lines:,}, which are no records")
    if receipt.not_utf8:
        table.add_row(f"not {dialect.encoding_name}", f"{receipt.not_utf8:,} texts, scored as their bytes are")
    if receipt.state == "complete":
        verdict = "counts agree, and digests: each record was scored once, or rejected"
        table.add_row("check", verdict if receipt.agrees else Text("the counts disagree", "red"))
    if receipt.deadline is not None and receipt.seconds is not None:
        finished = receipt.created + receipt.seconds
        in_time = "met: " + time.strftime("%F %H:%M", time.localtime(receipt.deadline))
        table.add_row("deadline", missed(finished, receipt.deadline, ended=True) if receipt.late else in_time)
    table.add_row("batches", f"{receipt.batches_done:,} of {receipt.batches:,}, {receipt.attempts:,} attempts")
    way = "workers read the input themselves" if receipt.by_reference else "through the server"
    table.add_row("way", way)
    table.add_row("model", receipt.model)
    if receipt.signer:
        table.add_row("", f"signed by the key {receipt.signer}")
    if receipt.rows in ROWS:
        table.add_row("rows", ROWS[receipt.rows])
    for other in receipt.retried:
        table.add_row("", f"{other['model']} scored {_many(other['records']):,} of them later, by producer retry")
    if receipt.error:
        table.add_row("error", receipt.error)
    if receipt.output:
        table.add_row("scores", receipt.output)
        if receipt.rejected:
            table.add_row("rejects", str(receipt.rejects))
    return table
