"""A job, and the steps that a producer and a worker take with it in the ledger."""

from collections.abc import Sequence

from graphs.feeds import Feed, Fetch
from jobs import digest
from jobs.handover import Entry
from jobs.ledger import Ledger
from jobs.record import Job, Life
from jobs.timeline import Work

CURSOR = {"offset": 10, "record": 1, "line": 2, "skip": 0}
JOB = Job(
    input="/data/night.csv",
    size=1000,
    mtime_ns=1,
    model="ab" * 32,
    feeds=(Feed("text", ("text",), "string", (-1,)),),
    fetches=(Fetch("score", "score"),),
    id_column="id",
    keep=("channel",),
    max_record_bytes=1 << 20,
    incarnation="00112233aabbccdd",
)

WORK = Work("host:1", {"score": 0.25})


def enqueue(
    ledger: Ledger, job: Life, batch: int, records: int = 10, rejects: list[str] | None = None, first: int | None = None
) -> int:
    """Batches of ten records each, unless it says something else."""
    entry = Entry(b"payload", b"kept", CURSOR, batch * 10 + 1 if first is None else first, records, rejects or [])
    return ledger.enqueue(job, batch, [entry])


def complete(
    ledger: Ledger, job: Life, batch: int, result: bytes = b"result", scored: int = 10, codes: Sequence[str] = (),
    work: Work = WORK, *, records: int = 10, payload: bytes = b"payload",
) -> bool:  # fmt: skip
    """As a worker does that scored `payload`."""
    sent = digest.sent(job.incarnation, batch, batch * 10 + 1, records, payload)
    return ledger.complete(job, batch, sent, result, scored, codes, work)


def lease(ledger: Ledger, job: Life, batch: int, owner: str = "me", seconds: float = 30, attempts: int = 5) -> str:
    return ledger.lease(job, batch, owner, seconds, attempts)[0]
