"""A job that begins again has another life: what was written for the older one is refused, whoever comes with it. And
what the producer sent, a worker scored and the collector reads must be the same bytes."""

import dataclasses

import pytest

from graphs.feeds import Constant, Feed
from jobs import keys
from jobs.errors import DamagedError, JobError, LostError, NewerFormatError
from jobs.ledger import Ledger
from jobs.record import ADDED, FORMAT, PLAIN, READING, REFERENCE, WORDS, Job, Life
from tests.support.books import dump
from tests.support.steps import CURSOR, JOB, complete, enqueue, lease

AGAIN = dataclasses.replace(JOB, incarnation="ffeeddccbbaa9988")


@pytest.fixture
def older(ledger: Ledger) -> Life:
    """A life that was cancelled, erased, and followed by another, which has a batch that somebody has leased."""
    ledger.submit(JOB, CURSOR)
    enqueue(ledger, JOB.life, 0)
    lease(ledger, JOB.life, 0)
    ledger.cancel(JOB.life, "enough")
    assert ledger.removal.erase(JOB.life)
    assert ledger.submit(AGAIN, CURSOR) == "running"
    enqueue(ledger, AGAIN.life, 0)
    lease(ledger, AGAIN.life, 0)
    return JOB.life


def test_both_lives_have_one_id(ledger: Ledger, older: Life) -> None:
    assert (older.id, ledger.job(older.id).incarnation) == (AGAIN.id, AGAIN.incarnation)


def test_what_comes_from_an_older_life_changes_nothing(ledger: Ledger, older: Life) -> None:
    """A stalled producer, a worker that comes back, a collector that wakes up late."""
    before = dump(ledger)
    assert enqueue(ledger, older, 1) == -1
    assert lease(ledger, older, 0) == "gone"
    assert not ledger.renew(older, 0, "me", 30)
    assert not ledger.release(older, 0, "me", "it died")
    assert not complete(ledger, older, 0)
    assert ledger.seal(older, 1)
    assert not ledger.fail(older, "no")
    assert ledger.overdue(older, 0) == {}
    assert ledger.send_again(older, [0]) == 0
    assert not ledger.answers.collected(older, "token", range(1), {"output": "/elsewhere"}, {})
    assert not ledger.answers.retried(older, {}, {}, {}, {})
    assert not ledger.note(older, deadline=1.0)
    assert ledger.row_class(older, "exact") == ""
    assert not ledger.removal.erase(older)
    assert dump(ledger) == before


def test_a_stalled_producer_that_cut_the_file_otherwise_never_makes_a_complete_job(ledger: Ledger, older: Life) -> None:
    assert enqueue(ledger, older, 1, records=7) == -1
    assert enqueue(ledger, AGAIN.life, 1, records=7, first=11) == 2
    assert enqueue(ledger, AGAIN.life, 2, first=20) == -1, "record 18 would be missing"
    assert ledger.progress(AGAIN.id).state == "failed"
    assert "batch 2 begins with record 20, and 17 were read before" in str(ledger.progress(AGAIN.id).error)


@pytest.mark.parametrize(("payload", "records"), [(b"other bytes", 10), (b"payload", 9)])
def test_a_worker_that_scored_something_else_fails_the_job(ledger: Ledger, payload: bytes, records: int) -> None:
    ledger.submit(JOB, CURSOR)
    enqueue(ledger, JOB.life, 0)
    assert not complete(ledger, JOB.life, 0, payload=payload, records=records)
    assert "is not what the producer sent" in str(ledger.progress(JOB.id).error)


@pytest.mark.parametrize("key", [keys.kept(JOB.life, 0), keys.result(JOB.life, 0)])
def test_what_is_not_as_it_was_written_is_never_collected(ledger: Ledger, key: str) -> None:
    ledger.submit(JOB, CURSOR)
    enqueue(ledger, JOB.life, 0)
    complete(ledger, JOB.life, 0)
    assert ledger.answers.results(JOB.life, 0, 8) == [(b"kept", b"result")]
    ledger.redis.set(key, b"other")
    with pytest.raises(LostError, match="not on the server as it was written"):
        ledger.answers.results(JOB.life, 0, 8)


FEED = Feed("text", ("text",), "string", (-1,))


