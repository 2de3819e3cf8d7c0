"""What the collector puts down of its files, and the lock that makes it the only one."""

import dataclasses

import pytest

from jobs import keys
from jobs.digest import Part
from jobs.ledger import Ledger
from jobs.proof import Written
from jobs.record import Job
from tests.support.books import book, everything
from tests.support.steps import CURSOR, JOB, complete, enqueue


def lines(number: int) -> Written:
    return Written(Part(number, "ab" * 16), Part(number + 1, "cd" * 16), number)


@pytest.fixture(params=["00112233aabbccdd", ""], ids=["second format", "first format"])
def scored(request: pytest.FixtureRequest, ledger: Ledger) -> Job:
    """Five batches, all done; the collector has its lock."""
    job = dataclasses.replace(JOB, incarnation=request.param)
    ledger.submit(job, CURSOR)
    for batch in range(5):
        enqueue(ledger, job.life, batch, 10, ["long"])
        complete(ledger, job.life, batch, b"result", 8, ["bad"])
    assert ledger.hold(keys.collector(job.life), "one", 30)
    return job


def test_what_is_collected_is_freed_and_nothing_beyond_it(ledger: Ledger, scored: Job) -> None:
    """A result freed too early is a hole in the file; one never freed fills the server. A resumed collector
    goes by what a batch's lines are."""
    life = scored.life
    expected = everything(ledger)
    for batches, fields in (
        (range(2), {"output": "/a", "rejects": "/b", "scores_bytes": 7}),
        (range(2, 3), {"output": "/c"}),
    ):
        written = {batch: lines(batch) for batch in batches} | ({"header": lines(9)} if batches.start == 0 else {})
        assert ledger.answers.collected(life, "one", batches, fields, written)
        for batch in batches:
            del expected[keys.kept(life, batch)], expected[keys.result(life, batch)]
        noted = {"collected": batches.stop, **fields}
        expected[keys.job(life.id)] |= {name.encode(): str(value).encode() for name, value in noted.items()}
        proofs = {str(name).encode(): value.encode().encode() for name, value in written.items()}
        expected[f"{keys.job(life.id)}:written"] = expected.get(f"{keys.job(life.id)}:written", {}) | proofs
        assert everything(ledger) == expected


def test_who_lost_the_collectors_lock_notes_nothing(ledger: Ledger, scored: Job) -> None:
    """Two collectors would write one file."""
    before = everything(ledger)
    assert not ledger.answers.collected(scored.life, "two", range(2), {"output": "/a"}, {0: lines(0)})
    assert everything(ledger) == before


def test_rejects_that_were_scored_after_all_move_from_one_count_to_the_other(ledger: Ledger, scored: Job) -> None:
    """The receipt after `retry`: its counts, its codes, and which lines the files have now."""
    life = scored.life
    assert ledger.seal(life, 5)
    ledger.answers.collected(life, "one", range(5), {"output": "/a"}, {batch: lines(batch) for batch in range(5)})
    expected = everything(ledger)
    fields = {"output": "/z", "retries": 7}  # no batch has that number
    assert ledger.answers.retried(life, {"long": 3}, {"bad": 1, "worse": 1}, fields, {1: lines(11), 3: lines(13)})
    books = expected[keys.job(life.id)]
    books |= {b"scored": b"45", b"read_rejects": b"3", b"score_rejects": b"2", b"output": b"/z", b"retries": b"7"}
    books |= {b"code:long": b"3", b"code:bad": b"1", b"code:worse": b"1"}
    expected[f"{keys.job(life.id)}:written"] |= {b"1": lines(11).encode().encode(), b"3": lines(13).encode().encode()}
    assert everything(ledger) == expected
    assert ledger.answers.retried(life, {}, {}, {}, {})
    assert ledger.progress(life.id).codes == {}, "a code that nobody has any more is not in the receipt"


def test_a_retry_of_a_job_that_is_not_complete_changes_nothing(ledger: Ledger, scored: Job) -> None:
    """Its workers still count."""
    before = everything(ledger)
    assert not ledger.answers.retried(scored.life, {"long": 3}, {}, {"output": "/z"}, {1: lines(11)})
    assert everything(ledger) == before


def test_a_retry_whose_counts_are_not_the_records_is_refused(ledger: Ledger, scored: Job) -> None:
    """The receipt would say that a record is neither scored nor rejected."""
    ledger.seal(scored.life, 5)
    before = everything(ledger)
    run = ledger.answers._scripts.run
    assert run("retried", scored.life, 45, 3, 1, 0, 0) == 0
    assert everything(ledger) == before
    assert run("retried", scored.life, 45, 3, 2, 0, 0) == 1


def test_what_is_noted_is_noted_for_this_job_alone(ledger: Ledger, scored: Job) -> None:
    """A deadline that is lost is never told of."""
    expected = everything(ledger)
    assert ledger.note(scored.life, deadline=5, told="yes")
    expected[keys.job(scored.id)] |= {b"deadline": b"5", b"told": b"yes"}
    assert everything(ledger) == expected


def test_the_first_finding_about_rows_is_every_workers(ledger: Ledger, scored: Job) -> None:
    """Two workers that treat rows otherwise would make the file depend on who scored what."""
    assert ledger.row_class(scored.life, "exact") == "exact"
    assert ledger.row_class(scored.life, "loose") == "exact"
    assert book(ledger, scored.life)["row_class"] == "exact"
    ledger.cancel(scored.life, "enough")
    assert ledger.row_class(scored.life, "loose") == ""


def test_a_lock_is_its_holders_to_keep_and_runs_out(ledger: Ledger) -> None:
    """A lock that never runs out stops every later collector; one that its holder can't keep stops this one."""
    assert ledger.hold("lock", "one", 5)
    assert 4000 < ledger.redis.pttl("lock") <= 5000
    assert ledger.hold("lock", "one", 60)
    assert 59000 < ledger.redis.pttl("lock") <= 60000
    assert not ledger.hold("lock", "two", 90)
    assert ledger.redis.get("lock") == b"one"
    assert ledger.redis.pttl("lock") <= 60000


def test_a_lock_can_be_kept_on_a_server_out_of_memory(ledger: Ledger) -> None:
    """Whoever collects makes room: without its lock, the server would stay full."""
    assert ledger.hold("lock", "one", 5)
    ledger.redis.config_set("maxmemory", 1)
    try:
        assert ledger.hold("lock", "one", 60)
    finally:
        ledger.redis.config_set("maxmemory", 0)
    assert ledger.redis.pttl("lock") > 5000
