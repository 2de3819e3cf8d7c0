"""Celery's messages come twice or never, and the hosts' clocks disagree: the ledger decides."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs import keys
from tests.faults.night import Night
from tests.faults.site import Site

Nights = Callable[..., Night]
QUEUE = keys.SECOND.queue


@pytest.fixture
def queued(night: Nights, monkeypatch: pytest.MonkeyPatch) -> Night:
    """A job all of whose messages are in the queue, and no worker yet."""
    monkeypatch.setenv("NIGHTSHIFT_WINDOW", "1000")
    tonight = night(milliseconds=10, workers=0)
    tonight.end(tonight.submit())
    assert tonight.site.server.redis.llen(QUEUE) == tonight.progress().batches
    return tonight


@pytest.mark.slow
def test_every_message_delivered_twice_is_scored_once(queued: Night) -> None:
    server, batches = queued.site.server.redis, queued.progress().batches
    messages: Any = server.lrange(QUEUE, 0, -1)
    server.delete(QUEUE)
    for message in messages:
        server.rpush(QUEUE, message, message)
    queued.site.staff(2)
    receipt = queued.check(queued.popen("collect", queued.job, "--output", queued.output, "--json"))
    assert receipt["redelivered"] > batches // 2
    assert receipt["attempts"] == batches


@pytest.mark.slow
def test_messages_deleted_from_the_queue_are_sent_again(queued: Night) -> None:
    batches = queued.progress().batches
    queued.site.server.redis.delete(QUEUE)
    queued.site.staff(2)
    receipt = queued.check(queued.popen("collect", queued.job, "--output", queued.output, "--json"))
    assert receipt["attempts"] >= batches
    assert queued.progress().resent >= batches


@pytest.mark.slow
def test_messages_deleted_while_the_job_runs_are_sent_again(night: Nights) -> None:
    tonight = night()
    run = tonight.enqueue()
    deleted = 0
    for done in (3, 15, 30):
        tonight.reach(done)
        deleted += bool(tonight.site.server.redis.delete(QUEUE))
    tonight.check(run)
    assert deleted
    assert tonight.progress().resent >= 1


SKEW = """
import os, time
right = time.time
time.time = lambda: right() + float(os.environ["SKEW"])
"""


@pytest.fixture
def no_workers(site: Site) -> Iterator[Site]:
    site.staff(0)
    yield site
    site.staff(0)


@pytest.mark.slow
def test_hosts_whose_clocks_are_a_minute_apart_agree_on_every_lease(
    night: Nights, no_workers: Site, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SKEW)
    tonight = night(milliseconds=200, staff=False)
    for skew in ("-60", "60"):
        no_workers.start_worker(f"clock{skew}", 2, PYTHONPATH=str(tmp_path), SKEW=skew)
    for worker in no_workers.workers:
        worker.ready()
    run = tonight.enqueue()
    receipt = tonight.check(run)
    assert receipt["attempts"] == receipt["batches"], "no lease ran out before its time"
    assert receipt["duplicates"] == 0
