"""Who has which batch, for how long, and how often it was given away: each answer with its whole effect."""

import json

import pytest

from jobs import keys
from jobs.ledger import Ledger
from jobs.record import FORMAT, Life
from tests.support.books import book, everything, milliseconds, of
from tests.support.steps import CURSOR, JOB, complete, enqueue, lease


@pytest.fixture
def job(ledger: Ledger) -> Life:
    """Two batches, and a row class."""
    ledger.submit(JOB, CURSOR)
    for batch in range(2):
        enqueue(ledger, JOB.life, batch)
    ledger.row_class(JOB.life, "exact")
    return JOB.life


def ask(ledger: Ledger, life: Life, batch: int, owner: str, seconds: float = 30, attempts: int = 5) -> tuple:
    """Verdict, attempt and row class."""
    return ledger.lease(life, batch, owner, seconds, attempts)[:3]


def until(ledger: Ledger, batch: int) -> float:
    """When the batch's lease runs out."""
    return ledger.redis.zscore(f"{keys.job(JOB.id)}:leased", batch)


def move(ledger: Ledger, name: str, batch: int, moment: int) -> None:
    """As if the batch had been leased, or sent, at another time."""
    ledger.redis.zadd(f"{keys.job(JOB.id)}:{name}", {batch: moment}, xx=True)


def test_a_lease_is_noted_with_its_owner_its_end_and_its_number(ledger: Ledger, job: Life) -> None:
    """A batch that stays queued is sent twice; an attempt that is not counted lets a killer run for ever."""
    before = milliseconds(ledger)
    assert ask(ledger, job, 1, "one", 20) == ("leased", 1, "exact")
    after = milliseconds(ledger)
    assert before + 20_000 <= until(ledger, 1) <= after + 20_000
    assert list(of(ledger, job, "queued")) == [b"0"]
    assert of(ledger, job, "owner") == {b"1": b"one"}
    assert of(ledger, job, "attempts") == {b"1": b"1"}
    fields = book(ledger, job)
    assert (fields["attempts"], fields["redelivered"]) == ("1", "0")
    assert before <= int(fields["started"]) <= after


def test_a_job_started_when_its_first_batch_was_leased(ledger: Ledger, job: Life) -> None:
    """The receipt's speed is measured from there."""
    lease(ledger, job, 0)
    ledger.redis.hset(keys.job(job.id), "started", 5)
    lease(ledger, job, 1)
    assert book(ledger, job)["started"] == "5"


def test_a_worker_whose_answer_was_lost_gets_its_batch_for_the_whole_time(ledger: Ledger, job: Life) -> None:
    """Else the lease would run out under its hands; and the row class must come with the second answer too."""
    ask(ledger, job, 0, "one", 5)
    expected = everything(ledger)
    before = milliseconds(ledger)
    assert ask(ledger, job, 0, "one", 60) == ("leased", 1, "exact")
    assert before + 60_000 <= until(ledger, 0) <= milliseconds(ledger) + 60_000
    move(ledger, "leased", 0, expected[f"{keys.job(job.id)}:leased"][b"0"])
    assert everything(ledger) == expected


def test_before_a_row_class_is_found_both_answers_have_none(ledger: Ledger) -> None:
    """A worker would take a constant for the job's class."""
    ledger.submit(JOB, CURSOR)
    enqueue(ledger, JOB.life, 0)
    for _ in range(2):
        assert ask(ledger, JOB.life, 0, "one") == ("leased", 1, "")


def test_a_busy_batch_and_a_done_one_are_counted_as_redelivered(ledger: Ledger, job: Life) -> None:
    """The receipt tells how often a message came in vain."""
    ask(ledger, job, 0, "one")
    expected = everything(ledger)
    assert ask(ledger, job, 0, "two") == ("busy", 0, "")
    expected[keys.job(job.id)][b"redelivered"] = b"1"
    assert everything(ledger) == expected
    complete(ledger, job, 0)
    expected = everything(ledger)
    assert ask(ledger, job, 0, "two") == ("done", 0, "")
    expected[keys.job(job.id)][b"redelivered"] = b"2"
    assert everything(ledger) == expected


