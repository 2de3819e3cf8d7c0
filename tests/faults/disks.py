"""A disk that loses or alters what the server wrote: `python -m tests.faults.disks --help`.

The append-only file of a job, as it was at several moments, is cut or has one bit flipped, and a server is started on
it. It may refuse to start. If it does not, the command that the user repeats may refuse with one line; if it says
complete, its files are those of an undisturbed run, byte for byte. After a refusal `producer forget` and the same
command again must do.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from jobs import keys
from producer.outputs.paths import rejects_path
from tests.faults.inputs import build_model, write_input
from tests.faults.night import Night, make_reference
from tests.faults.site import Site, open_site
from tests.support import Worker, until

ROWS = 4_000  # four batches of one micro-batch each
TAIL = 4096  # bytes at the end of the file, each of which is cut at
COMMAND_SECONDS = 60
SETTINGS = {"NIGHTSHIFT_LEASE_SECONDS": "2"}


class Moment:
    """What the server's disk had at some moment of a job."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name, self.content = name, content


class Broken(AssertionError):
    """What must not be."""


class Ward:
    """A server that is started on one append-only file after the other, and a worker that stays."""

    def __init__(self, site: Site, folder: Path, model: Path, reference: Path) -> None:
        self.site, self.model, self.reference = site, model, reference
        self.input, self.output = folder / "night.csv", folder / "out" / "night.scores.csv"
        write_input(self.input, ROWS, milliseconds=30)
        self.files: dict[str, bytes] = {}  # those of the job that was collected
        self._disk = site.folder / "appendonlydir"

    # -- the moments

    def record(self) -> list[Moment]:
        """Runs the job once, and keeps what the disk had on the way."""
        moments = []
        self.output.parent.mkdir()
        night = Night(self.site, self.input, self.reference, self.model)
        worker = self.hire()
        self._must(*self._words())
        until(lambda: night.progress().done >= 1, 60)
        self.site.kill(worker)
        moments.append(Moment("scoring", self._content()))
        self.hire()
        until(lambda: night.progress().state == "complete", 60)
        moments.append(Moment("scored", self._content()))
        self._must(*self._words(), "--output", self.output)
        moments.append(Moment("collected", self._content()))
        self.files = {path.name: path.read_bytes() for path in self.output.parent.iterdir()}
        return moments

    def hire(self) -> Worker:
        return self.site.start_worker(f"worker{len(self.site.workers)}", 1, **SETTINGS).ready()

    def _must(self, *words: object) -> None:
        code, _, err = self.command(*words)
        assert code == 0, err

    def _content(self) -> bytes:
        """The append-only file as it is, all that was written since the server began."""
        [log] = self._disk.glob("*.incr.aof")
        return log.read_bytes()

    # -- a broken disk

    def start(self, content: bytes) -> bool:
        """Whether a server starts on that file."""
        self.site.server.kill()
        [log] = self._disk.glob("*.incr.aof")
        log.write_bytes(content)
        return self.site.server.try_to_start()

    def state(self) -> bytes:
        """What the server knows, to tell files apart that it reads the same."""
        return bytes(self.site.server.redis.execute_command("DEBUG", "DIGEST"))

    # -- what a user sees of it

    def command(self, *words: object) -> tuple[int, str, str]:
        """`producer WORDS`: its exit code and what it said."""
        command = [str(Path(sys.executable).parent / "producer"), *map(str, words)]
        try:
            done = subprocess.run(
                command, env=self._environment(), capture_output=True, text=True, timeout=COMMAND_SECONDS,
                errors="replace",
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Broken(f"`producer {words[0]}` has not ended after {COMMAND_SECONDS} s") from None
        if "Traceback" in done.stderr:
            raise Broken(f"`producer {words[0]}`: {done.stderr}")
        return done.returncode, done.stdout, done.stderr

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **SETTINGS, "REDIS_URL": self.site.server.url}

    def _words(self) -> tuple[object, ...]:
        return "enqueue", self.input, "--model", self.model, "--fetch", "score", "--batch-bytes", 2_000, "--json"

    def examine(self, there: bool) -> str:
        """What became of the job: `right` or `refused`. With `there` its files are where they were."""
        shutil.rmtree(self.output.parent)
        self.output.parent.mkdir()
        if there:
            for name, content in self.files.items():
                self.output.with_name(name).write_bytes(content)
        code, _, err = self.command("status")
        if code:
            raise Broken(f"`producer status` ends with {code}: {err}")
        code, _, err = self.command(*self._words(), "--output", self.output)
        if code == 0:
            self._check()
            return "right"
        if code != 1:
            raise Broken(f"`producer enqueue` ends with {code}: {err}")
        for name in self._jobs():
            if self.command("forget", name)[0]:
                self.command("cancel", name)
                code, _, again = self.command("forget", name)
                if code:
                    raise Broken(f"{name} can't be forgotten: {again} after {err}")
        code, _, again = self.command(*self._words(), "--output", self.output)
        if code:
            raise Broken(f"it can't be enqueued again: {again} after {err}")
        self._check()
        return "refused"

    def _jobs(self) -> Iterable[str]:
        return [name for name in self.site.ledger.job_ids() if self.site.server.redis.exists(keys.job(name))]

    def _check(self) -> None:
        for ours, theirs in ((self.output, self.reference), (rejects_path(self.output), rejects_path(self.reference))):
            if ours.read_bytes() != theirs.read_bytes():
                raise Broken(f"complete, and {ours.name} is wrong")
        code, _, err = self.command("verify", self.output)
        if code:
            raise Broken(f"complete, and not verified: {err}")


