"""`producer status --watch`: all jobs, live, on a terminal, in a pipe and for programs."""

import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.support import until
from tests.support.checkout import MESSAGES, PRODUCER
from tests.support.farm import Farm


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """The sample input, under a name of the test's own: another job."""
    return Path(shutil.copy2(MESSAGES, tmp_path / "watched.csv"))


def start(farm: Farm, out: Path, *words: str) -> "subprocess.Popen[bytes]":
    with out.open("wb") as file:
        return subprocess.Popen(
            [PRODUCER, "status", "--watch", *words],
            env={**os.environ, "REDIS_URL": farm.server.url},
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def test_it_shows_every_change_and_ends_on_ctrl_c_with_0(farm: Farm, messages: Path, tmp_path: Path) -> None:
    lines, objects = tmp_path / "lines", tmp_path / "objects"
    watchers = [start(farm, lines), start(farm, objects, "--json")]
    until(lambda: "1 worker with 2 processes" in lines.read_text(), 20)
    job = farm.producer("enqueue", messages, "--deadline", "2026-01-02T06:00Z").out.strip()
    until(lambda: farm.ledger.progress(job).state == "complete", 30)
    until(lambda: f"{job}: complete" in lines.read_text(), 10)
    until(lambda: any(seen["state"] == "complete" for seen in read(objects, job)), 10)
    for watcher in watchers:
        end(watcher)
    [last] = [line for line in lines.read_text().splitlines() if line.startswith(f"{job}: complete")]
    assert ", 12,000 of 12,000 records, " in last
    batches = farm.ledger.progress(job).batches
    assert re.search(rf" {batches} attempts, 0 rejected, wanted 2026-01-\d\d \d\d:\d\d, late$", last)
    seen = read(objects, job)[-1]
    assert (seen["scored"], seen["total"], seen["workers"], seen["processes"]) == (12_000, 12_000, 1, 2)
    assert seen["seconds_left"] is None
    assert seen["finish"] == pytest.approx(time.time(), abs=60)
    assert "KeyboardInterrupt" not in lines.read_text() + objects.read_text()


def read(path: Path, job: str) -> list[dict[str, object]]:
    """The lines on the job that are whole."""
    whole = path.read_text().rpartition("\n")[0].splitlines()
    return [line for line in map(json.loads, whole) if line["job"] == job]


def drain(terminal: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(terminal, 65536):
            pass


def test_on_a_terminal_it_is_a_table(farm: Farm, messages: Path) -> None:
    done = farm.producer("enqueue", messages, "--wait", "--json")
    job = json.loads(done.out)["job"]
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [PRODUCER, "status", "--watch"],
        env={**os.environ, "REDIS_URL": farm.server.url, "COLUMNS": "160", "TERM": "xterm"},
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    try:
        shown = ""
        deadline = time.monotonic() + 20
        while job not in shown or "attempts" not in shown:
            assert time.monotonic() < deadline, shown
            if select.select([master], [], [], 0.2)[0]:
                shown += os.read(master, 65536).decode()
        # A terminal goes on reading; a table that nobody reads would keep the command from its end.
        reader = threading.Thread(target=drain, args=(master,))
        reader.start()
        end(process)
        reader.join(10)
    finally:
        process.kill()
        os.close(master)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert re.search(rf"{job}\s+complete\s+12,000 of 12,000\s+100\s+[\d,]+/s", plain), plain
    assert "1 worker with 2 processes" in plain


@pytest.mark.slow
def test_a_server_that_goes_away_is_waited_for(bare_farm: Farm, tmp_path: Path) -> None:
    out = tmp_path / "lines"
    watcher = start(bare_farm, out)
    until(lambda: "0 workers with 0 processes" in out.read_text(), 20)
    bare_farm.server.kill()
    until(lambda: "waiting for the server: " in out.read_text(), 30)
    bare_farm.server.start()
    time.sleep(2)
    end(watcher)
    assert len(out.read_text().splitlines()) == 2
