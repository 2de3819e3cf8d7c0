"""The ledger's promises, on a real server: a batch is enqueued once, leased to one worker, and written once."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from graphs.feeds import Constant, Fetch
from jobs import keys
from jobs.errors import JobError
from jobs.ledger import Ledger
from jobs.record import Life
from jobs.timeline import Work
from tests.support import Server
from tests.support.steps import CURSOR, JOB, WORK, complete, enqueue, lease


@pytest.fixture
def job(ledger: Ledger) -> Life:
    assert ledger.submit(JOB, CURSOR) == "running"
    return JOB.life


def test_the_record_survives_the_way_through_redis(ledger: Ledger, job: Life) -> None:
    assert ledger.job(job.id) == JOB


def test_the_id_changes_with_what_changes_the_output_and_with_nothing_else() -> None:
    same = [{"batch_bytes": 5}, {"model_name": "x.pb"}, {"created": "2026-11-23"}]
    other = [
        {"size": 1001},
        {"mtime_ns": 2},
        {"model": "cd" * 32},
        {"keep": ()},
        {"fetches": (Fetch("logit", "logit"),)},
        {"fetches": (Fetch("spam", "score"),)},
        {"feeds": (replace(JOB.feeds[0], columns=("body",)),)},
        {"feeds": (replace(JOB.feeds[0], fill="0"),)},
        {"constants": (Constant("keep_prob", "float32", "1"),)},
        {"again": "1"},
    ]
    assert {replace(JOB, **change).id for change in same} == {JOB.id}  # type: ignore[arg-type]
    assert len({replace(JOB, **change).id for change in other} | {JOB.id}) == len(other) + 1  # type: ignore[arg-type]


def test_a_job_goes_from_read_to_complete_and_its_counts_agree(ledger: Ledger, job: Life) -> None:
    assert enqueue(ledger, job, 0, 10, ["too_few_fields"]) == 1
    assert enqueue(ledger, job, 1, 5) == 2
    assert ledger.seal(job, 2)
    for batch, scored, rejects in ((1, 4, ["bad_value"]), (0, 9, [])):
        assert ledger.lease(job, batch, "me", 30, 5) == ("leased", 1, "", b"payload")
        assert complete(ledger, job, batch, b"result", scored, rejects, records=10 if batch == 0 else 5)
    progress = ledger.progress(job.id)
    assert progress.state == "complete"
    assert (progress.records, progress.scored, progress.rejected) == (15, 13, 2)
    assert progress.codes == {"bad_value": 1, "too_few_fields": 1}
    assert ledger.active() == []


def test_counts_that_disagree_never_make_a_complete_job(ledger: Ledger, job: Life) -> None:
    enqueue(ledger, job, 0, 10)
    ledger.seal(job, 1)
    lease(ledger, job, 0)
    complete(ledger, job, 0, b"result", 9, [])
    progress = ledger.progress(job.id)
    assert progress.state == "failed"
    assert "sent 10 records as batch 0, a worker answered for 9" in str(progress.error)


def test_an_empty_input_is_complete_as_soon_as_it_is_read(ledger: Ledger, job: Life) -> None:
    ledger.seal(job, 0)
    assert ledger.progress(job.id).state == "complete"


def test_the_first_write_wins_and_the_payload_is_freed(ledger: Ledger, server: Server, job: Life) -> None:
    enqueue(ledger, job, 0)
    enqueue(ledger, job, 1)
    lease(ledger, job, 0)
    assert complete(ledger, job, 0, b"first", 10, [])
    assert not complete(ledger, job, 0, b"second", 10, [])
    assert server.redis.get(keys.result(job, 0)) == b"first"
    assert not server.redis.exists(keys.payload(job, 0))
    assert ledger.progress(job.id).scored == 10
    assert ledger.progress(job.id).duplicates == 1


def test_a_hundred_racing_writers_count_a_batch_once(server: Server, ledger: Ledger, job: Life) -> None:
    enqueue(ledger, job, 0)
    barrier = threading.Barrier(20)

    def write(writer: int) -> int:
        barrier.wait()
        return sum(complete(ledger, job, 0) for _ in range(5))

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(write, range(20))) == 1
    assert (ledger.progress(job.id).done, ledger.progress(job.id).scored, ledger.progress(job.id).duplicates) == (
        1,
        10,
        99,
    )


def test_racing_workers_get_one_lease(ledger: Ledger, job: Life) -> None:
    enqueue(ledger, job, 0)
    barrier = threading.Barrier(20)

    def ask(worker: int) -> str:
        barrier.wait()
        return lease(ledger, job, 0, f"worker-{worker}")

    with ThreadPoolExecutor(20) as pool:
        verdicts = sorted(pool.map(ask, range(20)))
    assert verdicts == ["busy"] * 19 + ["leased"]


def test_racing_producers_enqueue_every_batch_once_and_in_order(ledger: Ledger, job: Life) -> None:
    def produce(producer: int) -> int:
        won = 0
        for batch in range(50):
            before = ledger.progress(job.id).batches
            won += before <= batch and enqueue(ledger, job, batch) == batch + 1
        return won

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(produce, range(4)))
    progress = ledger.progress(job.id)
    assert (progress.batches, progress.records) == (50, 500)


def test_a_lease_that_runs_out_is_taken_back_and_a_renewed_one_is_not(ledger: Ledger, job: Life) -> None:
    enqueue(ledger, job, 0)
    enqueue(ledger, job, 1)
    for batch in (0, 1):
        assert lease(ledger, job, batch, "me", 0.3) == "leased"
    for _ in range(4):
        time.sleep(0.1)
        assert ledger.renew(job, 1, "me", 0.3)
    assert ledger.overdue(job, 60) == {0: False}, "its message is used up"
    assert not ledger.renew(job, 0, "me", 0.3)
    assert lease(ledger, job, 0, "you") == "leased"
    assert lease(ledger, job, 1, "you") == "busy"


def test_the_zombie_whose_lease_ran_out_may_still_write_first(ledger: Ledger, job: Life) -> None:
    enqueue(ledger, job, 0)
    lease(ledger, job, 0, "zombie", 0.01)
    time.sleep(0.05)
    assert lease(ledger, job, 0, "you") == "leased"
    assert complete(ledger, job, 0)
    assert not complete(ledger, job, 0)
    assert lease(ledger, job, 0, "third") == "done"


def test_an_answer_whose_lease_the_server_forgot_counts_as_an_attempt(ledger: Ledger, job: Life) -> None:
    """Killed with the last second unwritten, it has the batch and not the lease: the receipt would have fewer attempts
    than batches."""
    enqueue(ledger, job, 0)
    enqueue(ledger, job, 1)
    lease(ledger, job, 1)
    assert complete(ledger, job, 0)
    assert complete(ledger, job, 1)
    assert ledger.progress(job.id).attempts == 2


def test_a_batch_is_not_given_away_for_ever(ledger: Ledger, job: Life) -> None:
    enqueue(ledger, job, 0)
    for _ in range(3):
        assert lease(ledger, job, 0, "me", 0.001, attempts=3) == "leased"
        time.sleep(0.01)
    assert lease(ledger, job, 0, "me", 0.001, attempts=3) == "exhausted"


def test_what_was_sent_and_never_seen_is_overdue(ledger: Ledger, job: Life) -> None:
    enqueue(ledger, job, 0)
    assert ledger.overdue(job, 60) == {}
    time.sleep(0.05)
    assert ledger.overdue(job, 0.01) == {0: True}
    assert ledger.send_again(job, [0, 7]) == 1
    assert ledger.overdue(job, 60) == {}


def test_a_failed_job_takes_nothing_more_and_frees_its_payloads(ledger: Ledger, server: Server, job: Life) -> None:
    enqueue(ledger, job, 0)
    lease(ledger, job, 0)
    assert ledger.fail(job, "the model\nis broken")
    assert not ledger.fail(job, "again")
    assert ledger.progress(job.id).error == "the model is broken"
    assert enqueue(ledger, job, 1) == -1
    assert lease(ledger, job, 0) == "gone"
    assert not complete(ledger, job, 0, b"late", 10, [])
    assert not server.redis.exists(keys.payload(job, 0))


def test_erasing_leaves_no_key(ledger: Ledger, server: Server, job: Life) -> None:
    enqueue(ledger, job, 0)
    lease(ledger, job, 0)
    ledger.put_model(JOB.model, b"graph")
    complete(ledger, job, 0)
    assert not ledger.removal.erase(job)  # it runs
    ledger.seal(job, 1)
    assert ledger.removal.erase(job)
    assert server.redis.keys("*") == [keys.SECOND.queue.encode()]  # its message: whoever takes it finds nothing to do
    with pytest.raises(JobError, match="no job"):
        ledger.progress(job.id)


def test_a_job_expires_when_it_ended_long_ago_and_nobody_follows_it(ledger: Ledger, server: Server, job: Life) -> None:
    assert ledger.removal.expire(0) == []  # it runs
    ledger.cancel(job, "no more")
    assert ledger.removal.expire(60) == []
    ledger.follow(job, 30)
    time.sleep(0.05)
    assert ledger.removal.expire(0.02) == []
    server.redis.delete(f"{keys.job(job.id)}:followed")
    assert ledger.removal.expire(0.02) == [job.id]
    assert ledger.job_ids() == []


def test_only_the_holder_of_the_collectors_lock_frees_results(ledger: Ledger, server: Server, job: Life) -> None:
    enqueue(ledger, job, 0)
    complete(ledger, job, 0)
    lock = keys.collector(job)
    assert ledger.hold(lock, "one", 30)
    assert not ledger.hold(lock, "two", 30)
    assert not ledger.answers.collected(job, "two", range(1), {"output": "/x"}, {})
    assert server.redis.exists(keys.result(job, 0))
    assert ledger.answers.collected(job, "one", range(1), {"output": "/x"}, {})
    assert not server.redis.exists(keys.result(job, 0), keys.kept(job, 0))
    ledger.let_go(lock, "two")
    assert not ledger.hold(lock, "two", 30)
    ledger.let_go(lock, "one")
    assert ledger.hold(lock, "two", 30)


def test_followers_wake_up_when_a_batch_completes(ledger: Ledger, job: Life) -> None:
    enqueue(ledger, job, 0)
    event = ledger.wait(job.id, 0.05)
    assert event == b"0"
    threading.Timer(0.2, complete, (ledger, job, 0)).start()
    began = time.monotonic()
    after = ledger.wait(job.id, 10, event)
    assert after != event
    assert time.monotonic() - began < 5
    assert ledger.wait(job.id, 0.05, after) == after


def test_workers_are_counted_by_their_processes(ledger: Ledger) -> None:
    ledger.presence.greet("host-a:1:4")
    ledger.presence.greet("host-b:1:8")
    assert ledger.presence.processes() == 12
    ledger.presence.leave("host-a:1:4")
    assert ledger.presence.processes() == 8


def test_workers_say_by_which_list_of_ops_they_judge(ledger: Ledger) -> None:
    """An older worker says nothing: it is no other list."""
    ledger.presence.greet("host-a:1:4", op_list="TensorFlow 2.21.0 aa")
    ledger.presence.greet("host-b:1:8", op_list="TensorFlow 2.15.0 bb")
    ledger.presence.greet("host-c:1:1", op_list="TensorFlow 2.21.0 aa")
    ledger.presence.greet("host-d:1:1")
    assert ledger.presence.op_lists() == {
        "TensorFlow 2.21.0 aa": ["host-a:1:4", "host-c:1:1"],
        "TensorFlow 2.15.0 bb": ["host-b:1:8"],
    }
    ledger.presence.leave("host-b:1:8")
    assert list(ledger.presence.op_lists()) == ["TensorFlow 2.21.0 aa"]


def test_a_worker_that_asks_again_for_the_batch_it_has_gets_it(ledger: Ledger, job: Life) -> None:
    """The answer to its first question was lost with a connection; nobody waits for the lease to run out."""
    enqueue(ledger, job, 0)
    assert ledger.lease(job, 0, "host:1:a", 9, 3).verdict == "leased"
    again = ledger.lease(job, 0, "host:1:a", 9, 3)
    assert (again.verdict, again.attempt) == ("leased", 1)
    assert again.payload is not None
    assert ledger.lease(job, 0, "host:2:a", 9, 3).verdict == "busy"


def test_a_batch_that_hung_counts_as_often_given_away(ledger: Ledger, job: Life) -> None:
    enqueue(ledger, job, 0)
    ledger.lease(job, 0, "host:1:a", 9, 5)
    assert ledger.release(job, 0, "host:1:a", "it hung", attempts=2)
    assert ledger.lease(job, 0, "host:2:a", 9, 5).attempt == 3
    assert ledger.progress(job.id).attempts == 2, "the receipt counts what really happened"


def test_a_batch_that_is_written_too_late_leaves_nothing_on_the_server(ledger: Ledger, job: Life) -> None:
    """Payload and kept columns are written before the ledger is asked whether it wants them."""
    for batch in range(2):
        enqueue(ledger, job, batch)
    complete(ledger, job, 0)
    assert enqueue(ledger, job, 0) == 2  # done
    assert enqueue(ledger, job, 1) == 2  # under way: still wanted
    assert enqueue(ledger, job, 5) == 2  # not its turn
    stored = {key.decode() for key in ledger.redis.keys(f"{keys.job(job.id)}:*:?")}
    assert stored == {
        keys.kept(job, 0), keys.result(job, 0), keys.kept(job, 1), keys.payload(job, 1)
    }  # fmt: skip
    ledger.cancel(job, "enough")
    assert enqueue(ledger, job, 2) == -1
    assert not ledger.redis.exists(keys.payload(job, 2), keys.kept(job, 2))


def test_the_timeline_says_who_did_which_batch_and_when_and_a_late_duplicate_is_not_on_it(
    ledger: Ledger, job: Life
) -> None:
    for batch in range(2):
        enqueue(ledger, job, batch)
    before = time.time() - 1
    complete(ledger, job, 1, b"result", 9, ["model_error"])
    complete(ledger, job, 1, b"result", 9, ["model_error"])
    complete(ledger, job, 0, work=Work("other:2", {}))
    first, second = ledger.timeline(job.id)
    assert (first.batch, first.scored, first.rejected, first.work) == (1, 9, 1, WORK)
    assert before < first.at <= second.at < time.time() + 1
    assert ledger.timeline(job.id, first=1) == [second]
