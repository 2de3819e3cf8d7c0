"""Follows a job: enqueues what is to be enqueued, collects what is complete, sends again what was lost. One thread."""

import contextlib
import time
from collections.abc import Callable

import redis

from jobs import keys
from jobs.errors import JobError, LostError, MissingError, StoppedError
from jobs.places import SPOOL
from jobs.progress import IN_VAIN, Progress
from jobs.record import Job
from producer.outlook.deadline import DeadlineWatch
from producer.pipeline.budget import Budget
from producer.pipeline.collect import Collector
from producer.pipeline.enqueue import Enqueuer
from producer.pipeline.reporter import Reporter
from producer.server.connection import Connection
from producer.server.outages import WAIT_SECONDS, wait_for_server

PACE_SECONDS = 0.02  # between the beginnings of two rounds: each looks after all that came meanwhile
LONGER = 0.02  # of the time so far, so that many workers and one follower cost the server less as a job goes on,
LONGEST_SECONDS = 0.2  # in which a hundred processes score a quarter of what is referred to at once
FOLLOW_SECONDS = 15.0  # a job does not expire for so long after its follower was last seen
LEFT_SECONDS = 60.0  # between two words on why batches are left to others: each process may have its own
LONELY_SECONDS = 5.0  # without a worker, before that is said


def follow(
    connection: Connection,
    job: Job,
    report: Reporter,
    *,
    enqueuer: Enqueuer | None = None,
    collector: Collector | None = None,
    until_sealed: bool = False,
    late: Callable[[Progress, str], object] | None = None,
    budget: Budget | None = None,
) -> Progress:
    """Returns when the job has ended and its files are written, or, with `until_sealed`, when all is enqueued. Calls
    `late`, once, with a line that says so, as soon as the job can't meet its deadline.

    Waits for a server that is away, or full, for as long as it takes. Raises JobError if the job failed or was
    cancelled, StoppedError if it has more rejects than the `budget` of one of its followers allows.
    """
    follower = _Follower(connection, job, report, enqueuer, collector, until_sealed, late, budget)
    while True:
        progress = wait_for_server(follower.step, report.warn, connection.check)
        if progress:
            return progress


class _Follower:
    """One round at a time, each of which may fail anywhere and be done again."""

    def __init__(
        self,
        connection: Connection,
        job: Job,
        report: Reporter,
        enqueuer: Enqueuer | None,
        collector: Collector | None,
        until_sealed: bool,
        late: Callable[[Progress, str], object] | None,
        budget: Budget | None,
    ) -> None:
        self._connection, self._ledger, self._job, self._report = connection, connection.ledger, job, report
        self._enqueuer, self._collector, self._until_sealed = enqueuer, collector, until_sealed
        self._watch, self._late, self._budget = DeadlineWatch(job), late, budget
        self._event = b"0"
        self._left: str | None = None  # what was said of batches that are left to others,
        self._left_said = -LEFT_SECONDS  # and when
        self._processes = 0
        self._look_again = 0.0
        self._paced, self._began = 0.0, time.monotonic()
        self._lonely = time.monotonic() + LONELY_SECONDS

    def step(self) -> Progress | None:
        """The progress at the end, None before. Raises LostError if the server has lost the job."""
        try:
            return self._round()
        except MissingError:
            if self._ledger.removal.was_asked_for(self._job.life):
                raise
            raise LostError(f"the server does not know {self._job.id} any more") from None

    def _round(self) -> Progress | None:
        time.sleep(max(0.0, self._paced - time.monotonic()))
        self._paced = time.monotonic() + self._pace()
        if time.monotonic() >= self._look_again:
            self._look_around()
        progress = self._ledger.progress(self._job.id)
        if progress.incarnation != self._job.incarnation:
            if self._collector:
                self._collector.discard()
            raise JobError(f"{self._job.id} was begun again by another command; run this one again to follow it")
        self._report.update(progress)
        if progress.left and progress.left != self._left and time.monotonic() > self._left_said + LEFT_SECONDS:
            self._left, self._left_said = progress.left, time.monotonic()
            self._report.say(f"a batch is left to other workers: {progress.left}")
        if warning := self._watch.update(progress):
            self._report.say(warning)
            if self._late:
                self._late(progress, warning)
        if progress.state in IN_VAIN:
            if self._collector:
                self._collector.discard()
            text = f"{self._job.id} {progress.state}: {progress.error}"
            raise StoppedError(text, progress.first_rejects) if progress.state == "stopped" else JobError(text)
        if self._budget and self._budget.stop_if_exceeded(progress, self._collector):
            return None
        # Collecting comes first: it makes room on a server that is too full to enqueue.
        moved = self._collector.step(progress) if self._collector else False
        moved = (self._enqueuer.step(progress, self._processes) if self._enqueuer else False) or moved
        if self._until_sealed and progress.sealed:
            return progress
        if progress.state == "complete" and (self._collector is None or self._collector.finished):
            return self._ledger.progress(self._job.id)  # with what the collector noted last
        self._connection.resender.sweep_if_due()
        if not moved:
            self._event = self._ledger.wait(self._job.id, WAIT_SECONDS, self._event)
        return None

    def _pace(self) -> float:
        """Seconds until the next round. Where batches travel, those that wait are few, and have to be looked after; so
        is whoever waits for batches that there is room for."""
        patient = self._job.by_reference and not (self._enqueuer and self._enqueuer.is_behind)
        slower = LONGER * (time.monotonic() - self._began) if patient else 0.0
        return max(PACE_SECONDS, min(slower, LONGEST_SECONDS))

    def _look_around(self) -> None:
        """Once a second: who works, who reads, and a sign that somebody follows."""
        self._processes = self._ledger.presence.processes()
        with contextlib.suppress(redis.exceptions.OutOfMemoryError):
            self._ledger.follow(self._job.life, FOLLOW_SECONDS)
        if self._connection.embedded:
            self._connection.embedded.check_workers()
        elif self._processes == 0 and time.monotonic() > self._lonely:
            self._report.say("no worker is there yet; on any host with this REDIS_URL: celery -A worker worker")
            self._lonely = time.monotonic() + 60
        if self._job.by_reference not in ("", SPOOL) and self._processes and time.monotonic() > self._lonely:
            if not self._ledger.presence.reaching(self._job.by_reference):
                self._report.say(
                    f"no worker can read {self._job.input} itself: they need the producer's NIGHTSHIFT_DATA"
                )
            self._lonely = time.monotonic() + 60
        if self._enqueuer is None and not self._ledger.held(keys.producer(self._job.life)):
            progress = self._ledger.progress(self._job.id)
            if progress.state == "running" and not progress.sealed:
                raise JobError(
                    f"nobody reads {self._job.input} to its end: it is gone or has changed, or it is elsewhere"
                )
        self._look_again = time.monotonic() + 1.0
