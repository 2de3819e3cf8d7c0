"""Mutants at the doors, in a process of their own: one that ends it is told, and the next ones go on in another."""

import hashlib
import json
import mmap
import os
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.checkout import ROOT

SECONDS = 10  # that one mutant may take
MEMORY = 8 << 30  # bytes of address space: what asks for more gets a MemoryError
OF_A_JOB = re.compile(r"[a-z0-9-]+-[0-9a-f]{16}(\.[0-9a-f]{16})?\.\d+\..*")  # the names of files of one
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Finding(NamedTuple):
    """A mutant that was neither taken nor turned away, or that went where it has no business."""

    number: int
    door: str
    why: str

    def __str__(self) -> str:
        return f"mutant {self.number} at the door {self.door!r}: {self.why}"


class Outcome(NamedTuple):
    taken: int
    refused: int
    findings: list[Finding]


def run(mutants: int, seed: int, first: int = 0) -> Outcome:
    """Tries so many mutants, from number `first` on, which follow from the seed and their numbers alone."""
    taken = refused = 0
    findings: list[Finding] = []
    end = first + mutants
    with tempfile.TemporaryDirectory(prefix="forged-") as name, tempfile.TemporaryFile() as shared:
        shared.write(bytes(32))
        shared.flush()
        while first < end:
            command = [
                sys.executable,
                "-m",
                "tests.forged.trial",
                name,
                str(first),
                str(end),
                str(seed),
                str(shared.fileno()),
            ]
            done = subprocess.run(
                command, cwd=ROOT, pass_fds=[shared.fileno()], capture_output=True, text=True, check=False
            )
            findings += [Finding(*json.loads(line)) for line in done.stdout.splitlines()]
            shared.seek(0)
            number, one, other, _ = struct.unpack("<4Q", shared.read(32))
            taken, refused = taken + one, refused + other
            if done.returncode == 0:
                break
            if done.returncode > 0:
                raise RuntimeError(f"the trial itself failed at mutant {number}: {done.stderr[-2000:]}")
            ending = signal.Signals(-done.returncode).name
            findings.append(Finding(number, "", f"ended the process: {ending}: {done.stderr[-300:]}"))
            first = number + 1
            shared.seek(0)
            shared.write(bytes(32))
            shared.flush()
    return Outcome(taken, refused, findings)


def main() -> None:
    folder, first, end, seed, shared = Path(sys.argv[1]), *map(int, sys.argv[2:])
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    from tests.forged.doors import doors

    for name in ("spool", "outside"):
        (folder / name).mkdir(exist_ok=True, mode=0o700)
    for place in (
        folder / "outside" / "mine.csv",
        folder / "spool" / "other-fedcba9876543210.ffffffffffffffff.0.input",
        folder / "forged",
    ):
        place.write_text("somebody else's\n")
    all_doors = doors(folder)
    names = sorted(all_doors)
    counts = mmap.mmap(shared, 32)
    watch = _Watch(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process: nothing interrupts C++
    taken = refused = 0
    for number in range(first, end):
        struct.pack_into("<4Q", counts, 0, number, taken, refused, 0)
        name = names[number % len(names)]
        door = all_doors[name]
        chance = random.Random(f"{seed}:{number}")
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        data = door.mutant(chance, door.original)
        why = ""
        with watch:
            try:
                door.enter(data)
                taken += 1
            except door.refused:
                refused += 1
            except BaseException as error:
                place = traceback.extract_tb(error.__traceback__)[-3:]
                steps = " < ".join(f"{Path(each.filename).name}:{each.lineno}" for each in reversed(place))
                why = f"{type(error).__name__}: {str(error)[:200]} ({steps})"
        for each in [why, *watch.told()]:
            if each:
                print(json.dumps([number, name, each]), flush=True)
    struct.pack_into("<4Q", counts, 0, end, taken, refused, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    if lost := [str(path) for path, digest in watch.before.items() if _digest(path) != digest]:
        print(json.dumps([end, "", f"files of others were touched: {lost}"]), flush=True)
    sys.stdout.flush()
    os._exit(0)


class _Watch:
    """Which files are written, renamed or removed while it is open: Python says so before it does it."""

    def __init__(self, folder: Path) -> None:
        self._spool = folder / "spool"
        self._open = False
        self._seen: list[str] = []
        self.before = {
            path: _digest(path) for path in folder.rglob("*") if path.is_file() and "night-" not in path.name
        }
        sys.addaudithook(self._hear)

    def __enter__(self) -> None:
        self._open = True

    def __exit__(self, *_: object) -> None:
        self._open = False

    def told(self) -> list[str]:
        seen, self._seen = self._seen, []
        return seen

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._open:
            return
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & WRITING or path == "/dev/null":
                return
        elif event not in ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"):
            if event in ("subprocess.Popen", "os.system", "os.exec", "os.fork", "pickle.find_class", "socket.connect"):
                self._seen.append(f"{event} {arguments!r:.200}")
            return
        for path in (
            each
            for each in arguments[: 2 if event == "os.rename" else 1]
            if isinstance(each, str | bytes | os.PathLike)
        ):
            place = Path(os.fsdecode(path))
            if event == "os.mkdir" and place == self._spool:
                continue
            if os.path.normpath(place.parent) != str(self._spool) or not OF_A_JOB.fullmatch(place.name):
                self._seen.append(f"{event} {str(place)[:200]!r}")


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def lines(outcome: Outcome) -> Iterator[str]:
    taken, refused, _ = outcome
    yield f"{taken + refused:,} mutants: {refused:,} turned away, {taken:,} taken for good"
    for each in outcome.findings:
        yield str(each)


if __name__ == "__main__":
    main()
