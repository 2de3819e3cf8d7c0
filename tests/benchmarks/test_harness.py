"""The harness that measures: its messages, its accounting, its check of the scores, and contestants at a tiny size."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import check, graphs, measure
from benchmarks.contestants import CONTESTANTS
from benchmarks.messages import messages

ROOT = Path(__file__).parents[2]
CORES = sorted(os.sched_getaffinity(0))
ROWS = 3000
# Leaves a process behind that works for half a second after the command itself has ended.
ORPHAN = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while time.process_time() < 0.5:
            pass
    os._exit(0)
os.wait()
"""


def read(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["message_id", "text"]
    return [(message_id, text) for message_id, text in rows[1:]]


def test_messages_are_all_different_and_a_line_each(tmp_path: Path) -> None:
    path = messages(tmp_path, ROWS)
    records = read(path)
    assert [message_id for message_id, _ in records] == [f"m{number + 1:06d}" for number in range(ROWS)]
    assert len({text for _, text in records}) == ROWS
    assert path.read_bytes().count(b"\n") == ROWS + 1
    sizes = np.array([len(text.encode()) for _, text in records])
    assert 60 < np.median(sizes) < 100
    assert 400 < sizes.max() < 1000


def test_messages_repeat_on_demand(tmp_path: Path) -> None:
    texts = [text for _, text in read(messages(tmp_path, ROWS, 0.3))]
    assert 0.25 < 1 - len(set(texts)) / ROWS < 0.35


def test_what_a_command_leaves_behind_is_waited_for_and_counted() -> None:
    run = measure.run([sys.executable, "-c", ORPHAN], CORES, timeout=60)
    assert run.error is None
    assert 0.5 <= run.cpu_seconds < 5
    assert run.left_behind == ()


def test_a_run_that_takes_too_long_is_killed_with_all_its_processes() -> None:
    sleeper = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    run = measure.run([sys.executable, "-c", sleeper], CORES, timeout=2)
    assert run.error == "killed after 2 s"
    assert run.seconds < 60


def test_a_run_that_fails_says_why() -> None:
    run = measure.run([sys.executable, "-c", "raise SystemExit('no such luck')"], CORES, timeout=60)
    assert run.error == "exit code 1: no such luck"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (["m000001,0.5", "m000002,0.25", "m000003,0.75"], None),
        (["m000003,0.75", "m000001,0.5", "m000002,0.2500001"], None),
        (["m000001,0.5", "m000002,0.25"], "2 scores for 3 messages"),
        (["m000001,0.5", "m000002,0.25", "m000002,0.25"], "1 of which have none"),
        (["m000001,0.5", "m000002,0.25", "m000003,0.75", "m000003,0.75"], "4 scores for 3 messages"),
        (["m000001,0.5", "m000002,0.25", "m000003,0.76"], "the score of message 3 is off by 0.01"),
    ],
)
def test_nobody_wins_by_not_doing_the_work(tmp_path: Path, rows: list[str], reason: str | None) -> None:
    (tmp_path / "part.csv").write_text("\n".join(["message_id,score", *rows, ""]))
    expected = np.array([0.5, 0.25, 0.75])
    if reason is None:
        check.compare(tmp_path, expected)
    else:
        with pytest.raises(check.Wrong, match=reason):
            check.compare(tmp_path, expected)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nightshift_scores_as_the_limit_does(tmp_path: Path) -> None:
    file = messages(tmp_path, ROWS)
    limit = measure.contestant("limit", file, graphs.SPAM, tmp_path / "limit", CORES)
    assert limit.error is None
    ours = measure.contestant("nightshift", file, graphs.SPAM, tmp_path / "nightshift", CORES)
    assert ours.error is None
    check.compare(tmp_path / "nightshift", check.read(tmp_path / "limit", ROWS))
    assert ours.said["scored"] == ROWS
    assert {"producer", "valkey-server", "celery", "celery child"} <= {process.name for process in ours.processes}
    assert ours.left_behind == ()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_compare_writes_its_tables(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "compare", "--rows", str(ROWS), "--rounds", "1", "--model", "cheap"]
    command += ["--duplicates", "0.3", "--work", str(tmp_path), "--results", str(tmp_path), "--name", "tiny"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (found,) = json.loads((tmp_path / "tiny.json").read_text())["runs"]
    assert set(found["contestants"]) | set(found["skipped"]) == set(CONTESTANTS)
    assert {"limit", "nightshift", "pandas_loop", "plain_celery"} <= set(found["contestants"])
    for name, entry in found["contestants"].items():
        assert entry["errors"] == [], name
        assert entry["median"]["start_up"] > 0
        assert entry["median"]["memory"] > 100e6
    assert "| Nightshift |" in (tmp_path / "tiny.md").read_text()


def test_bare_workers_tell_what_a_server_carries() -> None:
    command = [sys.executable, "-m", "benchmarks.bare_workers", "1", "50"]
    run = subprocess.run(command, cwd=graphs.ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["rate"] > 0


def test_a_file_is_handed_out_by_reference_to_workers_that_do_nothing_with_it(tmp_path: Path) -> None:
    path = messages(tmp_path, ROWS)
    command = [sys.executable, "-m", "benchmarks.handing_out", str(path), "1"]
    run = subprocess.run(command, cwd=graphs.ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["rows"] == ROWS
