"""How a job's whole files get their final names."""

from jobs.ledger import Ledger
from jobs.record import Job
from producer.outputs.document import write_receipt
from producer.outputs.litter import sweep
from producer.outputs.partial import Partial


def publish(ledger: Ledger, job: Job, files: tuple[Partial, Partial]) -> None:
    """Gives a job's whole files their final names, and writes their receipt. The scores file appears last: when it is
    there, all is there. Raises OSError."""
    scores, rejects = files
    rejects.publish()
    scores.flush()
    write_receipt(ledger, job, scores.path, (scores.partial, rejects.path))
    scores.publish()
    sweep(ledger, job, scores.path)
