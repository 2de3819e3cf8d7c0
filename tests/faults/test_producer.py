"""The command dies, is interrupted, runs twice at once, or finds the disk full."""

import json
import random
import resource
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.night import Night
from tests.faults.processes import stopped
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
        killed = tonight.enqueue()
        time.sleep(0.5 + chance.random() * 2)
        killed.kill()
        killed.wait()
    tonight.check(tonight.enqueue())


@pytest.mark.slow
def test_a_collector_killed_in_the_middle_is_continued_by_the_next(night: Nights) -> None:
    tonight = night(milliseconds=200)
    tonight.end(tonight.submit(), 90)
    words = ("collect", tonight.job, "--output", tonight.output, "--json")
    killed = tonight.popen(*words)
    until(lambda: tonight.progress().collected > 0 or tonight.progress().state == "complete", 30)
    killed.kill()
    killed.wait()
    tonight.check(tonight.popen(*words))


@pytest.mark.slow
def test_two_producers_of_one_file_and_one_output_share_the_job(night: Nights) -> None:
    tonight = night()
    runs = [tonight.enqueue(), tonight.enqueue()]
    for run in runs:  # one of them may hold the producer's lock for a moment after the other has ended
        run.wait(60)
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
    place = tonight.output if tonight.form == "file" else tonight.input.with_name("home")  # where it is unpacked
    assert str(place) in line
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


# The command, which stops itself just before it enqueues batch 3: as on a machine that swaps, or sleeps.
STALLING = """
import os, signal
from jobs.ledger import Ledger
enqueue = Ledger.enqueue

def stall(self, life, first, entries):
    if first == 3:
        os.kill(os.getpid(), signal.SIGSTOP)
    return enqueue(self, life, first, entries)

Ledger.enqueue = stall
from producer.cli import run
run()
"""


def stall(tonight: Night, output: Path, batch_bytes: int) -> "subprocess.Popen[bytes]":
    """A producer that stalls with its fourth batch in its hands; it is stopped."""
    words = ("enqueue", tonight.given(), "--model", tonight.model, "--fetch", "score", "--output", output)
    with tonight.input.open("rb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", STALLING, *map(str, words), "--batch-bytes", str(batch_bytes), "--json"],
            env={**tonight.environment(), "NIGHTSHIFT_WINDOW": "3"},
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    tonight.started.append(process)
    until(lambda: stopped(process.pid) or process.poll() is not None, 20)
    assert process.poll() is None, process.communicate()
    return process


def test_a_producer_that_slept_through_its_jobs_end_adds_nothing_to_the_next_one(night: Nights) -> None:
    """The job is cancelled, and enqueued again with larger batches. When the second producer too has enqueued three of
    them, the first one wakes up with the fourth batch of its own, which begins somewhere else in the file. Counts could
    agree by chance, and the records between the two would never be scored."""
    tonight = night(milliseconds=5)
    first = stall(tonight, tonight.output, 2_000)
    assert tonight.end(tonight.popen("cancel", tonight.job)) is not None
    other = tonight.output.with_name("other.csv")  # the first one still holds its own
    second = stall(tonight, other, 60_000)
    assert tonight.progress().batches == 3
    first.send_signal(signal.SIGCONT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 1, err
    assert b"was begun again by another command" in err.splitlines()[-1]
    second.send_signal(signal.SIGCONT)
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0, err
    receipt = json.loads(out)
    tonight.check_files(other)
    tonight.check_receipt(receipt)
    tonight.check_server()
