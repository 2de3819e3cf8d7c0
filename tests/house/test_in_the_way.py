"""Our packages have plain names. Whose project has a `jobs` or a `model` too learns which is in the way of which."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

START = "import sys; sys.argv[0] = '{0}'; from nightshift_start import {0}; {0}()"


def run(tmp_path: Path, command: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join([environment.pop("FIRST", ""), str(ROOT)]).strip(os.pathsep)
    clean = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    return subprocess.run(
        command,
        cwd=tmp_path,
        env={**clean, "PYTHONPATH": path, "NIGHTSHIFT_HOME": str(tmp_path / "home"), **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture(params=["package", pytest.param("module", marks=pytest.mark.slow)])
def theirs(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with somebody's own `jobs` and `model`, as packages or as modules, that tell when they run."""
    folder = tmp_path / "theirs"
    for name in ("jobs", "model", "producer"):
        file = folder / name / "__init__.py" if request.param == "package" else folder / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("print('THEIRS RUNS')\n")
    return folder


@pytest.mark.parametrize("command", ["producer", "model"])
def test_a_command_names_what_is_in_its_way(tmp_path: Path, theirs: Path, command: str) -> None:
    done = run(tmp_path, [sys.executable, "-c", START.format(command), "--help"], FIRST=str(theirs))
    assert done.returncode == 1
    [line] = (done.stdout + done.stderr).splitlines()
    assert line.startswith(f"{command}: the module '{command}' at {theirs}/{command}")
    assert str(ROOT / command) in line


def test_jobs_of_the_users_own(tmp_path: Path, theirs: Path) -> None:
    """Theirs are seldom called `producer`; the other package that the command needs is looked at as well."""
    for other in ("producer", "model"):
        for path in (theirs / f"{other}.py", theirs / other / "__init__.py"):
            path.unlink(missing_ok=True)
    done = run(tmp_path, [sys.executable, "-c", START.format("producer"), "status"], FIRST=str(theirs))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"producer: the module 'jobs' at {theirs}/jobs"), done.stderr
    script = "import producer\nproducer.enqueue('a.csv')"
    done = run(tmp_path, [sys.executable, "-c", script], FIRST=str(theirs))
    assert f"ImportError: the module 'jobs' at {theirs}/jobs" in done.stderr


def test_celery_in_a_directory_with_packages_of_the_same_names(tmp_path: Path, theirs: Path) -> None:
    """Celery puts the directory where it starts before everything else."""
    command = [sys.executable, "-m", "celery", "-A", "worker", "worker"]
    done = run(theirs, command, REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    [line] = (done.stdout + done.stderr).splitlines()
    assert line.startswith(f"worker: the module 'model' at {theirs}/model")


@pytest.mark.slow
def test_a_directory_with_packages_of_the_same_names_is_no_harm_to_the_commands(tmp_path: Path, theirs: Path) -> None:
    """Nor to the embedded server and its workers, which it starts elsewhere."""
    (theirs / "a.csv").write_text("text\nhello\n")
    code = "import sys; sys.path.remove(''); " + START.format("producer")
    done = run(theirs, [sys.executable, "-c", code, "enqueue", "a.csv"])
    assert done.returncode == 0, done.stderr


def test_a_folder_without_code_is_not_in_the_way(tmp_path: Path) -> None:
    """A folder `model` with checkpoints in it is no package: Python finds ours behind it."""
    (tmp_path / "model").mkdir()
    done = run(tmp_path, [sys.executable, "-c", START.format("model"), "--help"], FIRST=str(tmp_path))
    assert done.returncode == 0, done.stderr
