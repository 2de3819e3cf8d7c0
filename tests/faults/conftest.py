"""Faults as they happen, brought upon a real server, real workers and the real command; and what must be true after.

Every test ends with `Night.check`: the files are those of an undisturbed run byte for byte, the receipt agrees, nothing
is left behind, and every surviving worker takes new work. The workers stay from test to test, so that what one fault
broke in them unseen shows in the next.
"""

import contextlib
import functools
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jobs import keys, queue
from jobs.progress import Progress
from producer.outputs.paths import rejects_path
from tests.end_to_end.conftest import Farm, end_farm
from tests.support import Server, Worker, until

ROWS = 60_000  # some 59 batches: with --batch-bytes 2000 each is one micro-batch
PRODUCER = [str(Path(sys.executable).parent / "producer")]


class Site(Farm):
    """A farm for accidents: a server that can be killed, and always as many workers as a test asks for."""

    hired = 0

    def staff(self, count: int) -> list[Worker]:
        """`count` workers of two processes each, ready; those who did not live are replaced."""
        self.workers[:] = [worker for worker in self.workers if worker.process.poll() is None]
        while len(self.workers) > count:
            self.workers.pop().stop()
        while len(self.workers) < count:
            self.hire()
        return [worker.ready() for worker in self.workers]

    def hire(self) -> Worker:
        self.hired += 1
        return self.start_worker(f"worker{self.hired}", concurrency=2)

    def kill(self, worker: Worker) -> None:
        """The host is gone: the worker's parent and its children, at once."""
        os.killpg(worker.process.pid, signal.SIGKILL)
        self.bury(worker)

    def bury(self, worker: Worker) -> None:
        worker.process.wait(60)
        self.workers.remove(worker)


def processes(worker: Worker) -> list[int]:
    """All that the worker consists of, its parent first."""
    return sorted(session(worker.process.pid), key=lambda pid: (pid != worker.process.pid, pid))


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


@dataclass
class Night:
    """One job, the command that runs it, and the undisturbed run it is compared to."""

    site: Site
    input: Path
    reference: "Path | None"
    model: Path
    spool: bool = False
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def output(self) -> Path:
        return self.input.with_name(f"{self.input.stem}.scores.csv")

    # -- the command

    def popen(self, *words: object, **options: Any) -> "subprocess.Popen[bytes]":
        """`producer WORDS`; what it says goes to files, so that it never waits for a reader."""
        number = len(self.started)
        # A small window: or else a job of small batches is in the queue as soon as it is submitted.
        environment = {"NIGHTSHIFT_WINDOW": "16", **os.environ, "REDIS_URL": self.site.server.url}
        if self.spool:
            environment["NIGHTSHIFT_SPOOL"] = str(self.site.spool)
        with self._said(number, "out").open("wb") as out, self._said(number, "err").open("wb") as err:
            process = subprocess.Popen(
                [*PRODUCER, *map(str, words)],
                env=environment,
                stdout=out,
                stderr=err,
                **options,
            )
        self.started.append(process)
        return process

    def _said(self, number: int, stream: str) -> Path:
        return self.input.with_name(f"{self.input.stem}.{number}.{stream}")

    def said(self, process: "subprocess.Popen[bytes]", stream: str = "err") -> str:
        return self._said(self.started.index(process), stream).read_text()

    def enqueue(self, *words: object, output: "Path | None" = None, **options: Any) -> "subprocess.Popen[bytes]":
        """The command that does it all, under way."""
        return self.submit("--output", output or self.output, *words, **options)

    def submit(self, *words: object, **options: Any) -> "subprocess.Popen[bytes]":
        """The command that enqueues and does not wait."""
        given = ("--model", self.model, "--fetch", "score", "--batch-bytes", 2_000, "--json")
        return self.popen("enqueue", self.input, *given, *words, **options)

    def end(self, process: "subprocess.Popen[bytes]", seconds: float = 60, code: int = 0) -> str:
        """What it printed, when it has ended with that exit code."""
        process.wait(seconds)
        assert process.returncode == code, self.said(process)
        return self.said(process, "out")

    # -- the job

    @property
    def job(self) -> str:
        def ids() -> list[str]:
            return [job for job in self.site.ledger.job_ids() if job.startswith(f"{self.input.stem}-")]

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
        rows = self.input.read_bytes().count(b"\n") - 1
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
        ledger.erase(ledger.job(after.job).life)
        deadline = time.monotonic() + 30
        while idle := [worker.log.stem for worker, count in before.items() if taken(worker) == count]:
            assert time.monotonic() < deadline, f"take no work any more: {idle}"
            for _ in range(2):  # of a job that has ended: taken, looked at, and nothing to do
                self.site.server.redis.lpush(keys.generation(life).queue, queue.message(life, 0))
            time.sleep(0.2)
        for worker in self.site.workers:
            until(lambda worker=worker: len(processes(worker)) == 3, 20)  # type: ignore[misc]