@contextlib.contextmanager
def open_ward() -> Iterator[Ward]:
    with open_site("always", enable_debug_command="local") as site, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = build_model(folder)
        worker = site.hire().ready()
        reference = make_reference(site, folder, model, ROWS)
        site.kill(worker)
        site.server.kill()
        shutil.rmtree(site.folder / "appendonlydir")  # the job to come is all that is in the next one
        site.server.start()
        yield Ward(site, folder, model, reference)


def cuts(ward: Ward, moments: Iterable[Moment], step: int, say: Callable[[str], None]) -> Counter[str]:
    """Cuts each file at every `step`-th of its last bytes. Files that the server reads the same are examined once."""
    found: Counter[str] = Counter()
    for moment in moments:
        seen: set[bytes] = set()
        end = len(moment.content)
        for at in range(end, max(0, end - TAIL) - 1, -step):
            found["files"] += 1
            if not ward.start(moment.content[:at]):
                found["not started"] += 1
                continue
            state = ward.state()
            if state in seen:
                continue
            seen.add(state)
            found[_examine(ward, moment, f"cut at byte {at} of {end}", say)] += 1
    return found


def flips(ward: Ward, moments: list[Moment], seeds: Iterable[int], say: Callable[[str], None]) -> Counter[str]:
    """Flips one bit of one of the files, by each seed."""
    found: Counter[str] = Counter()
    for seed in seeds:
        chance = random.Random(seed)
        moment = chance.choice(moments)
        content = bytearray(moment.content)
        at, bit = chance.randrange(len(content)), chance.randrange(8)
        content[at] ^= 1 << bit
        found["files"] += 1
        if not ward.start(bytes(content)):
            found["not started"] += 1
            continue
        around = bytes(moment.content[max(0, at - 24) : at + 24])
        found[_examine(ward, moment, f"seed {seed}: bit {bit} of byte {at}, in {around!r}", say)] += 1
    return found


def _examine(ward: Ward, moment: Moment, what: str, say: Callable[[str], None]) -> str:
    there = moment.name == "collected"
    try:
        result = ward.examine(there)
    except Broken as error:
        say(f"BROKEN {moment.name}, {what}: {error}")
        return "broken"
    return result


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Starts servers on append-only files that a disk cut or altered.")
    parser.add_argument("--flips", type=int, default=500, help="files with one bit flipped")
    parser.add_argument("--seed", type=int, default=0, help="the first flip's")
    parser.add_argument("--step", type=int, default=1, help=f"cut at every so-many-th of the last {TAIL} bytes")
    given = parser.parse_args(words)

    def say(text: str) -> None:
        print(text, flush=True)

    with open_ward() as ward:
        moments = ward.record()
        say(json.dumps({moment.name: len(moment.content) for moment in moments}))
        found = cuts(ward, moments, given.step, say)
        say(f"cut: {dict(found)}")
        turned = flips(ward, moments, range(given.seed, given.seed + given.flips), say)
        say(f"flipped: {dict(turned)}")
    sys.exit(1 if found["broken"] + turned["broken"] else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
