"""An embedded server and one worker process that the examples of a test run find warm, as a second command does."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import ROOT

HOLD = """
import sys
from jobs.settings import Settings
from producer.server.connection import Connection
with Connection(Settings.from_environment()) as connection:
    connection.start_workers(1)
    print("up", flush=True)
    sys.stdin.read()
"""


def clean(home: Path) -> dict[str, str]:
    """The environment of somebody who has configured nothing but the home."""
    ours = {name: value for name, value in os.environ.items() if name.partition("_")[0] not in ("REDIS", "NIGHTSHIFT")}
    return {**ours, "NIGHTSHIFT_HOME": str(home)}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The NIGHTSHIFT_HOME of all examples."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-c", HOLD]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=clean(home), stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "up\n"
        yield home
        holder.communicate()


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    return clean(home)


@pytest.fixture
def example(environment: dict[str, str], tmp_path: Path) -> Callable[..., str]:
    """Runs an example in a folder of its own; what it printed."""

    def run(name: str, *words: object, code: int = 0, **settings: str) -> str:
        command = [sys.executable, str(ROOT / "examples" / name), *map(str, words)]
        run = subprocess.run(
            command, cwd=tmp_path, env={**environment, **settings}, capture_output=True, text=True, timeout=120
        )
        assert run.returncode == code, run.stdout + run.stderr
        return run.stdout

    return run
