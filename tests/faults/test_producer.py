"""The command dies, is interrupted, runs twice at once, or finds the disk full."""

import random
import resource
import shlex
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.conftest import Night
from tests.support import until

Nights = Callable[..., Night]


@pytest.mark.slow
def test_a_producer_killed_while_it_enqueues_is_continued_by_the_next(night: Nights) -> None:
    tonight = night(milliseconds=30)
    first = tonight.enqueue()
    tonight.reach(8)
    first.kill()
    first.wait()
    assert not tonight.progress().sealed
    tonight.check(tonight.enqueue())


@pytest.mark.slow
@pytest.mark.parametrize("spool", [False, True])
def test_producers_killed_at_any_moment_are_continued_by_the_next(night: Nights, spool: bool) -> None:
    chance = random.Random(spool)
    tonight = night(milliseconds=20, spool=spool)
    for _ in range(3):
        victim = tonight.enqueue()
        time.sleep(0.5 + chance.random() * 2)
        victim.kill()
        victim.wait()
    tonight.check(tonight.enqueue())


@pytest.mark.slow
def test_a_collector_killed_in_the_middle_is_continued_by_the_next(night: Nights) -> None:
    tonight = night(milliseconds=200)
    tonight.end(tonight.submit(), 90)
    words = ("collect", tonight.job, "--output", tonight.output, "--json")
    victim = tonight.popen(*words)
    until(lambda: tonight.progress().collected > 0 or tonight.progress().state == "complete", 30)
    victim.kill()
    victim.wait()
    tonight.check(tonight.popen(*words))


@pytest.mark.slow
def test_two_producers_of_one_file_and_one_output_share_the_job(night: Nights) -> None:
    tonight = night()
    runs = [tonight.enqueue(), tonight.enqueue()]
    for run in runs:
        receipt = tonight.check(run)
        assert receipt["attempts"] == receipt["batches"]


@pytest.mark.slow
def test_two_producers_of_one_file_with_two_outputs_write_both(night: Nights) -> None:
    tonight = night()
    other = tonight.output.with_name("other.csv")
    runs = [tonight.enqueue(), tonight.enqueue(output=other)]
    for run in runs:
        tonight.end(run)
    tonight.check_files()
    tonight.check_files(other)
    tonight.check_server()
    tonight.check_workers()


@pytest.mark.slow
def test_two_producers_with_two_outputs_of_which_one_dies_leave_the_other_whole(night: Nights) -> None:
    tonight = night()
    other = tonight.output.with_name("other.csv")
    first = tonight.enqueue()
    tonight.reach(5)
    second = tonight.enqueue(output=other)
    tonight.reach(25)
    first.kill()
    first.wait()
    tonight.end(second)
    left = [path for path in tonight.output.parent.iterdir() if "partial" in path.name]
    for path in left:  # of the one that died: what it had written, until it is run again
        path.unlink()
    tonight.check_files(other)
    tonight.check_server()


def resumed(tonight: Night, text: str) -> list[str]:
    """The words of the line that goes on."""
    line = text.splitlines()[-1]
    assert line.startswith("producer: interrupted; this goes on where it was: producer "), text
    return shlex.split(line.partition("was: producer ")[2])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_an_interrupted_command_says_how_to_go_on_and_that_completes_the_job(night: Nights, seed: int) -> None:
    chance = random.Random(seed)
    tonight = night(milliseconds=60)
    run = tonight.enqueue()
    tonight.reach(chance.randrange(0, 40))
    time.sleep(chance.random() * 0.3)
    run.send_signal(chance.choice([signal.SIGINT, signal.SIGTERM]))
    tonight.end(run, 20, code=4)
    tonight.check(tonight.popen(*resumed(tonight, tonight.said(run))))


@pytest.mark.slow
def test_a_command_interrupted_while_the_server_is_away_ends_at_once_and_goes_on_later(night: Nights) -> None:
    tonight = night()
    run = tonight.enqueue()
    tonight.reach(5)
    tonight.site.server.kill()
    try:
        until(lambda: "waiting for the server" in tonight.said(run), 20)
        run.send_signal(signal.SIGINT)
        tonight.end(run, 15, code=4)
    finally:
        tonight.site.server.start()
    tonight.check(tonight.popen(*resumed(tonight, tonight.said(run))))


def limit() -> None:
    """As if the disk were full: a file may have 300,000 bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))


def test_a_full_disk_is_one_clear_line_and_the_next_run_completes_the_job(night: Nights) -> None:
    tonight = night(milliseconds=20)
    run = tonight.enqueue(preexec_fn=limit)
    tonight.end(run, code=1)
    line = tonight.said(run).splitlines()[-1]
    assert line.startswith("producer: ")
    assert str(tonight.output) in line
    assert "Traceback" not in tonight.said(run)
    assert not tonight.output.exists()
    tonight.check(tonight.enqueue())


@pytest.mark.slow
def test_a_disk_that_is_full_is_reported_by_every_run_until_there_is_room(night: Nights) -> None:
    tonight = night(milliseconds=20)
    for _ in range(3):
        run = tonight.enqueue(preexec_fn=limit)
        tonight.end(run, code=1)
    tonight.check(tonight.enqueue())
