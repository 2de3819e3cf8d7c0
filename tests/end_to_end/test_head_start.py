"""A command has the embedded server and workers start before its job is planned. Where nothing comes of the job they go
as they came."""

import shutil
import signal
import subprocess
import sys
import time
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


def test_an_interrupt_waits_for_the_end_of_an_import(folder: Path) -> None:
    """Whatever the imported module makes of an exception that comes out of nowhere: it never sees one."""
    (folder / "slow.py").write_text(
        "import os, signal, time\n"
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "try:\n    time.sleep(0.1)\n"
        "except BaseException:\n    print('swallowed')\n"
        "print('imported')\n"
    )
    code = (
        "import nightshift_start, time\n"
        "nightshift_start._begin('producer')\n"
        "try:\n    import slow\n    time.sleep(10)\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("imported\ninterrupted\n", "")


def test_interrupted_while_it_begins_a_command_says_so_and_nothing_is_left(folder: Path) -> None:
    """In the middle of an import Ctrl-C may be swallowed, or leave a lock behind on which the command then waits."""
    for tenths in range(1, 6):
        words = [PRODUCER, "enqueue", "messages.csv", "--workers", "1"]
        process = subprocess.Popen(words, cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True)
        time.sleep(tenths / 10)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err.count("\n")) in ((4, 1), (-2, 0)), err  # before Python could tell, it just ends
        assert "Traceback" not in err
        assert process.returncode == -2 or "interrupted" in err
    until(lambda: not running(folder), 15)
