"""Where people work: a server, one warm worker, and commands that start in milliseconds."""

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import Server, Worker
from tests.support.forks import Zygote

KEYS = ("nightshift:job:*", "nightshift:jobs", "nightshift:2:jobs", "nightshift:active", "nightshift:2:active",
        "nightshift:batches", "nightshift:2:batches")  # fmt: skip
LOCKS = ("nightshift:job:*:producer", "nightshift:job:*:collector")
HANGS = 60.0  # seconds after which a command that has all it needs will never end


@dataclass(frozen=True)
class Run:
    """What a command left behind; a code below zero is the signal that killed it."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str


@dataclass
class Started:
    """A command under way."""

    number: int
    words: tuple[str, ...]
    out: Path
    err: Path
    process: "subprocess.Popen[bytes] | None" = None  # where there is no zygote


@dataclass
class World:
    """`tree` is another checkout, whose commands and worker are run as processes of its own environment."""

    folder: Path
    tree: Path | None = None
    server: Server = field(init=False)
    worker: "Worker | subprocess.Popen[bytes]" = field(init=False)
    zygote: Zygote | None = None
    number: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.server = Server(self.folder)
        self.hire()
        self.zygote = None if self.tree else Zygote()

    # -- the worker

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def hire(self) -> None:
        environment = {"NIGHTSHIFT_SPOOL": str(self.spool), "NIGHTSHIFT_LEASE_SECONDS": "3"}
        log = self.folder / f"worker-{time.monotonic_ns()}.log"
        if self.tree is None:
            self.worker = Worker(self.server.worker_url, log, **environment)
            return
        words = [str(self.tree / ".venv/bin/python"), "-m", "celery", "-A", "worker", "worker", "--concurrency", "1"]
        with log.open("wb") as out:
            self.worker = subprocess.Popen(
                [*words, "-n", "old@test", *Worker.FLAGS], cwd=self.tree, stdout=out, stderr=out,
                env={**os.environ, "REDIS_URL": self.server.url, **environment}, start_new_session=True,
            )  # fmt: skip

    @property
    def _leader(self) -> "subprocess.Popen[bytes]":
        return self.worker.process if isinstance(self.worker, Worker) else self.worker

    def children(self) -> list[int]:
        """The worker's processes that score."""
        with contextlib.suppress(OSError):
            leader = self._leader.pid
            return [int(each) for each in Path(f"/proc/{leader}/task/{leader}/children").read_text().split()]
        return []

    def kill_child(self) -> None:
        for process in self.children()[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def kill_worker(self) -> None:
        """Its host loses its power, and another takes its place."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._leader.pid, signal.SIGKILL)
        self._leader.wait()
        self.hire()

    def restart_server(self) -> None:
        self.server.kill()
        self.server.start()

    # -- the commands

    def environment(self, spool: bool = False) -> "dict[str, str]":
        """Of those who work here; with a spool, a batch at a time is on its way, so that jobs take a while."""
        through = {"NIGHTSHIFT_SPOOL": str(self.spool), "NIGHTSHIFT_WINDOW": "1"} if spool else {}
        return {"REDIS_URL": self.server.url, "NIGHTSHIFT_HOME": str(self.folder / "home"), **through}

    def start(self, words: "tuple[str, ...]", folder: Path, environment: "dict[str, str]") -> Started:
        """`producer WORDS` in that folder; what it says goes to files."""
        self.number += 1
        room = self.folder / "said"
        room.mkdir(exist_ok=True)
        started = Started(self.number, words, room / f"{self.number}.out", room / f"{self.number}.err")
        for path in (started.out, started.err):  # it may be killed before it opens them
            path.touch()
        kept = {
            name: value for name, value in os.environ.items() if name != "REDIS_URL" and not name.startswith("NIGHT")
        }
        if self.zygote:
            self.zygote.ask(
                run=started.number, words=words, environment={**kept, **environment}, folder=str(folder),
                out=str(started.out), err=str(started.err),
            )  # fmt: skip
            return started
        assert self.tree
        with started.out.open("wb") as out, started.err.open("wb") as err:
            started.process = subprocess.Popen(
                [str(self.tree / ".venv/bin/producer"), *words], cwd=folder, env={**kept, **environment}, stdout=out,
                stderr=err, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        return started

    def ended(self, started: Started, seconds: float = 0.0) -> int | None:
        """Its code, once it has ended; waits `seconds` for that."""
        if started.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return started.process.wait(seconds)
            return None
        assert self.zygote
        deadline = time.monotonic() + seconds
        while started.number not in self.zygote.ended:
            left = deadline - time.monotonic()
            self.zygote.look(max(0.0, left))
            if left <= 0:
                break
        return self.zygote.ended.get(started.number)

    def signal(self, started: Started, number: int) -> None:
        if started.process:
            started.process.send_signal(number)
        elif self.zygote:
            self.zygote.ask(signal=started.number, number=number)

    def finish(self, started: Started, seconds: float = HANGS) -> Run:
        """Waits for its end. Raises TimeoutError, and kills it, if that does not come."""
        code = self.ended(started, seconds)
        if code is None:
            self.signal(started, signal.SIGKILL)
            self.ended(started, 10)
            said = started.err.read_text(errors="replace")
            raise TimeoutError(f"producer {' '.join(started.words)} does not end; so far it said: {said}")
        run = Run(
            started.words, code, *(path.read_text(errors="surrogateescape") for path in (started.out, started.err))
        )
        for path in (started.out, started.err):
            path.unlink()
        return run

    # -- what the server has

    def jobs(self) -> "dict[str, dict[str, Any]]":
        """The record of each job, by id, oldest first."""
        server = self.server.redis
        names = [name for key in ("nightshift:jobs", "nightshift:2:jobs") for name in server.zrange(key, 0, -1)]
        records = {name.decode(): server.hget(f"nightshift:job:{name.decode()}", "record") for name in names}
        return {name: json.loads(record) for name, record in records.items() if record}

    def field(self, job: str, name: str) -> str:
        value = self.server.redis.hget(f"nightshift:job:{job}", name)
        return value.decode() if value else ""

    def let_time_pass(self) -> None:
        """Locks of commands that were killed run out in a moment, instead of in ten seconds or fifteen."""
        for pattern in LOCKS:
            for key in self.server.redis.keys(pattern):
                self.server.redis.pexpire(key, 100)

    def forget_all(self) -> None:
        names = [key for pattern in KEYS for key in self.server.redis.keys(pattern)]
        if names:
            self.server.redis.delete(*names)

    def stop(self) -> None:
        if self.zygote:
            self.zygote.stop()
        if self._leader.poll() is None:
            os.killpg(self._leader.pid, signal.SIGKILL)  # nothing is under way that anybody waits for
            self._leader.wait()
        self.server.stop()