def test_a_job_is_of_the_oldest_format_whose_workers_score_it_rightly() -> None:
    """Or, in the middle of an upgrade, the older workers would have nothing to do, or would score it otherwise."""
    plain = dataclasses.replace(JOB, format=0, feeds=(FEED,))
    worded = dataclasses.replace(plain, format=0, constants=(Constant("keep_prob", "float32", "1"),))
    strict = dataclasses.replace(plain, format=0, feeds=(dataclasses.replace(FEED, strict=True),))
    null = dataclasses.replace(plain, format=0, feeds=(dataclasses.replace(FEED, null=("NULL",)),))
    assert [job.format for job in (plain, worded, strict, null)] == [PLAIN, WORDS, READING, READING]
    assert len({job.id for job in (plain, worded, strict, null)}) == 4
    referred = [dataclasses.replace(job, format=0, by_reference="spool") for job in (plain, worded, strict, null)]
    assert [job.format for job in referred] == [REFERENCE, REFERENCE, READING, READING]
    # By which way it goes changes no byte of its output.
    assert [job.id for job in referred] == [job.id for job in (plain, worded, strict, null)]


def test_a_job_of_todays_format_is_given_to_workers(ledger: Ledger) -> None:
    """One that an older version can't score is of the newest format that this one knows, and no newer one."""
    job = dataclasses.replace(JOB, format=0, threshold=0.5, by_reference="spool")
    assert job.format == FORMAT == ADDED
    errors = dataclasses.replace(JOB, format=0, errors=True)
    assert (errors.format, errors.id == JOB.id) == (READING, False)
    for each in (job, errors):
        assert ledger.submit(each, CURSOR) == "running"
        enqueue(ledger, each.life, 0)
        assert lease(ledger, each.life, 0) == "leased"


def test_a_threshold_makes_another_job_and_its_lack_none() -> None:
    """Those that were enqueued before there was such a thing are attached to by their id."""
    assert "threshold" not in JOB.encode()
    judged = [dataclasses.replace(JOB, format=0, threshold=each) for each in (0.0, 0.5, 0.9)]
    assert len({JOB.id, *(job.id for job in judged)}) == 4
    assert [Job.decode(job.encode()) for job in judged] == judged
    assert [job.output_names[-1] for job in (JOB, *judged)] == [JOB.fetches[-1].name, *["verdict"] * 3]


def test_what_is_explained_makes_another_job_and_its_lack_none() -> None:
    assert "explain" not in JOB.encode()
    found = [dataclasses.replace(JOB, format=0, explain=n, explain_from=f) for n, f in ((3, 0.5), (2, 0.5), (3, 0.0))]
    assert len({JOB.id, *(job.id for job in found)}) == 4
    assert [Job.decode(job.encode()) for job in found] == found
    assert {job.format for job in found} == {ADDED}
    both = dataclasses.replace(found[0], threshold=0.5)
    assert both.output_names[-2:] == ("verdict", "reasons")
    for odd in ("21", "-1", '"3"', "3.0", "true"):
        with pytest.raises(DamagedError):
            Job.decode(found[0].encode().replace('"explain": 3', f'"explain": {odd}'))


@pytest.mark.parametrize("threshold", ["NaN", "Infinity", '"0.5"', "1", "true", "[0.5]"])
def test_a_threshold_that_is_no_finite_float_is_damage(threshold: str) -> None:
    text = dataclasses.replace(JOB, format=0, threshold=0.5).encode()
    assert '"threshold": 0.5' in text
    with pytest.raises(DamagedError):
        Job.decode(text.replace('"threshold": 0.5', f'"threshold": {threshold}'))


def test_a_job_of_a_newer_format_is_left_alone_without_spending_attempts(ledger: Ledger) -> None:
    ledger.submit(JOB, CURSOR)
    enqueue(ledger, JOB.life, 0)
    ledger.redis.hset(keys.job(JOB.id), "format", FORMAT + 1)
    ledger.redis.hset(keys.job(JOB.id), "record", JOB.encode().replace('"format": 2', f'"format": {FORMAT + 1}'))
    before = dump(ledger)
    assert lease(ledger, JOB.life, 0) == "newer"
    assert not ledger.fail(JOB.life, "no")
    assert ledger.overdue(JOB.life, 0) == {}
    assert dump(ledger) == before
    with pytest.raises(NewerFormatError, match="a newer version of Nightshift wrote"):
        ledger.job(JOB.id)


def test_a_record_of_format_1_keeps_its_id_and_a_field_that_is_not_known_does_no_harm() -> None:
    old = dataclasses.replace(JOB, format=1, incarnation="")
    text = old.encode().replace('"format": 1, ', "").replace('"incarnation": "", ', '"later": 1, ')
    assert Job.decode(text).id == old.id != JOB.id


def test_a_cursor_that_a_disk_altered_is_not_read_from(ledger: Ledger) -> None:
    ledger.submit(JOB, CURSOR)
    enqueue(ledger, JOB.life, 0)
    cursor = ledger.redis.hget(keys.job(JOB.id), "cursor")
    assert isinstance(cursor, bytes)
    ledger.redis.hset(keys.job(JOB.id), "cursor", cursor.replace(b'"offset":10', b'"offset":11'))
    with pytest.raises(JobError, match="damaged"):
        ledger.progress(JOB.id)
