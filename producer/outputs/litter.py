"""What commands that were killed left beside a scores file, on its way to it or to its neighbours."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from formats.files import safe
from jobs.errors import JobError
from jobs.ledger import Ledger
from jobs.record import Job
from jobs.server import AWAY
from producer.outputs.partial import claim_both
from producer.outputs.paths import receipt_path, rejects_path


def retry_room(output: Path) -> Path:
    """The folder in which `producer retry` scores, while it does."""
    return output.with_name(f".{output.stem}.retry")


def sweep(ledger: Ledger, job: Job, output: Path) -> None:
    """Removes it, now that `job` has these files whole, or never will; what another job needs to go on stays, and so
    does what is another user's. Does nothing while a command writes there, or if the server is away: then whoever comes
    next sweeps."""
    with contextlib.suppress(OSError, JobError, *AWAY):
        left = list(_left(output))
        parts = claim_both(output, job.life) if left else None
        if parts is None:
            return
        try:
            needed = _needed(ledger, job, output)
            for path in left:
                if path.name not in needed and safe.is_ours(path):
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        finally:
            for part in parts:
                part.discard()


def _left(output: Path) -> Iterator[Path]:
    places = tuple(f"{path.name}." for path in (output, rejects_path(output), receipt_path(output)))
    for path in output.parent.iterdir():
        if (path.name.startswith(places) and path.name.endswith(".partial")) or path == retry_room(output):
            yield path


def _needed(ledger: Ledger, job: Job, output: Path) -> set[str]:
    """What holds records that other jobs have collected, and that the server has no more. Raises JobError if it can't
    say."""
    names = set()
    for job_id in ledger.job_ids():
        progress = ledger.progress(job_id)
        if job_id != job.id and progress.collected and progress.state in ("running", "complete"):
            token = progress.incarnation or job_id.rpartition("-")[2]
            names |= {f"{path.name}.{token}.partial" for path in (output, rejects_path(output))}
    return names
