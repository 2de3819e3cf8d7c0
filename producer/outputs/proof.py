"""What a job's two files must be, by the ledger: their parts, and where they may be found."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from jobs.digest import Part
from jobs.errors import JobError, LostError
from jobs.ledger import Ledger
from jobs.progress import Progress
from jobs.proof import Proof, Written
from jobs.record import Job
from producer.outputs.files import begins_with
from producer.outputs.paths import rejects_path


class Ranges(NamedTuple):
    """The consecutive parts of both files: the header, then a part a batch."""

    scores: list[Part]
    rejects: list[Part]


def ranges_of(header: Written, batches: Iterable[Written]) -> Ranges:
    lines = [header, *batches]
    return Ranges([each.scores for each in lines], [each.rejects for each in lines])


def noted_ranges(ledger: Ledger, job: Job, progress: Progress) -> Ranges:
    """Of what the server knows to be collected. Raises LostError if it can't say."""
    if not job.incarnation:  # format 1 knew no more than the sizes
        return Ranges([Part(progress.output_bytes, "")], [Part(progress.rejects_bytes, "")])
    header = ledger.answers.header(job.life)
    if not progress.collected or header is None:
        return Ranges([], [])
    batches = ledger.answers.proofs(job.life, 0, progress.collected)
    return ranges_of(header, map(_written, batches))


def _written(proof: Proof) -> Written:
    if proof.written is None:
        raise LostError("what the server has to prove the collected files is damaged")
    return proof.written


def noted_output(progress: Progress) -> Path | None:
    """Where the job was collected to last."""
    return Path(progress.output) if progress.output else None


def is_whole(output: Path, ranges: Ranges, *, links: bool = False) -> bool:
    """Whether both files are there as they were written. Links are followed only if they may be."""
    return all(
        begins_with(path, parts, whole=True, links=links)
        for path, parts in zip((output, rejects_path(output)), ranges, strict=True)
    )


def proven_output(ledger: Ledger, job: Job, progress: Progress) -> Path | None:
    """The scores file that the job was collected to; None if it is not collected at all, or in part. Raises JobError if
    it is there no more, or not as it was written."""
    output = noted_output(progress)
    if progress.state != "complete" or output is None or progress.collected < progress.batches:
        return None
    if not is_whole(output, noted_ranges(ledger, job, progress), links=True):
        raise JobError(
            f"{job.id} was collected to {output}, which is not there as it was written (any more, or not yet); "
            f"producer collect {job.id} --output {output} mends that"
        )
    return output
