"""A farm of real workers for a whole test run, and the `producer` command as a user types it."""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jobs.ledger import Ledger
from jobs.spool import Spool
from tests.support import ROOT, Server, Worker

MESSAGES = ROOT / "data" / "messages.csv"


@dataclass
class Run:
    """What the command left behind."""

    code: int
    out: str
    err: str


@dataclass
class Farm:
    """A server, workers on it, and the producer pointed at it."""

    server: Server
    folder: Path
    workers: list[Worker]

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.server.redis, Spool(self.spool))

    @property
    def spool(self) -> Path:
        """The workers know it; only what is enqueued with NIGHTSHIFT_SPOOL set goes through it."""
        return self.folder / "spool"

    def start_worker(self, name: str, concurrency: int = 1, **environment: str) -> Worker:
        environment.setdefault("NIGHTSHIFT_SPOOL", str(self.spool))
        worker = Worker(self.server.url, self.folder / f"{name}.log", concurrency, **environment)
        self.workers.append(worker)
        return worker

    def popen(self, *words: object, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "producer"), *map(str, words)],
            env={**os.environ, "REDIS_URL": self.server.url, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def producer(self, *words: object, timeout: float = 120, **environment: str) -> Run:
        process = self.popen(*words, **environment)
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
        return Run(process.returncode, out, err)


def make_farm() -> Farm:
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    return Farm(Server(folder), folder, [])


def end_farm(farm: Farm) -> None:
    try:
        for worker in farm.workers:
            worker.stop()
    finally:
        farm.server.stop()
        shutil.rmtree(farm.folder)


@pytest.fixture(scope="session")
def farm() -> Iterator[Farm]:
    """A server with two worker processes, shared: jobs of different files don't meet."""
    farm = make_farm()
    farm.start_worker("worker", concurrency=2).ready()
    yield farm
    end_farm(farm)


@pytest.fixture
def bare_farm() -> Iterator[Farm]:
    """A server of the test's own, without workers as yet."""
    farm = make_farm()
    yield farm
    end_farm(farm)


@pytest.fixture(scope="session")
def xy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph saved and frozen the classic way: op_to_store = x * y + b, placeholders without a shape."""
    import tensorflow as tf

    v1 = tf.compat.v1
    folder = tmp_path_factory.mktemp("xy")
    graph = v1.Graph()
    with graph.as_default(), v1.Session() as session:
        x = v1.placeholder(tf.int32, name="x")
        y = v1.placeholder(tf.int32, name="y")
        b = v1.get_variable("b", initializer=tf.constant(1))
        tf.add(tf.multiply(x, y), b, name="op_to_store")
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(folder / "model"))
        frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["op_to_store"])
    path = folder / "xy.pb"
    path.write_bytes(frozen.SerializeToString())
    return path


@pytest.fixture(scope="session")
def direct_scores() -> Callable[[list[str]], list[float]]:
    """Scores by a plain `sess.run` on the shipped model, with nothing of ours in between."""
    import tensorflow as tf

    v1 = tf.compat.v1
    graph_def = v1.GraphDef.FromString((ROOT / "data" / "spam.pb").read_bytes())
    graph = v1.Graph()
    with graph.as_default():
        v1.import_graph_def(graph_def, name="")
    session = v1.Session(graph=graph)
    return lambda texts: list(session.run("score:0", {"text:0": texts}))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))
