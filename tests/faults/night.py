"""One job among faults: the command that runs it, and what must be true at its end."""

import contextlib
import gzip
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xxhash

from jobs import keys
from jobs.progress import Progress
from producer.outputs.paths import rejects_path
from tests.faults.inputs import write_input
from tests.faults.processes import children
from tests.faults.site import Site
from tests.support import Worker, until
from tests.support.checkout import PRODUCER
from tests.support.messages import message


@dataclass
class Night:
    """One job, the command that runs it, and the undisturbed run it is compared to."""

    site: Site
    input: Path
    reference: "Path | None"
    model: Path
    spool: bool = False
    form: str = "file"  # how the input comes: or packed by gzip, or through a pipe
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.input.with_name(f"{self.input.stem}.scores.csv")

    # -- the command

    def popen(self, *words: object, **options: Any) -> "subprocess.Popen[bytes]":
        """`producer WORDS`; what it says goes to files, so that it never waits for a reader."""
        number = len(self.started)
        with contextlib.ExitStack() as files:
            if "-" in words and "stdin" not in options:
                options["stdin"] = files.enter_context(self.input.open("rb"))
            process = subprocess.Popen(
                [PRODUCER, *map(str, words)],
                env=self.environment(),
                stdout=files.enter_context(self._said(number, "out").open("wb")),
                stderr=files.enter_context(self._said(number, "err").open("wb")),
                **options,
            )
        self.started.append(process)
        return process

    def environment(self) -> dict[str, str]:
        # A small window: or else a job of small batches is in the queue as soon as it is submitted.
        environment = {"NIGHTSHIFT_WINDOW": "16", **os.environ, "REDIS_URL": self.site.server.url}
        if self.spool:
            environment["NIGHTSHIFT_SPOOL"] = str(self.site.spool)
        if self.form != "file":
            environment["NIGHTSHIFT_HOME"] = str(self.input.with_name("home"))  # where its copy is
        if self.site.root:
            environment["NIGHTSHIFT_DATA"] = str(self.site.root)
        return environment

    def given(self) -> str | Path:
        """What is enqueued: the input as its form has it; "-" stands for itself on standard input."""
        if self.form == "stdin":
            return "-"
        if self.form == "file":
            return self.input
        packed = self.input.with_name(f"{self.input.name}.gz")
        if not packed.exists():
            packed.write_bytes(gzip.compress(self.input.read_bytes(), 1))
        return packed

    def _said(self, number: int, stream: str) -> Path:
        return self.input.with_name(f"{self.input.stem}.{number}.{stream}")

    def said(self, process: "subprocess.Popen[bytes]", stream: str = "err") -> str:
        return self._said(self.started.index(process), stream).read_text()

    def enqueue(self, *words: object, output: "Path | None" = None, **options: Any) -> "subprocess.Popen[bytes]":
        """The command that does it all, under way."""
        return self.submit("--output", output or self.output, *words, **options)

    def submit(self, *words: object, **options: Any) -> "subprocess.Popen[bytes]":
        """The command that enqueues and does not wait."""
        words = ("--model", self.model, "--fetch", "score", "--batch-bytes", 2_000, "--json", *words)
        return self.popen("enqueue", self.given(), *words, **options)

    def end(self, process: "subprocess.Popen[bytes]", seconds: float = 60, code: int = 0) -> str:
        """What it printed, when it has ended with that exit code."""
        process.wait(seconds)
        assert process.returncode == code, self.said(process)
        return self.said(process, "out")

    # -- the job

    @property
    def job(self) -> str:
        digest = xxhash.xxh3_128_hexdigest(self.input.read_bytes()) if self.form == "stdin" else ""
        name = f"piped-{digest}"[:24] if digest else self.input.stem

        def ids() -> list[str]:
            return [job for job in self.site.ledger.job_ids() if job.startswith(f"{name}-")]

        until(lambda: bool(ids()), 30)
        [job] = ids()
        return job

    def progress(self) -> Progress:
        return self.site.ledger.progress(self.job)

    def reach(self, batches: int) -> None:
        """Waits until so many batches are done."""
        job, ledger = self.job, self.site.ledger
        until(lambda: ledger.progress(job).done >= batches, 60)

    def scoring(self) -> list[int]:
        """The processes that hold a batch now; at least one."""
        owners: list[bytes] = []

        def somebody() -> bool:
            owners[:] = self.site.server.redis.hvals(f"nightshift:job:{self.job}:owner")  # type: ignore[arg-type]
            return bool(owners)

        until(somebody, 30)
        return [int(owner.split(b":")[1]) for owner in owners]

    def stall(self) -> int:
        """A process that was stopped (SIGSTOP) with a batch in its hands."""
        while True:
            process = self.scoring()[0]
            os.kill(process, signal.SIGSTOP)
            time.sleep(0.05)  # what it wrote before may still be on its way
            if process in self.scoring():
                return process
            os.kill(process, signal.SIGCONT)

    # -- what must be true

    def check(self, process: "subprocess.Popen[bytes]", seconds: float = 60, workers: bool = True) -> dict[str, Any]:
        """The command ends well, and all is as if nothing had happened. Its receipt."""
        receipt: dict[str, Any] = json.loads(self.end(process, seconds))
        self.check_files()
        self.check_receipt(receipt)
        self.check_server()
        if workers:
            self.check_workers()
        return receipt

    def check_files(self, output: "Path | None" = None) -> None:
        assert self.reference
        output = output or self.output
        for ours, theirs in ((output, self.reference), (rejects_path(output), rejects_path(self.reference))):
            assert ours.read_bytes() == theirs.read_bytes(), f"{ours.name} differs"
        assert [path.name for path in self.input.parent.iterdir() if "partial" in path.name] == []

    def check_receipt(self, receipt: dict[str, Any]) -> None:
        assert self.reference
        rows = self.input.read_bytes().rstrip(b"\n").count(b"\n")
        rejected = rejects_path(self.reference).read_bytes().count(b"\n") - 1
        assert (receipt["state"], receipt["agrees"]) == ("complete", True)
        assert (receipt["records"], receipt["scored"], receipt["rejected"]) == (rows, rows - rejected, rejected)
        assert receipt["batches"] == receipt["batches_done"]
        assert receipt["attempts"] >= receipt["batches"]

    def check_server(self) -> None:
        """Nothing but the job's record, what proves its files, its timeline and its last events is left."""
        name = f"nightshift:job:{self.job}"
        kept = ("events", "timeline", "followed", "sent", "answered", "written")
        allowed = {name, *(f"{name}:{suffix}" for suffix in kept)}
        left = {key.decode() for key in self.site.server.redis.keys(f"{name}*")}  # type: ignore[union-attr]
        assert left <= allowed
        assert list(self.site.spool.glob(f"{self.job}.*")) == []
        assert self.job not in {life.id for life in self.site.ledger.active()}

    def check_workers(self) -> None:
        """Every worker that lives has all its processes and takes new work."""
        ledger = self.site.ledger
        life = ledger.job(self.job).life
        before = {worker: taken(worker) for worker in self.site.workers}
        number = len(self.started)
        second = self.input.with_name(f"after-{number}-{self.input.name}")
        write_input(second, 8_000, milliseconds=20)
        after = Night(self.site, second, None, self.model, self.spool)
        after.end(after.enqueue())
        assert after.output.read_bytes().count(b"\n") > 7_900
        ledger.removal.erase(ledger.job(after.job).life)
        deadline = time.monotonic() + 30
        while idle := [worker.log.stem for worker, count in before.items() if taken(worker) == count]:
            assert time.monotonic() < deadline, f"take no work any more: {idle}"
            for _ in range(2):  # of a job that has ended: taken, looked at, and nothing to do
                self.site.server.redis.lpush(keys.generation(life).queue, message(life, 0))
            time.sleep(0.2)
        for worker in self.site.workers:
            until(lambda worker=worker: len(children(worker)) == 2, 20)  # type: ignore[misc]


def taken(worker: Worker) -> int:
    """How many tasks it has ended."""
    return worker.text().count("] succeeded in ")


def make_reference(site: Site, folder: Path, model: Path, rows: int) -> Path:
    """The scores file of an undisturbed run over so many rows; its rejects are beside it."""
    path = folder / f"reference{rows}.csv"
    write_input(path, rows)
    night = Night(site, path, None, model)
    receipt = json.loads(night.end(night.enqueue()))
    assert (receipt["attempts"], receipt["duplicates"]) == (receipt["batches"], 0)
    return night.output
