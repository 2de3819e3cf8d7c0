"""How a job ends, and what is left of it: its state, the wake-up of whoever follows it, and the keys that are freed."""

import dataclasses

import pytest

from formats.rejects import Reject
from jobs import keys
from jobs.ledger import Ledger
from jobs.record import Job
from tests.support.books import book, everything, milliseconds, of
from tests.support.steps import CURSOR, JOB, complete, enqueue, lease

OTHER = dataclasses.replace(JOB, again="1")


@pytest.fixture(params=["00112233aabbccdd", ""], ids=["second format", "first format"])
def job(request: pytest.FixtureRequest, ledger: Ledger) -> Job:
    """Its batches: done, leased, queued. There is another job of the same format."""
    one, other = (dataclasses.replace(each, incarnation=request.param) for each in (JOB, OTHER))
    for each in (other, one):
        ledger.submit(each, CURSOR)
    for batch in range(3):
        enqueue(ledger, one.life, batch)
    lease(ledger, one.life, 0)
    complete(ledger, one.life, 0)
    lease(ledger, one.life, 1)
    return one


def test_a_job_that_ends_frees_what_its_workers_would_need_and_keeps_what_it_has(ledger: Ledger, job: Job) -> None:
    """A payload that stays fills the server; a job that stays among the running is swept for ever; a follower that is
    not woken waits for nothing."""
    life, prefix = job.life, keys.job(job.id)
    expected = everything(ledger)
    before = milliseconds(ledger)
    assert ledger.cancel(life, "no\nmore")
    finished = book(ledger, life)["finished"]
    assert before <= int(finished) <= milliseconds(ledger)
    ends = {b"state": b"cancelled", b"error": b"no more", b"finished": finished.encode()}
    expected[prefix] |= ends
    for suffix in ("queued", "leased", "owner", "attempts", "done"):
        del expected[f"{prefix}:{suffix}"]
    for batch in (1, 2):
        del expected[keys.payload(life, batch)]
    expected[keys.generation(life).active].remove(life.name.encode())
    expected[f"{prefix}:events"].append(b"cancelled")
    assert everything(ledger) == expected
    assert not ledger.fail(life, "again")
    assert everything(ledger) == expected, "a job ends once"


def test_a_stopped_job_ends_as_a_cancelled_one_does_and_has_its_first_rejects(ledger: Ledger, job: Job) -> None:
    """In one step: a follower that sees the end shows them, and there is no second look at what is freed by then."""
    life, prefix = job.life, keys.job(job.id)
    expected = everything(ledger)
    rejects = [
        Reject(3, 4, "bad_value", "'\x1b' is \u2019none\u2019", b"raw"),
        Reject(5, 0, "model_error", "x" * 501, b""),
    ]
    assert ledger.stop(life, "too\nmany", rejects)
    progress = ledger.progress(job.id)
    assert (progress.state, progress.error) == ("stopped", "too many")
    assert progress.first_rejects == (
        Reject(3, 4, "bad_value", "'\x1b' is \u2019none\u2019", b""),
        Reject(5, 0, "model_error", "x" * 500, b""),
    )
    ends = everything(ledger)
    for suffix in ("queued", "leased", "owner", "attempts", "done"):
        del expected[f"{prefix}:{suffix}"]
    for batch in (1, 2):
        del expected[keys.payload(life, batch)]
    expected[keys.generation(life).active].remove(life.name.encode())
    expected[f"{prefix}:events"].append(b"stopped")
    expected[prefix] = ends[prefix]
    assert ends == expected
    assert not ledger.cancel(life, "again")
    assert not ledger.stop(life, "again", [])
    assert not complete(ledger, life, 1)
    assert everything(ledger) == expected, "a job ends once"


def test_the_last_result_completes_a_job_and_says_so(ledger: Ledger, job: Job) -> None:
    """Its follower would wait for ever."""
    assert not ledger.seal(job.life, 2), "another producer enqueued more"
    assert book(ledger, job.life)["sealed"] == "0"
    assert ledger.seal(job.life, 3)
    assert (book(ledger, job.life)["sealed"], book(ledger, job.life)["state"]) == ("1", "running")
    for batch in (1, 2):
        assert complete(ledger, job.life, batch)
    assert book(ledger, job.life)["state"] == "complete"
    assert "error" not in book(ledger, job.life)
    assert of(ledger, job.life, "events") == [b"0", b"1", b"2", b"complete"]
    assert of(ledger, job.life, "done") is None
    assert ledger.seal(job.life, 7), "it has ended: there is nothing to seal"


def test_a_job_that_is_not_read_to_its_end_is_not_complete(ledger: Ledger, job: Job) -> None:
    """Its workers were faster than its producer: the file would be cut."""
    for batch in (1, 2):
        complete(ledger, job.life, batch)
    assert book(ledger, job.life)["state"] == "running"


