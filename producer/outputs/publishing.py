"""How a job's whole files get their final names, and whether they have them."""

from pathlib import Path

from jobs.ledger import Ledger
from jobs.progress import Progress
from jobs.record import Job
from producer.outputs.document import is_receipt_of, write_receipt
from producer.outputs.litter import sweep
from producer.outputs.partial import Partial
from producer.outputs.paths import rejects_path
from producer.outputs.proof import is_whole, noted_output, noted_ranges


def publish(ledger: Ledger, job: Job, files: tuple[Partial, Partial]) -> None:
    """Gives a job's whole files their final names, and writes their receipt. The scores file appears last: when it is
    there, all is there. Raises OSError."""
    scores, rejects = files
    rejects.publish()
    scores.flush()
    write_receipt(ledger, job, scores.path, (scores.partial, rejects.path))
    scores.publish()
    sweep(ledger, job, scores.path)


def already_there(ledger: Ledger, job: Job, output: Path, progress: Progress) -> bool:
    """Whether this very output was finished before; its receipt is mended if need be."""
    if progress.state != "complete" or progress.collected < progress.batches:
        return False
    ranges = noted_ranges(ledger, job, progress)
    if not ranges.scores or not is_whole(output, ranges):
        return False
    if noted_output(progress) != output:
        ledger.note(job.life, output=str(output))
    if not is_receipt_of(output, job, ranges.scores):
        write_receipt(ledger, job, output, (output, rejects_path(output)))
    sweep(ledger, job, output)
    return True
