"""Every key that Nightshift has in Redis, and what it holds. The queue's own are kombu's, under the same prefix."""

import hashlib
from pathlib import Path

PREFIX = "nightshift:"

JOBS = PREFIX + "jobs"  # sorted set: job id by time of creation
ACTIVE = PREFIX + "active"  # set: ids of running jobs, which the re-sender sweeps
WORKERS = PREFIX + "workers"  # sorted set: "host:pid:processes" by time of the last sign of life
RESENDER = PREFIX + "resender"  # the re-sender's short lock


def prefetched(worker: str) -> str:
    """The ids of the messages that the worker has taken from the queue and not begun, separated by blanks. Runs out
    unless the worker repeats it."""
    return f"{PREFIX}prefetched:{worker}"


def model(sha256: str) -> str:
    """The frozen graph's bytes."""
    return f"{PREFIX}model:{sha256}"


def job(job_id: str) -> str:
    """Hash: the job's record, state, cursor and counters. The prefix of the job's other keys (ledger.py names them)."""
    return f"{PREFIX}job:{job_id}"


def payload(job_id: str, batch: int) -> str:
    """The columns to feed, an Arrow IPC stream of micro-batches. Freed when the batch is done."""
    return f"{job(job_id)}:payload:{batch}"


def kept(job_id: str, batch: int) -> str:
    """What only the collector needs: id and kept columns, the reader's rejects. Freed when collected."""
    return f"{job(job_id)}:kept:{batch}"


def result(job_id: str, batch: int) -> str:
    """The scores and the worker's rejects. Freed when collected."""
    return f"{job(job_id)}:result:{batch}"


def output(path: Path) -> str:
    """The short lock of the scheduler that is at the file of these scores."""
    return f"{PREFIX}nightly:{hashlib.sha256(bytes(path)).hexdigest()[:16]}"
