"""Follows a job: enqueues what is to be enqueued, collects what is complete, sends again what was lost. One thread."""

import time

from jobs.errors import JobError
from jobs.ledger import Progress
from jobs.record import Job
from producer.collect import Collector
from producer.connection import Connection
from producer.enqueue import Enqueuer, producer_lock
from producer.progress import Reporter

WAIT_SECONDS = 0.25
FOLLOW_SECONDS = 15.0  # a job does not expire for so long after its follower was last seen
LONELY_SECONDS = 5.0  # without a worker, before that is said


def follow(
    connection: Connection,
    job: Job,
    report: Reporter,
    *,
    enqueuer: Enqueuer | None = None,
    collector: Collector | None = None,
    until_sealed: bool = False,
) -> Progress:
    """Returns when the job has ended and its files are written, or, with `until_sealed`, when all is enqueued.

    Raises JobError if the job failed or was cancelled.
    """
    ledger = connection.ledger
    event, processes, look_again, lonely = b"0", 0, 0.0, time.monotonic() + LONELY_SECONDS
    while True:
        if time.monotonic() >= look_again:
            processes, look_again = ledger.processes(), time.monotonic() + 1.0
            ledger.follow(job.id, FOLLOW_SECONDS)
            if connection.embedded:
                connection.embedded.check_workers()
            elif processes == 0 and time.monotonic() > lonely:
                report.say("no worker is there yet; on any host with this REDIS_URL: celery -A worker worker")
                lonely = time.monotonic() + 60
            if enqueuer is None and not ledger.held(producer_lock(job.id)):
                progress = ledger.progress(job.id)
                if progress.state == "running" and not progress.sealed:
                    raise JobError(
                        f"nobody reads {job.input} to its end: it is gone or has changed, or it is elsewhere"
                    )
        progress = ledger.progress(job.id)
        report.update(progress)
        if progress.state in ("failed", "cancelled"):
            if collector:
                collector.discard()
            raise JobError(f"{job.id} {progress.state}: {progress.error}")
        moved = enqueuer.step(progress, processes) if enqueuer else False
        moved = (collector.step(progress) if collector else False) or moved
        if until_sealed and progress.sealed:
            return progress
        if progress.state == "complete" and (collector is None or collector.finished):
            return progress
        connection.resender.sweep_if_due()
        if not moved:
            event = ledger.wait(job.id, WAIT_SECONDS, event)
