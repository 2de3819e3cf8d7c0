"""The Celery app and its one task: lease a batch, score it, write it back.

The parent imports TensorFlow with this module, before it forks; each child opens its own session on its first batch.
"""

import logging
import math
import os
import socket
import sys
import time
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, cast

from celery import signals

from jobs import digest
from jobs.batch import Result, payload_records
from jobs.errors import JobError, NewerFormatError, SettingsError
from jobs.lean import freeze_what_is_there, keep_freed_memory, without_pandas
from jobs.ledger import Ledger
from jobs.queue import TASK
from jobs.record import Job, Life
from jobs.server import AWAY, connect
from jobs.settings import Settings
from jobs.spool import Spool
from jobs.timeline import Stopwatch, Work
from model.errors import ModelError
from model.graph.row_class import RowClass
from worker.isolation.isolation import Isolation, Unwanted
from worker.isolation.search import Assignment
from worker.models import open_model
from worker.runtimes.registry import runtime_of
from worker.runtimes.runtime import Runtime
from worker.score import score
from worker.upkeep import logs
from worker.upkeep.broker import make_app
from worker.upkeep.heartbeat import Every, Renewal, housekeeping
from worker.upkeep.vigil import Vigil

Answer = TypeVar("Answer")
log = logging.getLogger(__name__)
settings = Settings.from_environment()
app = make_app(settings.redis_url)
logs.set_up(app)
WORKER = uuid.uuid4().hex[:8]  # made in the parent, the same in its children
WRITE_SECONDS = 60.0  # for which a result is kept while the server is away
# The attempt from which on a batch is scored apart: one death may be an accident.
ISOLATED_FROM = max(2, min(3, settings.max_attempts))
_isolation = Isolation()
_vigil = Vigil()
_housekeeper: Every | None = None


@lru_cache(maxsize=1)
def _ledger_of(_pid: int) -> Ledger:
    assert settings.redis_url  # noqa: S101 -- refused at start
    return Ledger(connect(settings.redis_url), Spool(settings.spool))


def ledger() -> Ledger:
    """This process's own: connections don't survive a fork."""
    return _ledger_of(os.getpid())


@lru_cache(maxsize=16)
def _job(life: Life) -> Job:
    """Raises JobError if the job is not there, or has begun anew."""
    job = ledger().job(life.id)
    if job.incarnation != life.incarnation:
        raise JobError(f"{life.id} has begun anew")
    return job


def _model(sha256: str) -> bytes | None:
    return ledger().model(sha256)


class LeasedBatch(NamedTuple):
    """A batch that this process has the lease of."""

    life: Life
    batch: int
    owner: str  # host:pid:worker
    attempt: int
    payload: bytes
    row_class: RowClass | None  # the job's; None before a worker has found it

    @property
    def isolated(self) -> bool:
        """Whether it may have been fatal to those who had it before."""
        return self.attempt >= ISOLATED_FROM


@app.task(name=TASK)
def score_batch(job_id: str, batch: int, incarnation: str = "") -> None:
    """Scores one batch, unless the ledger says that there is nothing to do. Safe to deliver any number of times."""
    _vigil.note()
    life = Life(job_id, incarnation)
    process = f"{socket.gethostname()}:{os.getpid()}"
    owner = f"{process}:{WORKER}"
    stopwatch = Stopwatch()
    try:
        lease = ledger().lease(life, batch, owner, settings.lease_seconds, settings.max_attempts)
    except (JobError, SettingsError) as error:  # its payload is lost, or where this process can't see it
        ledger().fail(life, f"{process}: {error}")
        return
    if lease.verdict == "newer":
        _leave_alone(job_id)
    if lease.verdict == "exhausted":
        reason = ledger().progress(job_id).last_error or "no worker lived to tell"
        ledger().fail(life, f"batch {batch} was given to workers {settings.max_attempts} times in vain: {reason}")
    if lease.verdict != "leased" or lease.payload is None:
        return
    stopwatch.lap("lease")
    row_class = cast("RowClass | None", lease.row_class or None)
    leased = LeasedBatch(life, batch, owner, lease.attempt, lease.payload, row_class)
    result = _score(leased, stopwatch)
    if result is None:
        return
    encoded, codes = result.encode(), [reject.code for reject in result.rejects]
    sent = digest.sent(incarnation, batch, *payload_records(leased.payload), leased.payload)
    stopwatch.lap("encode")
    work = Work(process, stopwatch.seconds)
    _persistently(lambda: ledger().complete(life, batch, sent, encoded, result.scored, codes, work))


