"""The timelines, read once and added up."""

import time

import pytest

from jobs.ledger import Ledger
from jobs.timeline import Work
from producer.metrics import batches as reading
from producer.metrics.batches import Batches
from tests.support.steps import JOB, complete, enqueue


def finish(ledger: Ledger, first: int, number: int, seconds: float = 0.3) -> None:
    """Enqueues and completes batches of 10 records."""
    for batch in range(first, first + number):
        enqueue(ledger, JOB.life, batch)
        complete(ledger, JOB.life, batch, b"r", 9, ["model_error"], Work("host:1", {"score": seconds}))


def test_a_timeline_is_read_once_and_what_a_forgotten_job_took_stays(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.submit(JOB, {"offset": 0, "record": 1, "line": 1, "skip": 0})
    job = (JOB.id, ledger.progress(JOB.id).created)
    batches = Batches(ledger)
    finish(ledger, 0, 5)
    batches.update([job], time.time())
    finish(ledger, 5, 2, seconds=0.5)  # a bucket's bound
    for _ in range(2):
        batches.update([job], time.time())
        assert batches.stages["score"].buckets()[-1] == ("+Inf", 7)
    assert dict(batches.stages["score"].buckets())["0.5"] == 7
    assert dict(batches.stages["score"].buckets())["0.25"] == 0
    assert batches.stages["score"].total == pytest.approx(2.5)
    # It fails and begins anew, under the same id: another timeline.
    ledger.fail(JOB.life, "why")
    ledger.removal.erase(JOB.life)
    time.sleep(0.01)
    ledger.submit(JOB, {"offset": 0, "record": 1, "line": 1, "skip": 0})
    finish(ledger, 0, 1)
    batches.update([(JOB.id, ledger.progress(JOB.id).created)], time.time())
    assert batches.stages["score"].buckets()[-1] == ("+Inf", 8)
    batches.update([], time.time())
    assert batches.stages["score"].buckets()[-1] == ("+Inf", 8)


def test_a_scrape_reads_a_bounded_part_and_the_next_one_goes_on(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "READ", 2)
    monkeypatch.setattr(reading, "MOST", 5)
    ledger.submit(JOB, {"offset": 0, "record": 1, "line": 1, "skip": 0})
    finish(ledger, 0, 8)
    job = (JOB.id, ledger.progress(JOB.id).created)
    batches, seen = Batches(ledger), []
    for _ in range(3):
        batches.update([job], time.time())
        seen.append(batches.stages["score"].buckets()[-1][1])
    assert seen == [5, 8, 8]


def test_the_rate_is_that_of_the_last_five_minutes(ledger: Ledger) -> None:
    ledger.submit(JOB, {"offset": 0, "record": 1, "line": 1, "skip": 0})
    finish(ledger, 0, 6)
    job, now = (JOB.id, ledger.progress(JOB.id).created), time.time()
    batches = Batches(ledger)
    batches.update([job], now)
    assert batches.rate(job, now - 20, now) == pytest.approx(60 / 20)
    assert batches.rate(job, now - 3000, now) == pytest.approx(60 / 300)
    assert batches.rate(job, None, now) == 0
    batches.update([job], now + 301)
    assert batches.rate(job, now - 20, now + 301) == 0
