"""A server with workers on it, and the `producer` command as a user types it."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from jobs.ledger import Ledger
from jobs.spool import Spool
from tests.support.checkout import PRODUCER
from tests.support.forks import forks
from tests.support.run import Run
from tests.support.server import Server
from tests.support.worker import Worker

PLAIN = ("NIGHTSHIFT_", "REDIS_URL", "AWS_")  # names of variables that the commands look at themselves


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
        worker = Worker(self.server.worker_url, self.folder / f"{name}.log", concurrency, **environment)
        self.workers.append(worker)
        return worker

    def popen(self, *words: object, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [PRODUCER, *map(str, words)],
            env={**os.environ, "REDIS_URL": self.server.url, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def producer(self, *words: object, timeout: float = 120, **environment: str) -> Run:
        """A process of its own, but not an interpreter of its own, unless what is asked for is an interpreter's."""
        if all(name.startswith(PLAIN) for name in environment):
            whole = {**os.environ, "REDIS_URL": self.server.url, **environment}
            return forks().run([*map(str, words)], whole, Path.cwd(), timeout)
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
        denied = farm.server.denied() if farm.server.answers() else []
    finally:
        farm.server.stop()
        shutil.rmtree(farm.folder)
    assert not denied, f"users.acl lacks what the tests did: {denied}"
