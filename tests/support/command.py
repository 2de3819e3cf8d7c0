"""The commands with REDIS_URL unset: `producer` brings its own server and workers."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.checkout import MODELS, PRODUCER


@dataclass
class Run:
    """What the command left behind."""

    code: int
    out: str
    err: str


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "REDIS_URL"}


def producer(folder: Path, *words: object) -> Run:
    return _run(folder, PRODUCER, *words)


def model(folder: Path, *words: object) -> Run:
    """The `model` command."""
    return _run(folder, MODELS, *words)


def _run(folder: Path, program: object, *words: object) -> Run:
    command = [str(program), *map(str, words)]
    run = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=120)
    return Run(run.returncode, run.stdout, run.stderr)


def running(folder: Path) -> list[str]:
    """The command lines of processes at work in that folder's `.nightshift`."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and (process / "cwd").readlink() == folder / ".nightshift":
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found