def test_two_totals_that_disagree_are_both_in_the_error(ledger: Ledger) -> None:
    """A job of the first format has no proof a batch: its totals are all that shows a lost record."""
    old = dataclasses.replace(JOB, incarnation="", format=1)
    ledger.submit(old, CURSOR)
    enqueue(ledger, old.life, 0, 10, ["long"])
    ledger.seal(old.life, 1)
    complete(ledger, old.life, 0, b"result", 5, ["bad", "bad"])
    assert book(ledger, old.life)["state"] == "failed"
    error = "the counts disagree: the producer sent 9 records, the workers answered for 7"
    assert book(ledger, old.life)["error"] == error


def test_a_job_with_rejects_on_both_sides_is_complete(ledger: Ledger) -> None:
    """In the first format too."""
    old = dataclasses.replace(JOB, incarnation="", format=1)
    ledger.submit(old, CURSOR)
    enqueue(ledger, old.life, 0, 10, ["long"])
    ledger.seal(old.life, 1)
    complete(ledger, old.life, 0, b"result", 7, ["bad", "bad"])
    assert book(ledger, old.life)["state"] == "complete"


def test_forgetting_a_job_frees_each_of_its_keys_and_none_of_anothers(ledger: Ledger, job: Job) -> None:
    """A key that stays is never freed; another job's that goes is lost."""
    life, prefix = job.life, keys.job(job.id)
    expected = {key: value for key, value in everything(ledger).items() if not key.startswith(prefix)}
    names = keys.generation(life)
    ledger.follow(job.life, 30)
    ledger.hold(keys.producer(life), "one", 30)
    ledger.hold(keys.collector(life), "one", 30)
    ledger.redis.hset(f"{prefix}:written", "header", "x")
    ledger.cancel(life, "enough")
    for batch in range(3):  # as a server has them that was stopped in between
        ledger.redis.mset({key(life, batch): b"x" for key in (keys.payload, keys.kept, keys.result)})
    for suffix in ("queued", "leased", "owner", "attempts", "done"):
        ledger.redis.hset(f"{prefix}:{suffix}", "x", "x")
    ledger.redis.sadd(names.active, life.name)
    assert ledger.removal.erase(life), "who asks for it by name need not wait for followers"
    del expected[names.jobs][job.id.encode()]
    expected[names.active].remove(life.name.encode())
    assert everything(ledger) == expected


def test_an_older_life_does_not_erase_what_ended_later(ledger: Ledger, job: Job) -> None:
    """Whoever forgets an old job would free the new one's results."""
    ledger.cancel(job.life, "enough")
    before = everything(ledger)
    assert not ledger.removal.erase(job.life._replace(incarnation="ff" * 8))
    assert everything(ledger) == before


def test_a_running_job_is_not_erased_whenever_it_ended(ledger: Ledger, job: Job) -> None:
    """Its workers would score for nobody."""
    ledger.redis.hset(keys.job(job.id), "finished", 1)
    before = everything(ledger)
    assert not ledger.removal.erase(job.life)
    assert everything(ledger) == before


def test_a_job_expires_at_its_age_and_not_before(ledger: Ledger, job: Job) -> None:
    """Results that nobody has collected yet would go a night too early."""
    ledger.cancel(job.life, "enough")
    now = milliseconds(ledger)
    ledger.redis.hset(keys.job(job.id), "finished", now - 99_950_000)
    assert not ledger.removal.erase(job.life, 100_000)
    ledger.redis.hset(keys.job(job.id), "finished", now - 100_050_000)
    ledger.follow(job.life, 30)
    assert not ledger.removal.erase(job.life, 100_000)
    assert not ledger.removal.erase(job.life, 1), "any age is one"
    ledger.redis.delete(f"{keys.job(job.id)}:followed")
    assert ledger.removal.erase(job.life, 100_000)


def test_who_follows_a_job_mends_what_a_disk_lost_of_its_end(ledger: Ledger) -> None:
    """Else nobody would ever end it, and its followers would wait for good."""
    assert ledger.submit(JOB, CURSOR) == "running"
    enqueue(ledger, JOB.life, 0)
    assert ledger.seal(JOB.life, 1)
    complete(ledger, JOB.life, 0)
    ledger.redis.hset(keys.job(JOB.id), "state", "running")
    assert ledger.follow(JOB.life, 30)
    assert book(ledger, JOB.life)["state"] == "complete"
    assert ledger.active() == []


def test_who_follows_a_running_job_has_it_looked_after_again(ledger: Ledger) -> None:
    ledger.submit(JOB, CURSOR)
    ledger.redis.delete("nightshift:2:active")
    assert ledger.active() == []
    assert ledger.follow(JOB.life, 30)
    assert ledger.active() == [JOB.life]
    ledger.cancel(JOB.life, "enough")
    assert ledger.follow(JOB.life, 30)
    assert ledger.active() == []
    assert not ledger.follow(JOB.life._replace(incarnation="another"), 30)
