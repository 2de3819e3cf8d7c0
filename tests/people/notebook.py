"""The embedded mode with a warm worker: a Python program that holds the server and the workers of one home, beside the
commands, as a notebook does."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import redis

from tests.people.world import World, Zygote
from tests.support import ROOT, until

PROGRAM = """
import sys
from jobs.settings import Settings
from producer.client import Client
with Client(Settings.from_environment()) as connection:
    connection.start_workers(1)
    print("held", flush=True)
    sys.stdin.read()
"""


class Embedded:
    """The server that the program holds."""

    def __init__(self, home: Path) -> None:
        self.url = f"unix://{home}/valkey.sock"
        self.redis = redis.Redis.from_url(self.url)

    def answers(self) -> bool:
        try:
            return bool(self.redis.ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        """Its keeper starts it again."""
        with contextlib.suppress(redis.RedisError):
            os.kill(int(self.redis.info("server")["process_id"]), signal.SIGKILL)

    def start(self) -> None:
        until(self.answers, 20)

    def stop(self) -> None:
        self.redis.close()


class Notebook(World):
    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.home = self.folder / "home"
        kept = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
        self._program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], cwd=ROOT, env={**kept, **self.environment()}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._program.stdout
        assert self._program.stdout.readline() == b"held\n"
        self.server = Embedded(self.home)  # type: ignore[assignment]
        self.zygote = Zygote()

    def environment(self, spool: bool = False) -> "dict[str, str]":  # noqa: ARG002 -- there always is one
        return {"NIGHTSHIFT_HOME": str(self.home)}

    def children(self) -> "list[int]":
        return []  # they are their keeper's

    def kill_worker(self) -> None:
        """Its keeper would start another, which takes seconds: left to the embedded mode's own tests."""

    def stop(self) -> None:
        assert self._program.stdin
        assert self._program.stdout
        self._program.stdin.close()
        self._program.wait(60)
        self._program.stdout.close()
        if self.zygote:
            self.zygote.stop()
        self.server.stop()
