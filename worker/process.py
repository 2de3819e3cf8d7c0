"""What a worker has from its start on, its children's part included, and how it scores one batch."""

import logging
import math
import os
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TypeVar, cast

import pyarrow as pa

from formats.files.local import open_by
from graphs.allowed import VARIABLE
from graphs.errors import GraphError
from graphs.model_signature import Keys
from graphs.ops import refusal
from graphs.signing_keys import trusted
from jobs.address import Address
from jobs.batch import Result
from jobs.errors import JobError, NewerFormatError, SettingsError
from jobs.identity import Owner, Process
from jobs.ledger import Ledger
from jobs.places import Places
from jobs.record import Job, Life
from jobs.server import AWAY, connect
from jobs.settings import Settings
from jobs.spool import Spool
from jobs.timeline import Stopwatch, Work
from model.errors import ModelError
from model.graph.row_class import RowClass
from worker.cage.cage import Cage, limit_memory
from worker.cage.gate import Gate, GatedPlaces, GatedSpool, keep_gate
from worker.isolation.assignment import Assignment
from worker.isolation.fatal_search import main as search
from worker.isolation.isolation import Isolation, Unwanted
from worker.lease import Lease, LeasedBatch, Renewal
from worker.models import Delivered, Models, check
from worker.periodic import Periodic
from worker.reading import Answer, Given, OutOfReachError, give
from worker.runtimes.registry import runtime_of
from worker.runtimes.runtime import Runtime
from worker.score import score
from worker.upkeep.housekeeping import housekeeping
from worker.upkeep.stall import StallDetector

Told = TypeVar("Told")
log = logging.getLogger(__name__)
WRITE_SECONDS = 60.0  # for which a result is kept while the server is away
TRIED = 2  # attempts before a batch is scored apart: one crash may be an accident