@lru_cache(maxsize=1024)
def _leave_alone(job_id: str) -> None:
    """Said once a job: its batches come back again and again, until a newer worker takes them."""
    log.warning("%s was made by a newer version of Nightshift, and is left to newer workers", job_id)


def _score(leased: LeasedBatch, stopwatch: Stopwatch) -> Result | None:
    """The batch's result, while its lease is renewed; None if there is none to write: the job failed, or has ended."""
    life, batch, owner, *_ = leased
    limit = math.inf if leased.isolated else settings.batch_seconds
    try:
        # What took too long once is isolated the next time.
        with Renewal(ledger(), life, batch, owner, settings.lease_seconds, limit, ISOLATED_FROM - 1) as lease:
            result = _score_apart(leased) if leased.isolated else _score_here(leased, stopwatch, lease.progress)
            stopwatch.lap("score")
            return result
    except ModelError as error:
        ledger().fail(life, str(error))
    except NewerFormatError:
        _leave_alone(life.id)
        ledger().release(life, batch, owner, "its record was made by a newer version")
    except Unwanted:
        log.warning("%s: batch %d is not wanted any more", life.id, batch)
    except Exception as error:
        ledger().release(life, batch, owner, f"{type(error).__name__}: {error}")
        raise
    return None


def _score_here(leased: LeasedBatch, stopwatch: Stopwatch, progress: Callable[[], None]) -> Result:
    job = _job(leased.life)
    opened = open_model(job.model, _model, settings.threads)
    stopwatch.lap("session")

    def note(found: RowClass) -> RowClass:
        return _noted(leased.life, found, opened.runtime)

    return score(opened.model, job, leased.payload, progress, leased.row_class, note)


def _noted(life: Life, found: RowClass, runtime: Runtime) -> RowClass:
    """What holds for the whole job, for each of its workers: what the first of them found. The receipt says by which
    version of the runtime."""
    word = _persistently(lambda: ledger().row_class(life, found))
    if not word:
        raise Unwanted  # the job has ended
    _persistently(lambda: ledger().note(life, **{runtime.name: runtime.version()}))
    return cast(RowClass, word)


def _score_apart(leased: LeasedBatch) -> Result:
    """By processes that may die."""
    life, batch, owner, attempt, payload, row_class = leased
    log.warning("%s: batch %d was not scored in %d attempts, and is isolated", life.id, batch, attempt - 1)
    job = _job(life)
    model = _model(job.model)
    result, crashes = _isolation.score(
        Assignment(job, model, payload, settings.threads, settings.batch_seconds, row_class),
        wanted=lambda: ledger().renew(life, batch, owner, settings.lease_seconds),
        note=lambda found: _noted(life, found, runtime_of(model or b"")),
    )
    log.warning("%s: batch %d is scored, at the cost of %d processes", life.id, batch, crashes)
    return result


def _persistently(write: Callable[[], Answer]) -> Answer:
    """A server that comes back soon gets the result after all; otherwise the batch is scored again."""
    deadline = time.monotonic() + WRITE_SECONDS
    while True:
        try:
            return write()
        except AWAY:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


@signals.worker_init.connect
def _begin(**_: Any) -> None:
    if not settings.redis_url:
        sys.exit("REDIS_URL is not set: a worker needs the server that the producer enqueues to")
    without_pandas()
    keep_freed_memory()
    freeze_what_is_there()


@signals.worker_ready.connect
def _begin_housekeeping(sender: Any, **_: Any) -> None:
    global _housekeeper
    _vigil.processes = sender.controller.concurrency
    _housekeeper = housekeeping(ledger, _vigil.processes, settings.keep_days, WORKER, _vigil).__enter__()


@signals.worker_shutting_down.connect
def _end_housekeeping(**_: Any) -> None:
    if _housekeeper:
        _housekeeper.close()
