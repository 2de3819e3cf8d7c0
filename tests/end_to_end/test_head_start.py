"""A command has the embedded server and workers start before its job is planned. Where nothing comes of the job they go
as they came."""

import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.support import until
from tests.support.checkout import MESSAGES, PRODUCER
from tests.support.command import environment, producer, running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy2(MESSAGES, tmp_path / "messages.csv")
    return tmp_path


def seen_while(words: list[str], folder: Path) -> tuple[bool, int]:
    """Whether workers were there while the command ran, and its exit code."""
    process = subprocess.Popen([PRODUCER, *words], cwd=folder, env=environment(), stderr=subprocess.DEVNULL)
    seen = False
    while process.poll() is None:
        seen = seen or any("celery" in line for line in running(folder))
    return seen, process.returncode


def test_what_was_started_for_a_job_that_comes_to_nothing_is_stopped_before_the_command_ends(folder: Path) -> None:
    words = ["enqueue", "messages.csv", "--id", "nobody"]
    assert seen_while(words, folder) == (True, 1), "workers were starting while the header was read"
    assert not running(folder), "nothing is left of them when the command has ended"
    assert producer(folder, "status").out == "no jobs yet\n"


def test_an_input_without_a_record_to_score_starts_nothing(folder: Path) -> None:
    (folder / "empty.csv").touch()
    assert seen_while(["enqueue", "empty.csv"], folder) == (False, 1)
    assert seen_while(["enqueue", "missing.csv"], folder) == (False, 1)
    assert seen_while(["enqueue", "messages.csv", "empty.csv"], folder)[0] is False
    assert not (folder / ".nightshift").exists()


def test_a_file_that_was_scored_starts_no_worker_when_it_is_enqueued_again(folder: Path) -> None:
    assert producer(folder, "enqueue", "messages.csv", "--workers", "1").code == 0
    until(lambda: not running(folder), 15)
    assert seen_while(["enqueue", "messages.csv", "--workers", "1"], folder) == (False, 0)


PROGRAM = """
import atexit, nightshift_start, os, signal, time, weakref

def work():
    os.kill(os.getpid(), signal.SIGINT)
    try:
        time.sleep(0.1)
    except BaseException:
        print("swallowed")
    print("worked")

class Held:
    pass

class Deleting:
    def __del__(self):
        work()

try:
    with nightshift_start._interruptible():
        {}
        time.sleep(0.2)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("where", ["import slow", "weakref.finalize(Held(), work)", "Deleting()"])
def test_an_interrupt_waits_for_the_end_of_what_would_make_something_else_of_it(folder: Path, where: str) -> None:
    """Imports and finalizers, whatever they make of an exception that comes out of nowhere: they never see one."""
    (folder / "slow.py").write_text("import __main__\n__main__.work()\n")
    words = [sys.executable, "-c", PROGRAM.format(where)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("worked\ninterrupted\n", "")


def test_an_interrupt_comes_too_late_for_a_command_that_has_ended(folder: Path) -> None:
    words = [sys.executable, "-c", PROGRAM.format("atexit.register(work)")]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr, done.returncode) == ("worked\n", "", 0)


def catches(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.skipif(sys.platform != "linux", reason="sees in /proc when a command has begun")
def test_interrupted_while_it_begins_a_command_says_so_and_nothing_is_left(folder: Path) -> None:
    """In the middle of an import Ctrl-C may be swallowed, or leave a lock behind on which the command then waits."""
    for tenths in range(1, 6):
        words = [PRODUCER, "enqueue", "messages.csv", "--workers", "1"]
        process = subprocess.Popen(words, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True)
        until(partial(catches, process.pid, signal.SIGALRM), 30)  # before, it is Python that starts
        time.sleep((tenths - 1) / 10)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        # click ends the line of the ^C with one of its own, while it reads the options.
        assert process.returncode == 4, err
        assert err.strip().startswith("producer: interrupted")
        assert "\n" not in err.strip()
    until(lambda: not running(folder), 15)
