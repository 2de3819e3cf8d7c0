"""The server dies, stalls, is away for a while, or has no memory left."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.night import Night
from tests.faults.site import Site
from tests.support import until

Nights = Callable[..., Night]


@pytest.fixture(autouse=True)
def _alive(site: Site) -> Iterator[None]:
    """The next test has a server, whatever became of this one."""
    yield
    if site.server.process.poll() is not None:
        site.server.start()
    os.kill(site.server.process.pid, signal.SIGCONT)


def crash(tonight: Night, seconds: float = 0.0) -> float:
    """SIGKILL, and a new start from the append-only file after so many seconds; when that was."""
    tonight.site.server.kill()
    time.sleep(seconds)
    tonight.site.server.start()
    return time.monotonic()


@pytest.mark.slow
def test_a_server_killed_while_the_job_is_enqueued_and_scored_goes_on_from_its_file(night: Nights) -> None:
    tonight = night()
    run = tonight.enqueue()
    tonight.reach(10)
    back = crash(tonight)
    receipt = tonight.check(run)
    assert receipt["created"] + receipt["seconds"] - time.time() + time.monotonic() - back < 30
    # kombu would pickle to /tmp what it could not give back.
    assert not any("EMERGENCY" in worker.text() for worker in tonight.site.workers)


@pytest.mark.slow
def test_a_server_killed_again_and_again_loses_nothing(night: Nights) -> None:
    tonight = night()
    run = tonight.enqueue()
    for done in (1, 12, 25, 40):
        tonight.reach(done)
        crash(tonight)
    tonight.check(run)


@pytest.mark.slow
def test_a_server_killed_while_nobody_scores_yet_keeps_what_was_enqueued(night: Nights) -> None:
    tonight = night(workers=0)
    run = tonight.enqueue()
    until(lambda: tonight.progress().batches > 5, 30)
    crash(tonight)
    tonight.site.staff(2)
    tonight.check(run)


@pytest.mark.slow
def test_a_server_killed_before_it_wrote_that_a_job_was_entered_gets_it_again(night: Nights) -> None:
    """With `everysec` on a busy disk it answers before it writes: a job that its command has seen there is gone."""
    tonight = night(workers=0)
    server = tonight.site.server
    written = {path: path.stat().st_size for path in server.folder.glob("appendonlydir/*.aof")}
    run = tonight.enqueue()
    until(lambda: tonight.progress().batches > 5, 30)
    job = tonight.job
    server.kill()
    for path in server.folder.glob("appendonlydir/*.aof"):
        os.truncate(path, written.get(path, 0))
    server.start()
    tonight.site.staff(2)
    tonight.check(run)
    assert f"the server does not know {job} any more: {tonight.input.name} is scored again" in tonight.said(run)


@pytest.mark.slow
def test_a_job_that_somebody_cancels_and_forgets_is_not_entered_again_by_who_slept_meanwhile(night: Nights) -> None:
    tonight = night(workers=0)
    run = tonight.enqueue()
    until(lambda: tonight.progress().batches > 5, 30)
    os.kill(run.pid, signal.SIGSTOP)
    job = tonight.job
    for word in ("cancel", "forget"):
        tonight.end(tonight.popen(word, job))
    os.kill(run.pid, signal.SIGCONT)
    tonight.end(run, code=1)
    assert f"there is no job {job}" in tonight.said(run)
    assert job not in tonight.site.ledger.job_ids()


@pytest.mark.slow
def test_a_server_killed_while_the_scores_are_collected_gives_the_same_file(night: Nights) -> None:
    tonight = night(milliseconds=1)
    tonight.end(tonight.submit())
    until(lambda: tonight.progress().state == "complete", 60)
    run = tonight.popen("collect", tonight.job, "--output", tonight.output, "--json")
    partial = tonight.output.parent
    until(lambda: any("partial" in path.name for path in partial.iterdir()) or run.poll() is not None, 30)
    crash(tonight, 1.0)
    tonight.check(run)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [8, 20, 60])
def test_a_server_away_for_a_while_is_waited_for(night: Nights, seconds: int) -> None:
    tonight = night(milliseconds=200)
    run = tonight.enqueue()
    tonight.reach(5)
    back = crash(tonight, seconds)
    receipt = tonight.check(run)
    assert receipt["created"] + receipt["seconds"] - time.time() + time.monotonic() - back < 30
    # kombu would pickle to /tmp what it could not give back.
    assert not any("EMERGENCY" in worker.text() for worker in tonight.site.workers)
    assert tonight.said(run).count("waiting for the server") == 1
    assert tonight.said(run).count("the server is back") == 1


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [8, 20, 60])
def test_a_server_stalled_for_a_while_is_waited_for(night: Nights, seconds: int) -> None:
    tonight = night(milliseconds=200)
    run = tonight.enqueue()
    tonight.reach(5)
    os.kill(tonight.site.server.process.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(tonight.site.server.process.pid, signal.SIGCONT)
    back = time.monotonic()
    receipt = tonight.check(run)
    assert receipt["created"] + receipt["seconds"] - time.time() + time.monotonic() - back < 30
    # kombu would pickle to /tmp what it could not give back.
    assert not any("EMERGENCY" in worker.text() for worker in tonight.site.workers)


@pytest.mark.slow
def test_a_server_out_of_memory_is_waited_for_until_it_has_more(night: Nights) -> None:
    tonight = night(milliseconds=100)
    server = tonight.site.server.redis
    run = tonight.enqueue()
    tonight.reach(10)
    server.config_set("maxmemory", 1)
    try:
        until(lambda: "waiting for the server" in tonight.said(run), 20)
        time.sleep(3)
        assert run.poll() is None
        assert tonight.progress().state == "running"
    finally:
        server.config_set("maxmemory", 0)
    tonight.check(run)


@pytest.mark.slow
def test_a_full_server_can_be_collected_from(night: Nights) -> None:
    tonight = night(milliseconds=1)
    tonight.end(tonight.submit())
    until(lambda: tonight.progress().state == "complete", 60)
    server = tonight.site.server.redis
    server.config_set("maxmemory", 1)
    try:
        run = tonight.popen("collect", tonight.job, "--output", tonight.output, "--json")
        tonight.check(run, workers=False)
    finally:
        server.config_set("maxmemory", 0)
    tonight.check_workers()


def test_no_server_at_the_start_is_one_clear_line(night: Nights) -> None:
    tonight = night(staff=False)
    tonight.site.server.kill()
    run = tonight.enqueue()
    tonight.end(run, code=1)
    [line] = tonight.said(run).splitlines()
    assert line.startswith(f"producer: no answer from {tonight.site.server.url.partition(':')[0]}://")
    tonight.site.server.start()
