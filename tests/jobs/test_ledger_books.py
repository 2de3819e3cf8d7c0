"""The job's books, entry by entry: what the producer, the workers and the ledger itself put down for the receipt."""

import dataclasses
import json

import pytest

from jobs import digest, keys
from jobs.handover import Entry
from jobs.ledger import Ledger
from jobs.record import Job
from tests.support.books import book, everything, milliseconds, of
from tests.support.steps import CURSOR, JOB, WORK, complete, enqueue, lease

FIRST_FORMAT = dataclasses.replace(JOB, incarnation="", format=1)
NUMBERS = (
    "sealed", "batches", "done", "records", "read_rejects", "scored", "score_rejects", "attempts", "redelivered",
    "duplicates", "collected",
)  # fmt: skip


@pytest.fixture(params=[JOB, FIRST_FORMAT], ids=["second format", "first format"])
def opened(request: pytest.FixtureRequest, ledger: Ledger) -> Job:
    ledger.submit(request.param, CURSOR)
    return request.param


def test_a_new_job_begins_with_empty_books_at_the_servers_time(ledger: Ledger) -> None:
    """A counter that begins elsewhere is wrong in the receipt; a wrong time lets a job expire at once, or never."""
    for job in (JOB, FIRST_FORMAT):
        before = milliseconds(ledger)
        assert ledger.submit(job, CURSOR) == "running"
        after = milliseconds(ledger)
        fields = book(ledger, job.life)
        assert before <= int(fields.pop("created")) <= after
        check = {"check": digest.cursor(job.incarnation, 0, CURSOR)} if job.incarnation else {}
        assert json.loads(fields.pop("cursor")) == {**CURSOR, **check}
        assert fields == {
            "record": job.encode(), "state": "running", "incarnation": job.incarnation, "format": "2",
            **dict.fromkeys(NUMBERS, "0"),
        }  # fmt: skip
        names = keys.generation(job.life)
        there = everything(ledger)
        assert there[names.active] == {job.life.name.encode()}
        assert list(there[names.jobs]) == [job.id.encode()]
        assert before <= there[names.jobs][job.id.encode()] <= after


def test_who_submits_a_job_that_is_there_changes_nothing(ledger: Ledger, opened: Job) -> None:
    """A second producer of the same file would begin the books again."""
    enqueue(ledger, opened.life, 0)
    before = everything(ledger)
    assert ledger.submit(opened, {"offset": 0}) == "running"
    assert everything(ledger) == before
    ledger.cancel(opened.life, "enough")
    assert ledger.submit(opened, CURSOR) == "cancelled"


def test_a_batch_is_entered_with_all_that_the_producer_says_of_it(ledger: Ledger, opened: Job) -> None:
    """What is missing here is missing in the receipt, or lets a worker's answer be refused."""
    life, before = opened.life, milliseconds(ledger)
    entries = [
        Entry(b"payload", b"kept", CURSOR, 1, 10, ["bad", "bad", "long"], {"blank_lines": 3, "not_utf8": 2}),
        Entry(b"two", b"kept 2", {**CURSOR, "offset": 20}, 11, 7, ["bad"]),
    ]
    assert ledger.enqueue(life, 0, entries) == 2
    after = milliseconds(ledger)
    fields = book(ledger, life)
    assert {name: fields[name] for name in ("batches", "records", "read_rejects", "blank_lines", "not_utf8")} == {
        "batches": "2", "records": "17", "read_rejects": "4", "blank_lines": "3", "not_utf8": "2",
    }  # fmt: skip
    assert ledger.progress(life.id).codes == {"bad": 3, "long": 1}
    assert ledger.progress(life.id).cursor["offset"] == 20
    proofs = ledger.answers.proofs(life, 0, 2)
    assert [proof.sent for proof in proofs] == [
        (entry.first, entry.records, len(entry.reject_codes),
         digest.sent(life.incarnation, batch, entry.first, entry.records, entry.payload),
         digest.kept(life.incarnation, batch, entry.kept))
        for batch, entry in enumerate(entries)
    ]  # fmt: skip
    queued = of(ledger, life, "queued")
    assert list(queued) == [b"0", b"1"]
    assert all(before <= moment <= after for moment in queued.values())
    there = everything(ledger)
    ids = [json.loads(message)["headers"]["id"] for message in there[keys.generation(life).queue]]
    assert ids == [f"{life.name}:{batch}" for batch in (1, 0)], "workers take from the other end"
    assert there[keys.payload(life, 1)] == b"two"


