"""What strangers wrote, in names of files and columns and in messages, is shown as text: it crashes no command, moves
no terminal and forges no line."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.support.checkout import PRODUCER
from tests.support.farm import Farm

EVIL = "[/x]\x1b[2J\n\r\u202e\x9b"
# Paths have the same in them: the slash is between a folder and a file.
FOLDER, NAME = "m[", os.fsdecode(EVIL.removeprefix("[/").encode() + b"\xff.csv")
FORGED = "producer: forged"


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A file whose name, header and messages are hostile, with a record that is rejected."""
    (tmp_path / FOLDER).mkdir()
    path = tmp_path / FOLDER / NAME
    column = f'"c{EVIL}\n{FORGED}"'
    path.write_bytes(f'id,text,{column}\n1,"{EVIL}",a\n2,short\n3,"[red]free[/x]",b\n'.encode())
    return path


def check_harmless(text: str, is_drawn: bool = False) -> None:
    """Lines of ours alone; what is drawn on a terminal may go back to where a line begins."""
    assert "Traceback" not in text, text
    for sign in ("\x1b[2J", "\u202e", "\x9b"):
        assert sign not in text, repr(text)
    lines = text.split("\n")
    assert is_drawn or not any("\r" in line for line in lines), repr(text)
    assert not any(line.startswith(FORGED) for line in lines), text
    text.encode()


def job_of(farm: Farm, path: Path, output: Path) -> str:
    run = farm.producer("enqueue", path, "--output", output, "--json", "--id", "id")
    check_harmless(run.err)
    assert run.code == 0, run.err
    return str(json.loads(run.out)["job"])


def test_no_command_is_moved_by_what_a_pipe_gets_of_it(farm: Farm, evil: Path, tmp_path: Path) -> None:
    output = evil.with_name(f"{NAME}.out.csv")
    job = job_of(farm, evil, output)
    for words in (
        ("plan", evil, "--no-time"), ("plan", evil, "--no-time", "--json"), ("status", job), ("status", job, "--json"),
        ("status",), ("verify", output), ("enqueue", evil, "--output", output), ("retry", job),
        ("enqueue", evil, "--output", output, "--id", f"c{EVIL}"), ("collect", job, "--output", evil),
        ("verify", evil), ("enqueue", evil, "--output", output, "--fetch", f"n{EVIL}"),
        ("enqueue", tmp_path / f"none{EVIL}"), ("enqueue", evil, "--output", output, "--max-rejects", EVIL),
        ("enqueue", evil, "--model", evil, "--output", output), ("status", f"job{EVIL}"),
        ("--log-format", "json", "enqueue", evil, "--output", output, "--id", f"c{EVIL}"),
    ):  # fmt: skip
        run = farm.producer(*words)
        check_harmless(run.out + run.err)
        assert run.code in (0, 1, 2), (words, run.err)
    receipt = farm.producer("status", job).out
    assert r"m[/x]\x1b[2J\n\r\u202e\x9b\udcff.csv.out.csv" in "".join(map(str.strip, receipt.split("\n"))), receipt


def test_a_page_and_a_program_get_what_they_can_use(farm: Farm, evil: Path, tmp_path: Path) -> None:
    """A pipe gets paths and rejects as they are: what reads there is no terminal."""
    output = evil.with_name(f"{NAME}.out.csv")
    job = job_of(farm, evil, output)
    with subprocess.Popen(
        [PRODUCER, "report", job, "--by", f"c{EVIL}\n{FORGED}"],
        env={**os.environ, "REDIS_URL": farm.server.url},
        stdout=subprocess.PIPE,
    ) as report:
        path = report.communicate(timeout=60)[0][:-1]
    page = Path(os.fsdecode(path)).read_text()
    check_harmless(page)
    assert farm.producer("rejects", job).out.count("2,short") == 1


def test_the_nights_log_has_a_line_for_each_thing_said(farm: Farm, evil: Path, tmp_path: Path) -> None:
    evil.with_name(f"x]\n{FORGED}.csv").write_text("id,text\n1,a\n")
    run = farm.producer(
        "nightly", str(tmp_path / "m[[]" / "*.csv"), "--once", "--settle", 0, "--id", "id", "--output",
        str(tmp_path / "scores" / "{stem}.csv"),
    )  # fmt: skip
    check_harmless(run.err)
    assert len(re.findall(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d .*: complete", run.err, re.MULTILINE)) == 2, run.err


def test_the_workers_log_has_a_line_for_each_thing_said(farm: Farm, evil: Path, tmp_path: Path) -> None:
    job_of(farm, evil, tmp_path / "out.csv")
    check_harmless(farm.workers[0].text())


def on_terminal(farm: Farm, *words: object, wait_for: str = "") -> str:
    """What the command draws on a terminal; Ctrl-C once it has drawn that."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [PRODUCER, *map(str, words)],
        env={**os.environ, "REDIS_URL": farm.server.url, "TERM": "xterm", "COLUMNS": "200"},
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    drawn, deadline = b"", time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            ready, _, _ = select.select([master], [], [], 0.1)
            if ready:
                try:
                    drawn += os.read(master, 1 << 16)
                except OSError:  # the other end is closed
                    break
            if wait_for and wait_for.encode() in drawn:
                process.send_signal(signal.SIGINT)
                wait_for = ""
        process.wait(20)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    return drawn.decode(errors="surrogateescape")


def test_no_terminal_obeys(farm: Farm, evil: Path, tmp_path: Path) -> None:
    job = job_of(farm, evil, evil.with_name(f"{NAME}.out.csv"))
    for words, wait_for in (
        (("status", job), ""), (("rejects", job), ""), (("status", "--watch"), job),
        (("enqueue", evil, "--again", "--output", evil.with_name(f"{NAME}.2.csv"), "--keep", f"c{EVIL}\n{FORGED}"), ""),
    ):  # fmt: skip
        drawn = on_terminal(farm, *words, wait_for=wait_for)
        check_harmless(drawn, is_drawn=True)
        assert job.partition("-")[0] in drawn or "2,short" in drawn, drawn


def test_a_pipe_into_which_nobody_writes_is_named_and_ctrl_c_ends_it(farm: Farm, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe\x1b[2J\n"
    os.mkfifo(pipe)
    with subprocess.Popen(
        [PRODUCER, "enqueue", pipe, "--output", tmp_path / "out.csv"],
        env={**os.environ, "REDIS_URL": farm.server.url, "NIGHTSHIFT_HOME": str(tmp_path / "home")},
        stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        timer = threading.Timer(60, process.kill)
        timer.start()
        assert process.stderr
        said = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said += process.stderr.read()
        timer.cancel()
    check_harmless(said)
    assert "waiting for somebody to write into" in said
    assert process.returncode == 4, said


@pytest.mark.parametrize(
    "url",
    ["redis://:s3cr3t/pw@127.0.0.1:1/0", "s3cr3t", ":s3cr3t@127.0.0.1:1", "redis://:s3cr3t@b/s3cr3t@127.0.0.1/0",
     "redis://127.0.0.1:1/0?password=s3cr3t", "redis://:s3cr3t@127.0.0.1:1/0", "redis://127.0.0.1:1/0?pwd=s3cr3t"],
)  # fmt: skip
def test_no_error_tells_a_password(farm: Farm, url: str) -> None:
    run = farm.producer("status", REDIS_URL=url)
    assert run.code == 1, run.err
    assert "s3cr3t" not in run.out + run.err
    assert run.err.startswith("producer: ")
