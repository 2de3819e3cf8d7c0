"""What a worker consists of, as the system tells it."""

import contextlib
from pathlib import Path

from tests.support import Worker


def processes(worker: Worker) -> list[int]:
    """All that the worker consists of, its parent first."""
    return sorted(session(worker.process.pid), key=lambda pid: (pid != worker.process.pid, pid))


def children(worker: Worker) -> list[int]:
    """Those that score. Each has one of its own beside it, its gatekeeper."""
    return [pid for pid in processes(worker) if _stat(pid)[1] == worker.process.pid]


def session(leader: int) -> list[int]:
    """The processes of a session that are not dead already."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, _, _, leads = _stat(entry.name)
                if leads == leader and state != "Z":
                    found.append(int(entry.name))
    return found


def stopped(process: int) -> bool:
    """By SIGSTOP."""
    return _stat(process)[0] == "T"


def _stat(process: "int | str") -> "tuple[str, int, int, int]":
    """Its state, parent, group and session."""
    state, parent, group, leader, *_ = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return state, int(parent), int(group), int(leader)
