"""The receipt: what the producer read, what the workers answered for, and whether the two counts agree."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from jobs.progress import Progress
from jobs.record import Job
from producer.collect import rejects_path
from producer.deadline import deadline_of, missed

Limit = tuple[float, bool]  # rejects: their number, or, if True, their percentage


@dataclass(frozen=True, slots=True)
class Receipt:
    """A job's state and counts. `records` and those of `rejected` that the reader found are counted by the producer as
    it reads; `scored` and the other rejects, independently, by the workers. Only a job whose counts agree is
    `complete`."""

    job: str
    state: str
    error: str | None
    input: str
    model: str  # sha256
    records: int
    scored: int
    rejected: int
    codes: dict[str, int]  # rejects by reason
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
    deadline: float | None  # by when it was wanted, seconds since the epoch
    late: bool | None  # whether its last batch was, or is, done after that; None without a deadline

    @property
    def agrees(self) -> bool:
        return self.records == self.scored + self.rejected

    def exceeds(self, limit: Limit) -> bool:
        """Whether there are more rejects than `limit` allows."""
        number, percent = limit
        return self.rejected > (self.records * number / 100 if percent else number)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "agrees": self.agrees}


def make_receipt(job: Job, progress: Progress) -> Receipt:
    output = progress.fields.get("output")
    deadline = deadline_of(progress)

    def until_finished(since: float | None) -> float | None:
        return None if since is None or progress.finished is None else round(progress.finished - since, 3)

    return Receipt(
        job=job.id,
        state=progress.state,
        error=progress.error,
        input=job.input,
        model=job.model,
        records=progress.records,
        scored=progress.scored,
        rejected=progress.rejected,
        codes=progress.codes,
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
        deadline=deadline,
        late=None if deadline is None else (progress.finished or time.time()) > deadline,
    )


def render(receipt: Receipt) -> Table:
    """For people: a table of two columns."""
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
    if receipt.state == "complete":
        verdict = "counts agree: each record was scored once, or rejected"
        table.add_row("check", verdict if receipt.agrees else "[red]the counts disagree[/red]")
    if receipt.deadline is not None and receipt.seconds is not None:
        finished = receipt.created + receipt.seconds
        in_time = "met: " + time.strftime("%F %H:%M", time.localtime(receipt.deadline))
        table.add_row("deadline", missed(finished, receipt.deadline, ended=True) if receipt.late else in_time)
    table.add_row("batches", f"{receipt.batches_done:,} of {receipt.batches:,}, {receipt.attempts:,} attempts")
    table.add_row("model", receipt.model)
    if receipt.error:
        table.add_row("error", receipt.error)
    if receipt.output:
        table.add_row("scores", receipt.output)
        if receipt.rejected:
            table.add_row("rejects", str(receipt.rejects))
    return table
