"""One run of one command: in a session of its own, on the given cores, watched by a warden (warden.py)."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.graphs import ROOT

# Nothing of the caller's may slip in: settings of Nightshift, a server, a GPU.
_FOREIGN = ("REDIS_URL", "NIGHTSHIFT_", "CELERY_", "RAY_", "SPARK_", "DASK_")


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    rss: int  # bytes, its peak
    cpu: float  # seconds, as last seen: up to a fifth of a second short


@dataclass(frozen=True, slots=True)
class Run:
    """Wall-clock seconds from launch to exit, CPU-seconds and memory of all its processes, and what it said."""

    seconds: float
    cpu_seconds: float
    others: float  # CPU-seconds that everybody else on this machine used meanwhile
    memory: int  # bytes: the highest sum of proportional set sizes
    processes: tuple[Process, ...]
    left_behind: tuple[str, ...]  # had to be killed afterwards
    began_at: float  # seconds since the epoch
    said: dict[str, Any]  # the JSON object on its standard output, if any
    error: str | None  # why it does not count


_disturbances: list[tuple[float, float]] = []  # of each run so far, its seconds and what others used


def disturbance() -> float:
    """How many cores everybody else kept busy during the runs so far, on average."""
    return sum(others for _, others in _disturbances) / max(1e-9, sum(seconds for seconds, _ in _disturbances))


def run(
    command: Sequence[str], cores: Sequence[int], timeout: float, environment: Mapping[str, str] | None = None
) -> Run:
    """Runs the command from the project's root. Its error is the last line of its standard error."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    variables = {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    with tempfile.TemporaryDirectory() as folder:
        report, out, err = (Path(folder) / name for name in ("report", "out", "err"))
        with out.open("wb") as out_file, err.open("wb") as err_file:
            warden = [sys.executable, "-m", "benchmarks.warden", str(report), ",".join(map(str, cores)), str(timeout)]
            subprocess.run(
                [*warden, "--", *command],
                cwd=ROOT,
                env={**kept, **variables, **(environment or {})},
                stdout=out_file,
                stderr=err_file,
                check=True,
            )
        outcome = json.loads(report.read_text())
        _disturbances.append((outcome["seconds"], outcome["others"]))
        error = None
        if outcome["timed_out"]:
            error = f"killed after {timeout:,.0f} s"
        elif outcome["exit_code"]:
            words = err.read_text(errors="replace").strip().splitlines() or [""]
            error = f"exit code {outcome['exit_code']}: {words[-1][:300]}"
        return Run(
            seconds=outcome["seconds"],
            cpu_seconds=outcome["cpu_seconds"],
            others=outcome["others"],
            memory=outcome["memory"],
            processes=tuple(Process(**each) for each in outcome["processes"]),
            left_behind=tuple(outcome["left_behind"]),
            began_at=outcome["began_at"],
            said=_json(out.read_text(errors="replace")),
            error=error,
        )


def contestant(
    module: str,
    file: Path,
    model: Path,
    output: Path,
    cores: Sequence[int],
    *,
    processes: int = 0,
    timeout: float = 3600,
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Has a contestant score the file into the folder, which is emptied first, with a process a core by default."""
    clear(output)
    output.mkdir(parents=True)
    command = [sys.executable, "-m", f"benchmarks.contestants.{module}"]
    command += ["--input", str(file), "--model", str(model), "--output", str(output)]
    command += ["--cores", str(processes or len(cores))]
    return run(command, cores, timeout, environment)


def clear(output: Path) -> None:
    shutil.rmtree(output, ignore_errors=True)


def _json(text: str) -> dict[str, Any]:
    lines = text.strip().splitlines()
    if lines and lines[-1].startswith("{"):
        said: dict[str, Any] = json.loads(lines[-1])
        return said
    return {}
