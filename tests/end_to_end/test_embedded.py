"""With REDIS_URL unset the command brings its own server and workers, and takes them away again."""

import fcntl
import json
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from jobs import keys
from producer.server.keeper import open_lock, try_lock
from tests.support import until
from tests.support.checkout import MESSAGES, PRODUCER
from tests.support.command import environment, producer, running
from tests.support.tables import read

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what runs in a folder is read from /proc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy2(MESSAGES, tmp_path / "messages.csv")
    return tmp_path


def test_one_command_scores_a_file_and_leaves_only_files_behind(folder: Path) -> None:
    run = producer(folder, "enqueue", "messages.csv", "--workers", "1", "--json")
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    assert (receipt["state"], receipt["scored"], receipt["agrees"]) == ("complete", 12_000, True)
    assert len(read(folder / "messages.scores.csv")) == 12_000
    until(lambda: not running(folder), 15)
    home = folder / ".nightshift"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert sorted(path.name for path in folder.iterdir()) == [
        ".nightshift",
        "messages.csv",
        "messages.scores.csv",
        "messages.scores.receipt.json",
        "messages.scores.rejects.csv",
    ]
    assert list((home / "spool").iterdir()) == []
    # The state is kept, so that the job can be asked for, and is not done twice.
    assert "counts agree" in producer(folder, "status", receipt["job"]).out
    assert json.loads(producer(folder, "enqueue", "messages.csv", "--json").out) == receipt
    until(lambda: not running(folder), 15)


@pytest.mark.slow
def test_a_job_whose_spool_is_gone_goes_on(folder: Path) -> None:
    """After a power failure, say, or when somebody tidied up."""
    command = [PRODUCER, "enqueue", "messages.csv", "--workers", "1", "--batch-bytes", "50000"]
    home = folder / ".nightshift"
    home.mkdir(0o700)
    with open_lock(str(home / "worker.keeper")) as lock:  # so that it starts no workers: nothing is to be scored yet
        assert try_lock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(command, cwd=folder, env=environment(), stderr=subprocess.DEVNULL)
        spool, server = home / "spool", redis.Redis(unix_socket_path=str(home / "valkey.sock"))
        until(lambda: (home / "valkey.sock").exists() and server.exists(keys.SECOND.queue) == 1, 30)
        server.close()
        process.kill()
        process.wait()
    until(lambda: not running(folder), 15)
    shutil.rmtree(spool)
    run = producer(folder, *command[1:])
    assert run.code == 0, run.err
    assert len(read(folder / "messages.scores.csv")) == 12_000
    assert list(spool.iterdir()) == []


@pytest.mark.slow
def test_two_commands_share_the_server_and_the_last_one_stops_it(folder: Path) -> None:
    shutil.copy2(MESSAGES, folder / "other.csv")
    words = [PRODUCER, "enqueue", "--workers", "1", "--json"]
    both = [
        subprocess.Popen([*words, name], cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
        for name in ("messages.csv", "other.csv")
    ]
    receipts = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert [receipt["state"] for receipt in receipts] == ["complete"] * 2
    assert receipts[0]["job"] != receipts[1]["job"]
    until(lambda: not running(folder), 15)


@pytest.mark.parametrize("kill", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_interrupted_it_says_how_to_go_on_and_its_processes_end_with_it(folder: Path, kill: signal.Signals) -> None:
    process = subprocess.Popen(
        [PRODUCER, "enqueue", "messages.csv", "--workers", "1"],
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: any("celery" in line for line in running(folder)), 30)
    process.send_signal(kill)
    _, err = process.communicate(timeout=60)
    if kill == signal.SIGINT:
        assert process.returncode == 4
        assert "producer enqueue messages.csv --workers 1" in err
    until(lambda: not running(folder), 15)
    assert not (folder / "messages.scores.csv").exists()
    assert producer(folder, "enqueue", "messages.csv", "--workers", "1").code == 0
    assert len(read(folder / "messages.scores.csv")) == 12_000


def test_a_path_too_long_for_a_socket(folder: Path) -> None:
    deep = folder / ("d" * 120)
    deep.mkdir()
    assert producer(deep, "status").code == 0
    until(lambda: not running(deep), 15)


@pytest.mark.slow
def test_the_python_api(folder: Path) -> None:
    script = """
import producer
job = producer.enqueue("messages.csv", keep=["channel"], workers=1)
job.wait()
frame = job.scores()
print(job.receipt.state, job.receipt.scored, len(frame), list(frame.columns), frame["score"].dtype)
receipt = job.wait("out.csv")
again = producer.attach(job.id)
assert list(again.scores()["message_id"]) == list(frame["message_id"])
assert abs(again.scores()["score"] - frame["score"]).max() < 1e-6
print(receipt.output, list(again.rejects()))
"""
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment(), capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    first, second = run.stdout.splitlines()
    columns = ["message_id", "channel", "score"]
    assert first == f"complete 12000 12000 {columns} float32"
    assert second == f"{folder / 'out.csv'} []"
    until(lambda: not running(folder), 15)