class WorkerProcess:
    """Made in the worker's parent before it forks; its children have the same one. What must not be shared, such as a
    connection, each makes for itself."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.stall = StallDetector()
        self._token = uuid.uuid4().hex[:8]
        self._isolated_from = max(2, min(TRIED + 1, settings.max_attempts))  # the attempt
        self._isolation = Isolation()
        self._gate: Gate | None = None  # of a child that is caged
        self._models = Models(self._model, settings.threads)
        self._keys = trusted_keys(settings)
        self._housekeeper: Periodic | None = None
        self._ledger_of = lru_cache(maxsize=1)(self._connect)
        self._job = lru_cache(maxsize=16)(self._find_job)
        self._tell_signer = lru_cache(maxsize=1024)(self._note_signer)  # said once a job
        self._leave_alone = lru_cache(maxsize=1024)(self._tell_newer)  # said once a job: its batches come again

    @property
    def ledger(self) -> Ledger:
        """This process's own: connections don't survive a fork."""
        return self._ledger_of(os.getpid())

    def _connect(self, _pid: int) -> Ledger:
        url, spool, data = self.settings.redis_url, self.settings.spool, self.settings.data
        assert url  # noqa: S101 -- refused at start
        if self._gate is None:
            return Ledger(connect(url), Spool(spool), data)
        ledger = Ledger(connect(url, self._gate.connect), GatedSpool(spool, self._gate), data)
        self._gated_places = GatedPlaces(ledger.places, self._gate)
        return ledger

    @property
    def _places(self) -> Places:
        ledger = self.ledger
        return ledger.places if self._gate is None else self._gated_places

    def begin_child(self, cage: Cage | None) -> None:
        """In a child, before it scores anything, while it has one thread: from now on it is held by the cage, and what
        it may have it has by its gatekeeper."""
        settings = self.settings
        if cage:
            address = Address.parse(settings.redis_url) if settings.redis_url else None
            apart = replace(cage, readable=(), ports=())

            def serve_apart(descriptor: int) -> None:
                search(descriptor, apart, settings.memory_bytes)

            self._gate = keep_gate(Places(Spool(settings.spool), settings.data), address, serve_apart)
            self._isolation = Isolation(self._gate.start_apart)
            open_by(self._gate.open)
        limit_memory(settings.memory_bytes)
        try:
            if cage:
                cage.enter()
        except OSError as error:
            log.critical("process %d is not caged: %s", os.getpid(), error)
            if settings.cage == "require":
                os._exit(1)

    def begin_housekeeping(self, processes: int) -> None:
        """In the parent, once the worker takes messages."""
        self.stall.processes = processes
        for op in sorted(self.settings.allow_ops):
            log.warning("accepts the op %s, which %s (%s)", op, refusal(op) or "any worker accepts", VARIABLE)
        keep_days = self.settings.keep_days
        self._housekeeper = housekeeping(lambda: self.ledger, processes, keep_days, self._token, self.stall).__enter__()

    def end_housekeeping(self) -> None:
        if self._housekeeper:
            self._housekeeper.close()

    def score_batch(self, life: Life, batch: int) -> None:
        """Scores one batch, unless the ledger says that there is nothing to do."""
        self.stall.note()
        stopwatch = Stopwatch()
        leased = self._lease(life, batch)
        if leased is None:
            return
        stopwatch.lap("lease")
        scored = self._score(leased, stopwatch)
        if scored is None:
            return
        given, answer = scored
        work = Work(str(leased.lease.owner.process), stopwatch.seconds)
        _persistently(lambda: self._complete(leased, given, answer, work))

    def _complete(self, leased: LeasedBatch, given: Given, answer: Answer, work: Work) -> None:
        """Writes the answer; the part that goes with it is removed if another was first."""
        life, batch, ledger = leased.lease.life, leased.lease.batch, self.ledger
        first = leased.lease.complete(leased.payload, given, answer, work)
        # The answer may be there, if it is written for the second time: the server went away before it said so.
        if not first and answer.part and not ledger.answers.is_there(life, batch, answer.result):
            self._places.of(self._job(life).by_reference).drop_parts(life, [answer.part])

    def _lease(self, life: Life, batch: int) -> LeasedBatch | None:
        """The batch, if it is to be scored here."""
        settings, owner = self.settings, Owner(Process.this(), self._token)
        try:
            given = self.ledger.lease(life, batch, str(owner), settings.lease_seconds, settings.max_attempts)
        except (JobError, SettingsError) as error:  # its payload is lost, or where this process can't see it
            self.ledger.fail(life, f"{owner.process}: {error}")
            return None
        if given.verdict == "newer":
            self._leave_alone(life.id)
        if given.verdict == "exhausted":
            reason = self.ledger.progress(life.id).last_error or "no worker lived to tell"
            tries = settings.max_attempts
            self.ledger.fail(life, f"batch {batch} was given to workers {tries} times in vain: {reason}")
        if given.verdict != "leased" or given.payload is None:
            return None
        row_class = cast("RowClass | None", given.row_class or None)
        lease = Lease(self.ledger, life, batch, owner, settings.lease_seconds)
        return LeasedBatch(lease, given.attempt, given.payload, row_class)

    def _score(self, leased: LeasedBatch, stopwatch: Stopwatch) -> tuple[Given, Answer] | None:
        """The batch and its answer, while its lease is renewed; None if there is none to write: the job failed, or has
        ended, or the batch is out of reach here."""
        lease = leased.lease
        life, batch = lease.life, lease.batch
        isolated = leased.attempt >= self._isolated_from  # it may have been fatal to those who had it before
        limit = math.inf if isolated else self.settings.batch_seconds
        try:
            # What took too long once is isolated the next time.
            with Renewal(lease, limit, self._isolated_from - 1) as renewal:
                job = self._job(life)
                if self._gate:
                    self._gate.work_for(job)
                given = give(leased.payload, job, batch, leased.attempt, self._places)
                batches = given.batches()
                stopwatch.lap("read")
                if isolated:
                    result = self._score_apart(leased, given)
                else:
                    result = self._score_here(leased, batches, stopwatch, renewal.progress)
                stopwatch.lap("score")
                answer = given.answer(result)
                stopwatch.lap("encode")
                return given, answer
        except OutOfReachError as error:
            log.warning("%s: batch %d is left to others: %s", life.id, batch, error)
            lease.leave(f"{lease.owner.process}: {error}")
        except NewerFormatError:
            self._leave_alone(life.id)
            lease.release("its record was made by a newer version")
        except (ModelError, JobError) as error:
            self.ledger.fail(life, str(error))
        except Unwanted:
            log.warning("%s: batch %d is not wanted any more", life.id, batch)
        except Exception as error:
            lease.release(f"{type(error).__name__}: {error}")
            raise
        return None

    def _score_here(
        self, leased: LeasedBatch, batches: Sequence[pa.RecordBatch], stopwatch: Stopwatch, progress: Callable[[], None]
    ) -> Result:
        job = self._job(leased.lease.life)
        opened = self._models.open(job.model)
        stopwatch.lap("session")
        self._tell_signer(leased.lease.life, opened.signer)

        def note(found: RowClass) -> RowClass:
            return self._note(leased.lease.life, found, opened.runtime)

        return score(opened.model, job, batches, progress, leased.row_class, note)

    def _score_apart(self, leased: LeasedBatch, given: Given) -> Result:
        """By processes that may die."""
        life, batch, settings = leased.lease.life, leased.lease.batch, self.settings
        log.warning("%s: batch %d was not scored in %d attempts, and is isolated", life.id, batch, leased.attempt - 1)
        job = self._job(life)
        model, signer = self._model(job.model)
        self._tell_signer(life, signer)
        result, crashes = self._isolation.score(
            Assignment(job, model, given.payload(), settings.threads, settings.batch_seconds, leased.row_class),
            wanted=leased.lease.renew,
            note=lambda found: self._note(life, found, runtime_of(model or b"")),
        )
        log.warning("%s: batch %d is scored, at the cost of %d processes", life.id, batch, crashes)
        return result

    def _note(self, life: Life, found: RowClass, runtime: Runtime) -> RowClass:
        """What holds for the whole job, for each of its workers: what the first of them found. The receipt says by
        which version of the runtime."""
        word = _persistently(lambda: self.ledger.row_class(life, found))
        if not word:
            raise Unwanted  # the job has ended
        _persistently(lambda: self.ledger.note(life, **{runtime.name: runtime.version()}))
        return cast(RowClass, word)

    def _find_job(self, life: Life) -> Job:
        """Raises JobError if the job is not there, or has begun again."""
        job = self.ledger.job(life.id)
        if job.incarnation != life.incarnation:
            raise JobError(f"{life.id} has begun again")
        return job

    def _model(self, sha256: str) -> Delivered:
        """Raises ModelError if it is not signed and has to be. The one way to a model from the server."""
        data = self.ledger.model(sha256)
        if self._keys is None or data is None:
            return Delivered(data, "")
        return check(sha256, data, self.ledger.signatures(sha256), self._keys)

    def _note_signer(self, life: Life, signer: str) -> None:
        if signer:
            _persistently(lambda: self.ledger.note(life, signer=signer))

    def _tell_newer(self, job_id: str) -> None:
        log.warning("%s was made by a newer version of Nightshift, and is left to newer workers", job_id)


def trusted_keys(settings: Settings) -> Keys | None:
    """The keys of NIGHTSHIFT_MODEL_KEYS; None if every model is taken. Raises SettingsError."""
    try:
        return trusted(settings.model_keys) if settings.model_keys else None
    except GraphError as error:
        raise SettingsError(f"NIGHTSHIFT_MODEL_KEYS: {error}") from None


def _persistently(write: Callable[[], Told]) -> Told:
    """A server that comes back soon gets the result after all; otherwise the batch is scored again."""
    deadline = time.monotonic() + WRITE_SECONDS
    while True:
        try:
            return write()
        except AWAY:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
