"""Runs one command to its end and accounts for all that it started: time, CPU-seconds, memory per process.

    python -m benchmarks.warden REPORT CORES SECONDS -- COMMAND...

A process of its own, with nothing but the standard library. It is a "child subreaper" (prctl(2)): whatever the command
leaves behind, daemons included, becomes its child. So the kernel's accounting of its dead children (getrusage(2)) is
the CPU time of the run's processes, however short-lived, and of nothing else; only those that a parent never waits for
are missing, as Ray's are, and then the sum of the samples is more, and counts. Linux only.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.2
SHARED_EVERY = 5  # samples: what the kernel has to count page by page is asked for less often
GRACE_SECONDS = 10.0  # for what outlives the command

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass
class Process:
    """A process as it was last seen. Bytes and CPU-seconds."""

    name: str
    rss: int = 0  # its peak, by the kernel's own high-water mark
    cpu: float = 0.0


class Sampler(threading.Thread):
    """Watches the descendants of this process."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.processes: dict[int, Process] = {}
        self.together = 0  # the highest sum of all processes' proportional sets: shared pages count once
        self._own = threading.get_native_id()
        self._over = threading.Event()

    def run(self) -> None:
        count = 0
        while not self._over.wait(SAMPLE_SECONDS):
            alive = descendants(os.getpid())
            for pid, (parent, cpu) in alive.items():
                with contextlib.suppress(OSError):
                    self._sample(pid, parent, cpu)
            if count % SHARED_EVERY == 0:
                self.together = max(self.together, sum(map(proportional_set, alive)))
            count += 1

    def _sample(self, pid: int, parent: int, cpu: float) -> None:
        if pid not in self.processes:
            self.processes[pid] = Process("")
        process = self.processes[pid]
        process.cpu = max(process.cpu, cpu)
        process.rss = max(process.rss, peak_rss(pid))
        argv = command_line(pid)
        if argv != [""]:  # a zombie has none
            process.name = name(argv) + (" child" if argv == command_line(parent) else "")

    def stop(self) -> None:
        self._over.set()
        self.join()


def descendants(root: int) -> dict[int, tuple[int, float]]:
    """Parent and CPU-seconds of each, by process id."""
    seen: dict[int, tuple[int, float]] = {}
    for entry in os.listdir(_PROC):  # noqa: PTH208 -- five times a second
        if entry.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123
                    fields = file.read().rpartition(b")")[2].split()
                seen[int(entry)] = int(fields[1]), (int(fields[11]) + int(fields[12])) / _TICKS
    found: dict[int, tuple[int, float]] = {}
    kin = {root}
    while True:
        more = {pid for pid, (parent, _) in seen.items() if parent in kin and pid not in kin}
        if not more:
            return found
        kin |= more
        found |= {pid: seen[pid] for pid in more}


def command_line(pid: int) -> list[str]:
    return (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")


def busy() -> float:
    """CPU-seconds spent on this machine since it began, by anybody; what a shared host gave to others is in it."""
    with open("/proc/stat") as file:  # noqa: PTH123
        user, nice, system, _idle, _waiting, interrupts, soft, stolen = map(int, file.readline().split()[1:9])
    return (user + nice + system + interrupts + soft + stolen) / _TICKS


def peak_rss(pid: int) -> int:
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    return 0  # a zombie, or the kernel's


def proportional_set(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0


def name(argv: list[str]) -> str:
    """What a person would call it: the module or script for Python, else the program."""
    words = [Path(argv[0].split(" ")[0]).name, *argv[1:]]
    if not words[0].startswith("python"):
        return words[0] or "?"
    rest = words[1:]
    while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c"):
        rest = rest[1:]
    if rest[:1] == ["-m"]:
        subject = rest[2] if rest[1] == "producer.server.keeper" else ""
        return f"{rest[1]} {subject}".strip()
    if rest[:1] == ["-c"]:
        return "python -c " + rest[1].partition("import ")[2].split(";")[0][:40]
    return Path(rest[0]).name if rest and rest[0] else words[0]


def watch(command: list[str], cores: list[int], seconds: float) -> dict[str, object]:
    """Runs the command on those cores, for so long at most. What it leaves running has ten seconds to end by itself."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sampler = Sampler()
    sampler.start()
    busy_before = busy()
    began, began_at = time.monotonic(), time.time()
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, cores)
    )
    timed_out = threading.Event()

    def time_out() -> None:
        timed_out.set()
        kill_all()

    timer = threading.Timer(seconds, time_out)
    timer.daemon = True
    timer.start()
    status = None
    try:
        while status is None:
            pid, ended = os.wait()  # orphans too
            if pid == child.pid:
                status = os.waitstatus_to_exitcode(ended)
    except BaseException:  # Ctrl-C, or the harness is gone
        kill_all()
        raise
    took = time.monotonic() - began
    timer.cancel()
    left = reap(GRACE_SECONDS)
    sampler.stop()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = max(used.ru_utime + used.ru_stime, sum(each.cpu for each in sampler.processes.values()))
    return {
        "exit_code": status,
        "timed_out": timed_out.is_set(),
        "began_at": began_at,
        "seconds": took,
        "cpu_seconds": cpu_seconds,
        "others": max(0.0, busy() - busy_before - cpu_seconds - time.process_time()),
        "memory": sampler.together,
        "left_behind": left,
        "processes": [asdict(process) for process in sampler.processes.values()],
    }


def reap(grace: float) -> list[str]:
    """Waits for all children, and kills those that don't end. Returns what had to be killed."""
    deadline = time.monotonic() + grace
    killed: list[str] = []
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return killed
        if time.monotonic() > deadline:
            killed += kill_all()
        time.sleep(0.01)


def kill_all() -> list[str]:
    names = []
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            argv = command_line(pid)
            os.kill(pid, signal.SIGKILL)
            if argv != [""]:
                names.append(name(argv))
    return names


if __name__ == "__main__":
    report, given_cores, limit = sys.argv[1:4]
    outcome = watch(sys.argv[5:], [int(core) for core in given_cores.split(",")], float(limit))
    Path(report).write_text(json.dumps(outcome))