def test_what_is_refused_comes_without_a_row_class_or_an_attempt(ledger: Ledger, job: Life) -> None:
    """A worker would go by what is said of another life or format."""
    assert ask(ledger, Life(job.id, "ff" * 8), 0, "one") == ("gone", 0, "")
    ledger.redis.hset(keys.job(job.id), "format", FORMAT + 1)
    assert ask(ledger, job, 0, "one") == ("newer", 0, "")
    ledger.redis.hdel(keys.job(job.id), "state")
    assert ask(ledger, job, 0, "one") == ("gone", 0, ""), "nothing is there"


def test_a_batch_given_away_too_often_is_left_as_it_is(ledger: Ledger, job: Life) -> None:
    """The operator reads how often; one attempt less or more is another promise."""
    for attempt in (1, 2):
        assert ask(ledger, job, 0, "one", attempts=2) == ("leased", attempt, "exact")
        ledger.release(job, 0, "one", "it died")
    before = everything(ledger)
    assert ask(ledger, job, 0, "one", attempts=2) == ("exhausted", 2, "")
    assert everything(ledger) == before


@pytest.mark.parametrize("leased", [True, False], ids=["leased", "queued"])
def test_a_batch_that_is_done_and_is_not_ends_the_job(ledger: Ledger, job: Life, leased: bool) -> None:
    """A disk that turned one bit would make the job wait for ever for a result that nobody writes."""
    if leased:
        lease(ledger, job, 0)
    ledger.redis.setbit(f"{keys.job(job.id)}:done", 0, 1)
    assert ask(ledger, job, 0, "two") == ("gone", 0, "")
    fields = book(ledger, job)
    assert (fields["state"], fields["redelivered"]) == ("failed", "0")
    assert fields["error"] == "the ledger is damaged: batch 0 is done and is not; enqueue the file again"


def test_a_lease_is_extended_by_its_owner_alone(ledger: Ledger, job: Life) -> None:
    """A slow batch would be taken from its worker, or kept by one that lost it."""
    ask(ledger, job, 0, "one", 5)
    before = milliseconds(ledger)
    assert ledger.renew(job, 0, "one", 60)
    assert before + 60_000 <= until(ledger, 0) <= milliseconds(ledger) + 60_000
    expected = everything(ledger)
    assert not ledger.renew(job, 0, "two", 90)
    assert not ledger.renew(job, 1, "one", 90)
    assert everything(ledger) == expected


def test_what_is_given_back_waits_to_be_sent_at_once_and_says_why(ledger: Ledger, job: Life) -> None:
    """A batch on no list is lost; one with an owner is refused to the next worker."""
    ask(ledger, job, 0, "one")
    ask(ledger, job, 1, "two")
    expected = everything(ledger)
    assert not ledger.release(job, 1, "one", "not mine")
    assert everything(ledger) == expected
    assert ledger.release(job, 0, "one", "it\ndied", attempts=0)
    prefix = keys.job(job.id)
    del expected[f"{prefix}:leased"][b"0"], expected[f"{prefix}:owner"][b"0"]
    expected[f"{prefix}:queued"] = {b"0": 0.0}
    expected[prefix][b"last_error"] = b"it died"
    assert everything(ledger) == expected
    assert not ledger.release(job, 0, "one", "again")


def test_what_is_left_to_others_waits_a_while_and_was_never_given_away(ledger: Ledger, job: Life) -> None:
    """A worker without the input's disk must not use up the attempts of those that have it."""
    ask(ledger, job, 0, "one")
    expected = everything(ledger)
    assert not ledger.leave(job, 0, "two", "not mine")
    assert everything(ledger) == expected
    before = milliseconds(ledger)
    assert ledger.leave(job, 0, "one", "no\nfile")
    prefix, found = keys.job(job.id), everything(ledger)
    assert before <= found[f"{prefix}:queued"].pop(b"0") <= milliseconds(ledger)
    assert found[f"{prefix}:attempts"] == {b"0": b"0"}
    assert (found[prefix][b"attempts"], found[prefix][b"left"]) == (b"0", b"no file")
    assert f"{prefix}:owner" not in found
    assert not ledger.leave(job, 0, "one", "again")
    ask(ledger, job, 0, "two")


