"""A farm for accidents."""

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support import Server, Worker
from tests.support.farm import Farm, end_farm


class Site(Farm):
    """A farm for accidents: a server that can be killed, and always as many workers as a test asks for."""

    hired = 0
    root: Path | None = None  # if it is set, every second worker is told of it, and one at least

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
        told = self.root and (self.hired % 2 == 1 or not any("told" in worker.log.stem for worker in self.workers))
        if not told:
            return self.start_worker(f"worker{self.hired}", concurrency=2)
        return self.start_worker(f"told{self.hired}", concurrency=2, NIGHTSHIFT_DATA=str(self.root))

    def kill(self, worker: Worker) -> None:
        """The host is gone: the worker's parent and its children, at once."""
        os.killpg(worker.process.pid, signal.SIGKILL)
        self.discard(worker)

    def discard(self, worker: Worker) -> None:
        worker.process.wait(60)
        self.workers.remove(worker)


@contextlib.contextmanager
def open_site(appendfsync: str = "everysec", **settings: str) -> Iterator[Site]:
    """`settings` are the server's, as `Server` takes them."""
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    site = Site(Server(folder, appendfsync=appendfsync, **settings), folder, [])
    try:
        yield site
    finally:
        end_farm(site)
