"""The commands with REDIS_URL unset: `producer` brings its own server and workers."""

import os
from pathlib import Path

from tests.support.forks import forks
from tests.support.run import Run


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "REDIS_URL"}


def producer(folder: Path, *words: object) -> Run:
    """A process of its own, but not an interpreter of its own; as is the other command's."""
    return forks().run([*map(str, words)], environment(), folder, 120)


def model(folder: Path, *words: object) -> Run:
    return forks("model").run([*map(str, words)], environment(), folder, 120)


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
