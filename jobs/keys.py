"""Every key that Nightshift has in Redis, and what it holds. The queue's own are kombu's, under the same prefix."""

import hashlib
import os
import re
from typing import NamedTuple

from formats.files.location import Location
from jobs.record import FORMAT, Life

PREFIX = "nightshift:"


class Generation(NamedTuple):
    """The names that all jobs of a format share. A newer format has other names, so that a program that knows older
    formats only never meets a job it can't read, and takes no message of one."""

    jobs: str  # sorted set: job id by time of creation
    active: str  # set: the running jobs' `Life.name`s, which the re-sender sweeps
    workers: str  # sorted set: "host:pid:processes" by time of the last sign of life
    resender: str  # the re-sender's short lock; that of versions which know only formats before 6
    queue: str  # the Redis list that Celery's workers take from


def _generation(prefix: str) -> Generation:
    return Generation(*(f"{prefix}{name}" for name in ("jobs", "active", "workers", "resender", "batches")))


FIRST = _generation(PREFIX)  # format 1: jobs without an incarnation
SECOND = _generation(f"{PREFIX}2:")
GENERATIONS = (FIRST, SECOND)


QUEUES = f"{PREFIX}2:queues"  # set: the queues of places, beside those of the generations


def place_queue(place: str) -> str:
    """The Redis list from which workers take that can reach a place."""
    return f"{SECOND.queue}:{place}"


def is_place_queue(name: str) -> bool:
    """Whether it is one that `place_queue` makes of a root's name: others may write to the server too."""
    return re.fullmatch(rf"{re.escape(place_queue('data-'))}[0-9a-f]{{16}}", name) is not None


# The lock of the re-senders that know jobs of formats up to this one: older ones must not keep those from looking after
# jobs that they themselves leave alone.
RESENDER = f"{SECOND.resender}:{FORMAT}"


def generation(life: Life) -> Generation:
    return SECOND if life.incarnation else FIRST


def prefetched(worker: str) -> str:
    """The ids of the messages that the worker has taken from the queue and not begun, separated by blanks. Runs out
    unless the worker repeats it."""
    return f"{PREFIX}prefetched:{worker}"


def op_list(worker: str) -> str:
    """Which ops the worker has: what runs its models, and the digest of its list. Runs out unless it is repeated."""
    return f"{PREFIX}ops:{worker}"


def places(worker: str) -> str:
    """The names of the places that the worker can reach, separated by blanks. Runs out unless it is repeated."""
    return f"{PREFIX}places:{worker}"


def model(sha256: str) -> str:
    """The frozen graph's bytes."""
    return f"{PREFIX}model:{sha256}"


def signatures(sha256: str) -> str:
    """Set: who signed that model, each as the file beside it has it (graphs/model_signature.py)."""
    return f"{PREFIX}signatures:{sha256}"


def job(job_id: str) -> str:
    """Hash: the job's record, state, cursor and counters. The prefix of the job's other keys; those that
    only scripts use are named in their prelude."""
    return f"{PREFIX}job:{job_id}"


def timeline(job_id: str) -> str:
    """List: a `Finish` a batch done, in the order in which they were."""
    return f"{job(job_id)}:timeline"


def events(job_id: str) -> str:
    """Stream: that a batch is done, or that the job ended. What waits for either reads it."""
    return f"{job(job_id)}:events"


def queued(job_id: str) -> str:
    """Sorted set: when the message of each batch that waits for a worker was sent (ms)."""
    return f"{job(job_id)}:queued"


def owner(job_id: str) -> str:
    """Hash: who holds each leased batch."""
    return f"{job(job_id)}:owner"


def sent(job_id: str) -> str:
    """Hash: of each batch what its producer notes, a `Sent`."""
    return f"{job(job_id)}:sent"


def answered(job_id: str) -> str:
    """Hash: of each batch what its worker notes, an `Answered`."""
    return f"{job(job_id)}:answered"


def written(job_id: str) -> str:
    """Hash: of each batch, and of the header, what its collector notes, a `Written`."""
    return f"{job(job_id)}:written"


def own(life: Life) -> str:
    """The prefix of what only this incarnation's programs write to without asking a script first."""
    return f"{job(life.id)}:{life.incarnation}" if life.incarnation else job(life.id)


def payload(life: Life, batch: int) -> str:
    """The columns to feed, an Arrow IPC stream of micro-batches. Freed when the batch is done."""
    return f"{own(life)}:payload:{batch}"


def kept(life: Life, batch: int) -> str:
    """What only the collector needs: id and kept columns, the reader's rejects. Freed when collected."""
    return f"{own(life)}:kept:{batch}"


def result(life: Life, batch: int) -> str:
    """The scores and the worker's rejects. Freed when collected."""
    return f"{own(life)}:result:{batch}"


def producer(life: Life) -> str:
    """The lock of the producer that enqueues the job."""
    return f"{own(life)}:producer"


def collector(life: Life) -> str:
    """The lock of the collector that writes the job's files."""
    return f"{own(life)}:collector"


def forgotten(life: Life) -> str:
    """That somebody wants it gone, for whoever follows it. Not among the job's keys, which are freed."""
    return f"{PREFIX}forgotten:{life.name}"


def output(place: Location) -> str:
    """The short lock of the scheduler that is at the file of these scores."""
    return f"{PREFIX}nightly:{hashlib.sha256(os.fsencode(place)).hexdigest()[:16]}"


def text(name: bytes) -> str:
    """What the server has as a name. One that a disk has altered is another one, and no error."""
    return name.decode(errors="replace")
