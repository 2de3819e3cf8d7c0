"""Workers and their processes die, stall and leave in the middle of a job."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from jobs import keys
from jobs.identity import Owner
from jobs.queue import QUEUES
from tests.faults.night import Night
from tests.faults.processes import processes, session
from tests.support import Worker, until
from worker.upkeep.broker import make_app

Nights = Callable[..., Night]


def test_a_child_killed_in_the_middle_of_a_batch_costs_ten_seconds(night: Nights) -> None:
    tonight = night(milliseconds=40)
    run = tonight.enqueue()
    tonight.reach(10)
    os.kill(tonight.stall(), signal.SIGKILL)
    killed = time.monotonic()
    until(lambda: tonight.progress().state == "complete", 40)
    assert time.monotonic() - killed < 12, "the lease's nine seconds, the re-sender's one, and the batch"
    receipt = tonight.check(run)
    assert receipt["attempts"] == receipt["batches"] + 1


@pytest.mark.slow
def test_every_child_killed_at_once_is_replaced_and_works(night: Nights) -> None:
    tonight = night()
    run = tonight.enqueue()
    tonight.reach(5)
    for worker in tonight.site.workers:
        for child in processes(worker)[1:]:
            os.kill(child, signal.SIGKILL)
    tonight.check(run)


@pytest.mark.slow
@pytest.mark.parametrize("spool", [False, True])
def test_a_host_that_dies_at_any_moment_loses_nothing(night: Nights, spool: bool) -> None:
    chance = random.Random(spool)
    tonight = night(spool=spool)
    run = tonight.enqueue()
    tonight.reach(chance.randrange(1, 30))
    time.sleep(chance.random() * 0.2)
    tonight.site.kill(tonight.site.workers[chance.randrange(2)])
    killed = time.monotonic()
    receipt = tonight.check(run)
    seconds = receipt["created"] + receipt["seconds"] - time.time() + time.monotonic() - killed
    assert seconds < 9 + 30, "of its lease"


@pytest.mark.slow
def test_all_hosts_die_and_new_ones_finish_the_job(night: Nights) -> None:
    tonight = night(workers=1)
    run = tonight.enqueue()
    tonight.reach(5)
    tonight.site.kill(tonight.site.workers[0])
    tonight.site.staff(1)
    tonight.check(run)


@pytest.mark.slow
def test_a_parent_killed_alone_leaves_no_process_behind(night: Nights) -> None:
    tonight = night()
    run = tonight.enqueue()
    tonight.reach(5)
    killed = tonight.site.workers[0]
    killed.process.kill()
    tonight.site.discard(killed)
    tonight.check(run)
    until(lambda: session(killed.process.pid) == [], 20)


@pytest.mark.slow
def test_a_child_stalled_for_longer_than_its_lease_writes_late_and_in_vain(night: Nights) -> None:
    tonight = night(milliseconds=800)
    run = tonight.enqueue()
    tonight.reach(4)
    job, ledger = tonight.job, tonight.site.ledger
    zombie = tonight.stall()
    try:
        [batch] = [each for each, owner in ledger.owners(job).items() if Owner.parse(owner).process.pid == zombie]
        until(lambda: batch not in ledger.owners(job), 20)
        assert tonight.progress().leases_lost >= 1
        until(lambda: ledger.redis.getbit(keys.job(job) + ":done", batch) == 1, 20)
    finally:
        os.kill(zombie, signal.SIGCONT)
    assert tonight.check(run)["duplicates"] >= 1


@pytest.mark.slow
def test_a_host_stalled_for_longer_than_a_lease_comes_back_and_harms_nothing(night: Nights) -> None:
    tonight = night(milliseconds=600)  # it comes back before the job is over
    run = tonight.enqueue()
    tonight.reach(4)
    zombie = processes(tonight.site.workers[0])
    stalled = False
    while not stalled:  # with a batch in its hands
        for pid in zombie:
            os.kill(pid, signal.SIGSTOP)
        stalled = bool(set(tonight.scoring()) & set(zombie))
        if not stalled:
            for pid in zombie:
                os.kill(pid, signal.SIGCONT)
    try:
        until(lambda: tonight.progress().leases_lost, 20)
        time.sleep(3)
    finally:
        for pid in zombie:
            os.kill(pid, signal.SIGCONT)
    receipt = tonight.check(run)
    assert receipt["duplicates"] >= 1
    assert receipt["attempts"] > receipt["batches"]


@pytest.mark.slow
def test_scaling_down_finishes_the_batch_under_way(night: Nights) -> None:
    tonight = night(milliseconds=300)
    run = tonight.enqueue()
    tonight.reach(5)
    leaver = tonight.site.workers[0]
    leaver.process.terminate()
    asked = time.monotonic()
    tonight.site.discard(leaver)
    assert time.monotonic() - asked < 20
    assert leaver.process.returncode == 0
    assert session(leaver.process.pid) == []
    receipt = tonight.check(run)
    assert receipt["attempts"] == receipt["batches"], "nothing was scored again"


@pytest.mark.slow
def test_a_batch_longer_than_its_lease_is_scored_once(night: Nights) -> None:
    tonight = night(milliseconds=12_000, rows=4_000)
    receipt = tonight.check(tonight.enqueue(), seconds=90)
    assert (receipt["attempts"], receipt["duplicates"]) == (receipt["batches"], 0)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_worker_that_answers_but_takes_no_work_says_so_and_ends(night: Nights) -> None:
    """Its consumer is off the queue, as after some of Celery's accidents with connections: ping and pool are fine."""
    tonight = night(workers=1)
    site = tonight.site
    if site.server.has_users:
        pytest.skip("a worker's user has no channels to be told by")
    site.workers.pop().stop()
    site.workers.append(Worker(site.server.url, site.folder / "deaf.log", 2, app="tests.faults.remote_controlled"))
    worker = site.workers[0].ready()
    health = [sys.executable, "-m", "worker.health"]
    environment = {**os.environ, "REDIS_URL": site.server.url}
    app = make_app(site.server.url)
    name = f"{worker.log.stem}@test"
    try:
        for queue in QUEUES:
            app.control.cancel_consumer(queue, destination=[name])  # an answer would be no message of ours, and dropped
        time.sleep(2)
        run = tonight.enqueue()
        assert subprocess.run(health, env=environment, capture_output=True, check=False).returncode == 0
        until(lambda: subprocess.run(health, env=environment, capture_output=True, check=False).returncode == 1, 60)
        assert worker.process.poll() is None, "it would answer a ping, which is why that is no health check"
        until(lambda: worker.process.poll() is not None, 90)
    finally:
        app.close()
    assert worker.process.returncode == 1, "for its supervisor to start it again"
    assert "waiting batches" in worker.log.read_text()
    tonight.site.workers.remove(worker)
    tonight.site.staff(1)
    tonight.check(run)
