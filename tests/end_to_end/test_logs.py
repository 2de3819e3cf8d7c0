"""With --log-format json every line on stderr is an object with host, job and batch, the workers' lines as well."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, until
from tests.support.checkout import MESSAGES
from tests.support.farm import Farm

KEYS = {"time", "level", "logger", "message", "host", "pid", "job", "batch"}


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """The sample input, under a name of the test's own: another job."""
    return Path(shutil.copy2(MESSAGES, tmp_path / "messages.csv"))


def parse(text: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert line.keys() >= KEYS, line
        assert line["host"] == socket.gethostname()
    return lines


@pytest.mark.slow
def test_a_workers_lines_say_which_batch_they_are_about(bare_farm: Farm, messages: Path, tmp_path: Path) -> None:
    farm, log = bare_farm, tmp_path / "worker.log"
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "worker", "worker", "--concurrency", "1", "--loglevel", "INFO",
             "--log-format", "json"],
            cwd=ROOT,
            env={**os.environ, "REDIS_URL": farm.server.url},
            stdout=out,
            stderr=out,
        )  # fmt: skip
    try:
        run = farm.producer("--log-format", "json", "enqueue", messages, "--wait", "--json", "--batch-bytes", 200_000,
                            "--deadline", "2026-01-02T06:00Z")  # fmt: skip
        assert run.code == 0, run.err
        job = json.loads(run.out)["job"]
        batches = json.loads(run.out)["batches"]
        until(lambda: log.read_text().count("succeeded in") == batches, 20)
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(45)
    lines = parse(log.read_text())
    for word in ("received", "succeeded in"):
        about = [(line["job"], line["batch"]) for line in lines if word in line["message"]]
        assert sorted(about) == [(job, batch) for batch in range(batches)]
    [opened] = [line for line in lines if "opened a session" in line["message"]]
    assert opened["job"] == job
    assert isinstance(opened["batch"], int)
    assert opened["level"] == "warning"
    [ready] = [line for line in lines if line["message"].endswith(" ready.")]
    assert (ready["job"], ready["batch"]) == (None, None)
    told = parse(run.err)
    assert {line["job"] for line in told} == {job}
    assert told[-1]["receipt"]["scored"] == 12_000
    assert any(line["level"] == "warning" and ", wanted 2026-01-02 " in line["message"] for line in told)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--log-format", "json", "enqueue", "no.csv"), 1, "no.csv: No such file or directory"),
        (("enqueue", "no.csv", "--log-format", "json"), 1, "no.csv: No such file or directory"),
        (("--log-format", "json", "enqueue"), 2, "Missing argument 'FILE...'."),
    ],
)
def test_errors_are_lines_too(farm: Farm, words: tuple[str, ...], code: int, message: str) -> None:
    run = farm.producer(*words)
    assert run.code == code
    [line] = parse(run.err)
    assert (line["level"], line["logger"], line["message"]) == ("error", "producer", message)


def test_the_environment_chooses_too(farm: Farm) -> None:
    [line] = parse(farm.producer("status", "nonsense", NIGHTSHIFT_LOG_FORMAT="json").err)
    assert line["message"].startswith("there is no job nonsense")
    wrong = farm.producer("status", NIGHTSHIFT_LOG_FORMAT="xml")
    assert wrong.code == 1
    assert wrong.err == "producer: NIGHTSHIFT_LOG_FORMAT: 'xml' is none of: text, json\n"
