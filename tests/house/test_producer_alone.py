"""A host that only enqueues needs no TensorFlow, and `producer --help` answers at once."""

import importlib.metadata
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support import ROOT

NAME = "nightshift-scoring"
COMMANDS = (
    "enqueue",
    "plan",
    "status",
    "collect",
    "rejects",
    "retry",
    "cancel",
    "forget",
    "nightly",
    "report",
    "metrics",
)


def required(name: str, extra: str = "") -> set[str]:
    """The distributions that an installation of `name` brings, itself included."""
    found = {name}
    for text in importlib.metadata.requires(name) or []:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            found |= required(requirement.name, next(iter(requirement.extras), ""))
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the producer's own requirements and nothing else; its interpreter."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder, symlinks=True)
    site = next((folder / "lib").glob("python*")) / "site-packages"
    for name in required(NAME) - {NAME}:
        for file in importlib.metadata.files(name) or []:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (site / top).exists():
                (site / top).symlink_to(
                    Path(str(file.locate())).parents[len(file.parts) - 2]
                    if len(file.parts) > 1
                    else Path(str(file.locate()))
                )
    for room in ("producer", "jobs", "formats", "graphs", "nightshift_start.py"):
        (site / room).symlink_to(ROOT / room)
    return folder / "bin" / "python"


def run(python: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    code = "import sys; from producer.cli import main; sys.argv[0] = 'producer'; main()"
    environment = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "PYTHONPATH")}
    return subprocess.run(
        [str(python), "-c", code, *words], capture_output=True, text=True, env=environment, cwd=python.parent
    )


def test_there_is_no_tensorflow_there(alone: Path) -> None:
    done = subprocess.run([str(alone), "-c", "import producer.api, tensorflow"], capture_output=True, text=True)
    assert "No module named 'tensorflow'" in done.stderr


def test_help_names_every_command_with_an_example(alone: Path) -> None:
    done = run(alone, "--help")
    assert done.returncode == 0, done.stderr
    for command in COMMANDS:
        assert re.search(rf"^ +producer {command}\b", done.stdout, re.MULTILINE), command
        own = run(alone, command, "--help")
        assert re.search(rf"Examples?:\n +.*producer {command}", own.stdout), command


def test_help_imports_nothing_slow(alone: Path) -> None:
    """What keeps it well under a second: none of the libraries that take a while."""
    code = (
        "import sys, producer.cli; "
        "print(sorted({'celery', 'redis', 'pyarrow', 'numpy', 'pandas', 'rich', 'google.protobuf'} & set(sys.modules)))"
    )
    done = subprocess.run([str(alone), "-c", code], capture_output=True, text=True, cwd=alone.parent)
    assert done.stdout.strip() == "[]", done.stderr


def test_scoring_here_without_tensorflow_says_what_to_install(alone: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("text\nhello\n")
    os.environ.pop("NIGHTSHIFT_HOME", None)
    done = run(alone, "enqueue", str(tmp_path / "m.csv"))
    assert done.returncode == 1
    assert "pip install '.[worker]' in a checkout" in done.stderr


def test_a_plan_without_tensorflow_lacks_its_time_alone(alone: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("text\nhello\n")
    done = run(alone, "plan", str(tmp_path / "m.csv"))
    assert done.returncode == 0, done.stderr
    assert "no telling: TensorFlow is not installed here" in done.stdout
    assert "the only record: none rejected (the model was not tried on them)" in done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of all files that `pip install` unpacks."""
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    from hatchling.builders.wheel import WheelBuilder

    [wheel] = list(
        WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"])
    )
    return zipfile.ZipFile(wheel).namelist()


def test_a_wheel_carries_the_model_and_the_scripts(wheel: list[str]) -> None:
    assert "producer/spam.pb" in wheel
    assert {"jobs/lua/complete.lua", "producer/report/page.css"} <= set(wheel)
    assert not any(name.startswith(("tests/", "data/")) for name in wheel)
    assert sys.version_info >= (3, 11)


def test_a_wheel_tells_type_checkers_that_each_room_is_typed(wheel: list[str]) -> None:
    rooms = {name.split("/")[0] for name in wheel if name.endswith("/__init__.py")}
    assert rooms == {name.split("/")[0] for name in wheel if name.endswith("py.typed")}
    assert {"producer", "jobs", "worker", "model", "formats", "graphs"} <= rooms


def test_a_command_imports_neither_pandas_nor_celery(tmp_path: Path) -> None:
    """Half a second and 30 MB for the one, a quarter of a second for the other: a small file must not feel slow."""
    script = """
import atexit, sys
from producer.cli import run
atexit.register(lambda: print(*sorted({"pandas", "celery", "kombu", "tensorflow"} & set(sys.modules)), "were imported"))
sys.argv = ["producer", "enqueue", "night.csv", "--quiet"]
run()
"""
    (tmp_path / "night.csv").write_text("message_id,text\n1,hello\n")
    environment = {**os.environ, "NIGHTSHIFT_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    environment.pop("REDIS_URL", None)
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith("\nwere imported\n"), run.stdout
