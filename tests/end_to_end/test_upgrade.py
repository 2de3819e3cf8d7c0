"""An upgrade at night: workers and commands of an older version beside new ones, on one server."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, Worker, until
from tests.support.checkout import MESSAGES
from tests.support.farm import Farm

OLDER = "046b89c12ce803350282a49c1788712ca3421f31"  # the last commit of format 1

pytestmark = pytest.mark.slow


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The older version's files."""
    archive = subprocess.run(["git", "archive", OLDER], cwd=ROOT, capture_output=True)
    if archive.returncode:
        pytest.skip("the older version is not in this checkout's history")
    folder = tmp_path / "older"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def test_an_older_worker_and_an_older_command_beside_new_ones(bare_farm: Farm, older: Path, tmp_path: Path) -> None:
    """Neither takes what it can't read, and no attempt is spent; what is old is still scored, collected and proven."""
    farm, log = bare_farm, tmp_path / "older.log"
    environment = {**os.environ, "REDIS_URL": farm.server.url, "PYTHONPATH": str(older)}
    words = [sys.executable, "-m", "celery", "-A", "worker", "worker", "--concurrency", "1", "-n", "older@test"]
    with log.open("wb") as out:
        worker = subprocess.Popen([*words, *Worker.FLAGS], cwd=older, env=environment, stdout=out, stderr=out)

    def enqueue_older(output: Path, *options: str) -> dict[str, Any]:
        code = "from producer.cli import run; run()"
        command = [sys.executable, "-c", code, "enqueue", str(MESSAGES), "--output", str(output), "--json", *options]
        done = subprocess.run(command, cwd=older, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        receipt: dict[str, Any] = json.loads(done.stdout)
        return receipt

    try:
        farm.start_worker("new")
        until(lambda: " ready." in log.read_text(), 90)
        new, old = tmp_path / "new.csv", tmp_path / "old.csv"
        run = farm.producer("enqueue", MESSAGES, "--output", new, "--json", "--batch-bytes", 20_000)
        assert run.code == 0, run.err
        receipt = json.loads(run.out)
        assert receipt["attempts"] == receipt["batches"], "the older worker took none of it"
        older_receipt = enqueue_older(old, "--batch-bytes", "20000")
        assert older_receipt["attempts"] == older_receipt["batches"]
        assert old.read_bytes() == new.read_bytes()
        collected = tmp_path / "collected.csv"
        assert farm.producer("collect", older_receipt["job"], "--output", collected).code == 0
        assert collected.read_bytes() == new.read_bytes()
        assert farm.producer("verify", collected).code == 0
        assert "Traceback" not in log.read_text()
    finally:
        worker.terminate()
        worker.wait(45)
    assert enqueue_older(tmp_path / "again.csv", "--again")["state"] == "complete", "by the new worker alone"