def taken(worker: Worker) -> int:
    """How many tasks it has ended."""
    return worker.text().count("] succeeded in ")


def write_input(path: Path, rows: int, milliseconds: int = 0) -> None:
    """Records of which one in a thousand can't be read, and one in a thousand can't be scored. Every file of as many
    rows gives the same scores, whatever a batch takes."""
    lines = ["id,x,ms"]
    for number in range(1, rows + 1):
        if number % 1009 == 0:
            lines.append(f"{number},none,000000")
        elif number % 997 == 0:
            lines.append(f"{number},too few")
        else:
            lines.append(f"{number},{number * 7919 % 9973:04},{milliseconds:06}")
    path.write_text("\n".join(lines) + "\n")


@contextlib.contextmanager
def open_site(appendfsync: str = "everysec", **settings: str) -> Iterator[Site]:
    """`settings` are the server's, as `Server` takes them."""
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    site = Site(Server(folder, appendfsync=appendfsync, **settings), folder, [])
    try:
        yield site
    finally:
        end_farm(site)


def build_model(folder: Path) -> Path:
    """A frozen graph that takes as many milliseconds a batch as the column `ms` says, 20 s at most, and whose scores
    don't depend on it: score = sum(tanh(x W))."""
    import numpy as np
    import tensorflow as tf

    v1 = tf.compat.v1
    graph = v1.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.int32, [None], name="x")
        ms = v1.placeholder(tf.int32, [None], name="ms")
        until = tf.timestamp() + tf.cast(tf.minimum(tf.reduce_max(ms), 20_000), tf.float64) / 1000
        woken = v1.while_loop(lambda now: now < until, lambda _: tf.timestamp(), [tf.timestamp()])
        weights = tf.constant(np.random.default_rng(7).normal(size=(1, 64)).astype(np.float32))
        with tf.control_dependencies([woken]):
            hidden = tf.tanh(tf.matmul(tf.cast(x[:, None], tf.float32) / 10_000, weights))
        tf.reduce_sum(hidden, axis=1, name="score")
    path = folder / "slow.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def make_reference(site: Site, folder: Path, model: Path, rows: int) -> Path:
    """The scores file of an undisturbed run over so many rows; its rejects are beside it."""
    path = folder / f"reference{rows}.csv"
    write_input(path, rows)
    night = Night(site, path, None, model)
    receipt = json.loads(night.end(night.enqueue()))
    assert (receipt["attempts"], receipt["duplicates"]) == (receipt["batches"], 0)
    return night.output


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with open_site() as site:
        site.hire()
        yield site


@pytest.fixture(scope="session")
def slow_model(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("slow"))


_numbers = itertools.count(1)
References = Callable[[int], Path]


@pytest.fixture(scope="session")
def reference(site: Site, slow_model: Path, tmp_path_factory: pytest.TempPathFactory) -> References:
    folder = tmp_path_factory.mktemp("reference")

    @functools.cache
    def of(rows: int) -> Path:
        site.staff(max(1, len(site.workers)))
        return make_reference(site, folder, slow_model, rows)

    return of


@pytest.fixture
def night(site: Site, slow_model: Path, reference: References, tmp_path: Path) -> Iterator[Callable[..., Night]]:
    """Makes nights over files of their own; the processes they start don't outlive the test."""
    nights: list[Night] = []

    def make(
        milliseconds: int = 60,
        rows: int = ROWS,
        workers: int = 2,
        staff: bool = True,
        site: Site = site,
        spool: bool = False,
    ) -> Night:
        reference(rows)  # by workers that are there
        if staff:
            site.staff(workers)
        path = tmp_path / f"night{os.getpid()}x{next(_numbers)}.csv"
        write_input(path, rows, milliseconds)
        nights.append(Night(site, path, reference(rows), slow_model, spool))
        return nights[-1]

    yield make
    for each in nights:
        for process in each.started:
            if process.poll() is None:
                process.kill()
                process.wait()