@pytest.mark.parametrize("leased", [True, False], ids=["leased", "queued"])
def test_a_batch_that_is_done_is_off_every_list_and_on_the_timeline(ledger: Ledger, opened: Job, leased: bool) -> None:
    """What stays on a list is sent again for ever; what is not counted makes the receipt disagree."""
    life = opened.life
    for batch in range(2):
        enqueue(ledger, life, batch, 10, ["long"])
        if leased:
            lease(ledger, life, batch)
    before = milliseconds(ledger)
    assert complete(ledger, life, 1, b"result", 7, ["bad", "bad"])
    after = milliseconds(ledger)
    there, prefix = everything(ledger), keys.job(life.id)
    assert list(there[f"{prefix}:{'leased' if leased else 'queued'}"]) == [b"0"]
    assert there.get(f"{prefix}:owner") == ({b"0": b"me"} if leased else None)
    assert there.get(f"{prefix}:attempts") == ({b"0": b"1"} if leased else None)
    assert there[f"{prefix}:events"] == [b"1"]
    answered = digest.answered(life.incarnation, 1, b"result")
    assert there[f"{prefix}:answered"] == {b"1": f"7 2 {answered}".encode()}
    [entry] = there[f"{prefix}:timeline"]
    moment, rest = entry.split(b" ", 1)
    assert before <= int(moment) <= after
    assert rest == f"1 7 2 {WORK.encode()}".encode()
    assert there[keys.result(life, 1)] == b"result"
    assert keys.payload(life, 1) not in there
    assert keys.payload(life, 0) in there
    progress = ledger.progress(life.id)
    assert (progress.done, progress.scored, progress.score_rejects, progress.duplicates) == (1, 7, 2, 0)
    assert progress.codes == {"bad": 2, "long": 2}


def test_a_duplicate_is_counted_and_changes_nothing_else(ledger: Ledger, opened: Job) -> None:
    """The receipt says how often; its payload, were it back, goes."""
    life = opened.life
    enqueue(ledger, life, 0)
    enqueue(ledger, life, 1)
    complete(ledger, life, 0)
    before = everything(ledger)
    ledger.redis.set(keys.payload(life, 0), b"payload")
    assert not complete(ledger, life, 0, b"other", 9, ["bad"])
    before[keys.job(life.id)][b"duplicates"] = b"1"
    assert everything(ledger) == before


def test_a_batch_that_an_older_program_sent_needs_no_proof(ledger: Ledger) -> None:
    """A job under way while Nightshift is updated would fail."""
    ledger.submit(FIRST_FORMAT, CURSOR)
    enqueue(ledger, FIRST_FORMAT.life, 0)
    ledger.redis.delete(f"{keys.job(FIRST_FORMAT.id)}:sent")
    assert complete(ledger, FIRST_FORMAT.life, 0)
    assert ledger.progress(FIRST_FORMAT.id).state == "running"


def test_a_worker_that_answers_for_too_few_is_told_from_the_producer_in_the_error(ledger: Ledger) -> None:
    """The operator reads these two numbers; and the answer is not counted as a result."""
    ledger.submit(JOB, CURSOR)
    enqueue(ledger, JOB.life, 0, 10, ["long", "long"])
    assert not complete(ledger, JOB.life, 0, b"result", 6, ["bad"])
    assert book(ledger, JOB.life)["state"] == "failed"
    assert "sent 8 records as batch 0, a worker answered for 7" in book(ledger, JOB.life)["error"]
    assert keys.result(JOB.life, 0) not in everything(ledger)


def test_what_is_written_for_a_job_that_takes_no_more_is_freed(ledger: Ledger, opened: Job) -> None:
    """A batch beyond the end would lie on the server for ever."""
    life = opened.life
    enqueue(ledger, life, 0)
    assert ledger.seal(life, 1)
    before = everything(ledger)
    assert enqueue(ledger, life, 1) == -1
    assert everything(ledger) == before
    assert enqueue(ledger, life, 0) == -1, "it is wanted, and no new one is"
    assert everything(ledger) == before


def test_a_gap_between_batches_ends_the_job_and_frees_both_parts(ledger: Ledger, opened: Job) -> None:
    """Records that nobody read would be missing in a complete job."""
    life = opened.life
    enqueue(ledger, life, 0)
    assert enqueue(ledger, life, 1, first=12) == -1
    there = everything(ledger)
    assert book(ledger, life)["state"] == "failed"
    assert "damaged: batch 1 begins with record 12, and 10 were read before; enqueue" in book(ledger, life)["error"]
    assert keys.kept(life, 0) in there
    assert not {keys.payload(life, 0), keys.payload(life, 1), keys.kept(life, 1)} & set(there)


def test_kept_columns_written_again_stay_until_they_are_collected(ledger: Ledger, opened: Job) -> None:
    """A second producer rewrites what the first one did: the collector needs it, once."""
    life = opened.life
    for batch in range(3):
        enqueue(ledger, life, batch)
    for batch in range(2):
        complete(ledger, life, batch)
    ledger.hold(keys.collector(life), "one", 30)
    assert ledger.answers.collected(life, "one", range(1), {}, {})
    before = everything(ledger)
    for batch in range(3):
        assert enqueue(ledger, life, batch) == 3
    assert everything(ledger) == before