@pytest.mark.parametrize(("least", "counted"), [(1, b"2"), (2, b"2"), (3, b"3")])
def test_a_batch_counts_as_given_away_so_often_at_least(ledger: Ledger, job: Life, least: int, counted: bytes) -> None:
    """Else a record that hangs its worker would take all of them in turn."""
    for _ in range(2):
        ask(ledger, job, 0, "one")
        ledger.release(job, 0, "one", "it hung")
    ask(ledger, job, 1, "one")
    ledger.redis.hset(f"{keys.job(job.id)}:owner", "0", "one")
    assert ledger.release(job, 0, "one", "it hung", attempts=least)
    assert of(ledger, job, "attempts") == {b"0": counted, b"1": b"1"}


def test_a_lease_that_ran_out_is_taken_back_whole(ledger: Ledger, job: Life) -> None:
    """A dead worker's batch must be sent again, and the receipt counts the loss."""
    ask(ledger, job, 0, "one")
    ask(ledger, job, 1, "two")
    expected = everything(ledger)
    move(ledger, "leased", 0, milliseconds(ledger) - 10)
    assert ledger.overdue(job, 60) == {0: False}
    prefix = keys.job(job.id)
    del expected[f"{prefix}:leased"][b"0"], expected[f"{prefix}:owner"][b"0"]
    expected[f"{prefix}:queued"] = {b"0": 0.0}
    expected[prefix][b"leases_lost"] = b"1"
    assert everything(ledger) == expected


def test_what_was_sent_within_the_patience_is_not_named(ledger: Ledger, job: Life) -> None:
    """A message that is looked for too early is sent twice; one that is not looked for is lost."""
    move(ledger, "queued", 0, milliseconds(ledger) - 100_000)
    assert ledger.overdue(job, 90) == {0: True}
    assert ledger.overdue(job, 110) == {}


def test_a_batch_on_no_list_ends_the_job(ledger: Ledger, job: Life) -> None:
    """Nobody would ever look for it: the job would wait for ever."""
    enqueue(ledger, job, 2)
    lease(ledger, job, 1)
    complete(ledger, job, 2)
    move(ledger, "queued", 0, 0)
    assert ledger.overdue(job, 1) == {0: False}
    ledger.redis.zrem(f"{keys.job(job.id)}:queued", 0)
    assert ledger.overdue(job, 1) == {}
    error = "the ledger is damaged: 3 batches, of which 1 are done and 1 are not; enqueue the file again"
    assert book(ledger, job)["error"] == error


def test_a_lost_message_is_sent_before_all_that_wait_and_only_if_it_is_wanted(ledger: Ledger, job: Life) -> None:
    """Whoever collects waits for the oldest batch; and a batch that somebody has needs no message."""
    for batch in range(2, 4):
        enqueue(ledger, job, batch)
    lease(ledger, job, 1)
    for batch in range(4):
        move(ledger, "queued", batch, 0)
    before = milliseconds(ledger)
    assert ledger.send_again(job, [0, 1, 2]) == 2
    after = milliseconds(ledger)
    queued = of(ledger, job, "queued")
    assert set(queued) == {b"0", b"2", b"3"}
    assert queued[b"3"] == 0
    assert all(before <= queued[batch] <= after for batch in (b"0", b"2"))
    assert book(ledger, job)["resent"] == "2"
    messages = ledger.redis.lrange(keys.SECOND.queue, 0, -1)
    ids = [json.loads(message)["headers"]["id"] for message in messages]
    assert ids == [f"{job.name}:{batch}" for batch in (3, 2, 1, 0, 0, 2)]
