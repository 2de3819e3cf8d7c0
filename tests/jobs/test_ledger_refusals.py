"""What the ledger turns away without harm to the job: who comes with a batch that it does not know, and a collector
that missed what another one did."""

import dataclasses

import pytest

from jobs import keys
from jobs.ledger import Ledger
from jobs.record import Job, Life
from tests.support.books import dump
from tests.support.steps import CURSOR, JOB, complete, enqueue, lease

FIRST_FORMAT = dataclasses.replace(JOB, format=1, incarnation="")


@pytest.fixture(params=[JOB, FIRST_FORMAT], ids=["format 2", "format 1"])
def job(ledger: Ledger, request: pytest.FixtureRequest) -> Life:
    job: Job = request.param
    assert ledger.submit(job, CURSOR) == "running"
    if job.format == 1:  # the version that wrote it had no such fields
        assert ledger.redis.hdel(keys.job(job.id), "incarnation", "format") == 2
    return job.life


def test_a_batch_that_the_ledger_does_not_know_is_gone_and_the_job_goes_on(ledger: Ledger, job: Life) -> None:
    """A server that took over had not heard of batch 1, whose message a worker had taken already."""
    enqueue(ledger, job, 0)
    before = dump(ledger)
    assert lease(ledger, job, 1) == "gone"
    assert not complete(ledger, job, 1)
    assert dump(ledger) == before
    enqueue(ledger, job, 1)
    assert complete(ledger, job, 1), "the same bytes, entered again"
    assert complete(ledger, job, 0)
    assert ledger.seal(job, 2)
    assert ledger.progress(job.id).state == "complete"


def test_a_job_whose_number_of_batches_a_disk_lost_has_none(ledger: Ledger, job: Life) -> None:
    enqueue(ledger, job, 0)
    ledger.redis.hdel(keys.job(job.id), "batches")
    assert lease(ledger, job, 0) == "gone"
    assert not complete(ledger, job, 0)


@pytest.fixture
def collected(ledger: Ledger, job: Life) -> Life:
    """Three batches are done; the collector `one` noted the first, stalled, and `two` noted the second. Then `one` got
    the lock back."""
    for batch in range(3):
        enqueue(ledger, job, batch)
        complete(ledger, job, batch)
    lock = keys.collector(job)
    assert ledger.hold(lock, "one", 30)
    assert ledger.answers.collected(job, "one", range(1), {"output": "/x"}, {})
    ledger.let_go(lock, "one")
    assert ledger.hold(lock, "two", 30)
    assert ledger.answers.collected(job, "two", range(1, 2), {"output": "/y"}, {})
    ledger.let_go(lock, "two")
    assert ledger.hold(lock, "one", 30)
    return job


@pytest.mark.parametrize("batches", [range(1), range(3), range(1, 1), range(1, 2), range(1, 3), range(3, 3)])
def test_a_collector_that_missed_another_ones_work_notes_nothing(
    ledger: Ledger, collected: Life, batches: range
) -> None:
    before = dump(ledger)
    assert not ledger.answers.collected(collected, "one", batches, {"output": "/x"}, {})
    assert dump(ledger) == before


def test_a_collector_whose_answer_was_lost_is_told_again(ledger: Ledger, collected: Life) -> None:
    for _ in range(2):
        assert ledger.answers.collected(collected, "one", range(2, 3), {"output": "/x"}, {})
    assert ledger.progress(collected.id).collected == 3
