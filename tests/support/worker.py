"""Celery workers as an operator starts them."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.checkout import ROOT
from tests.support.waiting import until


class Worker:
    """`celery -A worker worker`, as docs/operating.md starts it, with its log."""

    FLAGS = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO")

    def __init__(self, url: str, log: Path, concurrency: int = 1, app: str = "worker", **environment: str) -> None:
        self.log = log
        command = [sys.executable, "-m", "celery", "-A", app, "worker", "--concurrency", str(concurrency)]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*command, "-n", f"{log.stem}@test", *self.FLAGS],
                cwd=ROOT,
                env={**os.environ, "REDIS_URL": url, **environment},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def ready(self) -> "Worker":
        until(lambda: " ready." in self.text(), 90)
        return self

    def text(self) -> str:
        assert self.process.poll() is None or self.process.returncode == 0, self.log.read_text()
        return self.log.read_text()

    def sessions(self) -> list[int]:
        """The process id of each session that was opened."""
        opened = [line for line in self.text().splitlines() if "opened a session" in line]
        return [int(line.split("process ")[1].split()[0]) for line in opened]

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """It does nothing meanwhile, as if its host were asleep."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Scale-down: SIGTERM, and the running batch may finish."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(45)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                raise AssertionError(f"SIGTERM did not end the worker:\n{self.log.read_text()[-4000:]}") from None
