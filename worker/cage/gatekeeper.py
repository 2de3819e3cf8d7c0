"""The process beside a caged one, forked from it before the cage is set. It runs no graph. It opens for the other what
that may have: the inputs of the job at hand, as far as their place lets workers read them, and a connection to the
server. It writes parts and removes them, by the places' own rules, and forks the process apart.

So the caged process needs no path and no address, whatever a place or a name stands for at the moment.
"""

import contextlib
import errno
import mmap
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from multiprocessing.connection import Pipe
from typing import Any

from formats.errors import NightshiftError
from jobs.address import Address
from jobs.errors import JobError, LostError, SettingsError
from jobs.input import manifest_of
from jobs.manifest import Manifest
from jobs.place import Place
from jobs.places import Places
from jobs.record import Job, Life
from worker.cage.wire import read, write

CONNECT_SECONDS = 5.0
# What a caged process is told as what it is; the first that fits.
ERRORS: dict[str, type[Exception]] = {
    each.__name__: each for each in (SettingsError, LostError, JobError, NightshiftError, ValueError)
}
Answer = tuple[Any, int | None]  # and a descriptor
Said = Mapping[str, Any]


class Gatekeeper:
    """Answers one caged process."""

    def __init__(
        self,
        end: socket.socket,
        parts: int,
        places: Places,
        address: Address | None,
        apart: Callable[[int], None],
        logs: frozenset[str],
    ) -> None:
        """`parts` is the file in memory by which what is large comes and goes; `apart` is what a process apart does
        with its end; `logs` are the files that the worker's log is written to."""
        self._end, self._parts, self._places, self._address = end, parts, places, address
        self._logs = logs
        self._apart = Apart(apart, (end.fileno(), parts))
        self._reads = lru_cache(maxsize=4)(self._find_reads)
        self._job = ""
        self._doing: dict[str, Callable[[Said], Answer]] = {
            "connect": lambda _: (None, self._connect()),
            "job": self._take_job,
            "open": lambda said: (None, self._open(said["path"])),
            "log": lambda said: (None, self._open_log(said["path"])),
            "granted": self._granted,
            "put_part": self._put_part,
            "drop_parts": self._drop_parts,
            "get": self._get,
            "drop": self._drop,
            "start": lambda _: self._apart.start(),
            "code": lambda _: (self._apart.code(), None),
            "kill": lambda _: (self._apart.kill(), None),
        }

    def serve(self) -> None:
        """Until the caged process is gone; then nothing that was forked for it stays."""
        with contextlib.suppress(EOFError, OSError):
            while True:
                said, _ = read(self._end)
                found, descriptor = self._answer(said)
                try:
                    write(self._end, found, descriptor)
                finally:
                    if descriptor is not None:
                        os.close(descriptor)
        self._apart.kill()

    def _answer(self, said: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
        try:
            found, descriptor = self._doing[said["what"]](said)
            return {"found": found}, descriptor
        except OSError as error:
            return {"errno": error.errno or errno.EIO, "text": error.strerror or str(error)}, None
        except Exception as error:
            kind = next((name for name, each in ERRORS.items() if isinstance(error, each)), "")
            return {"kind": kind, "text": str(error) or type(error).__name__}, None

    def _place(self, said: Said) -> Place:
        return self._places.of(said["place"])

    def _take_job(self, said: Said) -> Answer:
        self._job = said["job"]
        return None, None

    def _granted(self, said: Said) -> Answer:
        granted = self._place(said).granted(_life(said), said["path"])
        return None if granted is None else os.fsdecode(granted), None

    def _put_part(self, said: Said) -> Answer:
        with _pieces(self._parts, said["sizes"]) as data:
            return self._place(said).put_part(_life(said), said["batch"], said["attempt"], *data), None

    def _drop_parts(self, said: Said) -> Answer:
        self._place(said).drop_parts(_life(said), said["names"])
        return None, None

    def _drop(self, said: Said) -> Answer:
        self._places.spool.drop(_life(said), said["batches"], said["kind"])
        return None, None

    def _get(self, said: Said) -> Answer:
        data = self._places.spool.get(_life(said), said["batch"], said["kind"], said["value"].encode())
        if data is not None:
            put(self._parts, data)
        return None if data is None else len(data), None

    def _find_reads(self, job: str) -> "Reads":
        return Reads(Job.decode(job), self._places)

    def _open(self, path: str) -> int:
        if not self._job or not self._reads(self._job).may(path):
            raise PermissionError(errno.EACCES, "it is not the input of the job at hand")
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # nor waits for whoever writes a FIFO

    def _open_log(self, path: str) -> int:
        """When somebody has moved it away."""
        if path not in self._logs:
            raise PermissionError(errno.EACCES, "it is no log of the worker")
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)

    def _connect(self) -> int:
        if self._address is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "no server is known here")
        if self._address.path:
            found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            found.settimeout(CONNECT_SECONDS)
            found.connect(self._address.path)
        else:
            found = socket.create_connection((self._address.host, self._address.port), CONNECT_SECONDS)
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found.detach()


class Reads:
    """What may be read for a job."""

    def __init__(self, job: Job, places: Places) -> None:
        self._job, self._place = job, places.of(job.by_reference)

    @cached_property
    def _manifest(self) -> Manifest | None:
        return manifest_of(self._job)

    @cached_property
    def _manifest_word(self) -> str:
        return self._manifest.word if self._manifest else ""

    @cached_property
    def _members(self) -> frozenset[str]:
        return (
            frozenset(os.fsdecode(each.location) for each in self._manifest.members) if self._manifest else frozenset()
        )

    def may(self, path: str) -> bool:
        if path in self._members and self._place.granted(self._job.life, self._manifest_word) is not None:
            return True  # of a list that the place was told of as a whole
        granted = self._place.granted(self._job.life, path if self._manifest else self._job.input)
        return granted is not None and os.fsdecode(granted) == path


class Apart:
    """The process apart, of which there is one at most."""

    def __init__(self, main: Callable[[int], None], closed: Sequence[int]) -> None:
        """`closed` are the descriptors that it must not keep open."""
        self._main, self._closed = main, closed
        self._pid = 0
        self._code: int | None = None

    def start(self) -> Answer:
        self.kill()
        theirs, its = Pipe()
        self._pid, self._code = os.fork(), None
        if self._pid == 0:
            try:
                theirs.close()
                for each in self._closed:
                    os.close(each)
                self._main(its.fileno())
                os._exit(0)
            finally:
                os._exit(1)
        its.close()
        end = os.dup(theirs.fileno())
        theirs.close()
        return self._pid, end

    def code(self) -> int | None:
        """As `subprocess` has it; None while it runs."""
        if self._pid and self._code is None:
            found, status = os.waitpid(self._pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if found else None
        return self._code

    def kill(self) -> int | None:
        if self._pid and self.code() is None:
            os.kill(self._pid, signal.SIGKILL)
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code


def put(file: int, *data: bytes | memoryview) -> None:
    """Into the file in memory, from its beginning."""
    os.ftruncate(file, sum(map(len, data)))
    at = 0
    for each in data:
        rest = memoryview(each)
        while rest:
            written = os.pwrite(file, rest, at)
            at, rest = at + written, rest[written:]


@contextlib.contextmanager
def _pieces(file: int, sizes: Sequence[int]) -> Iterator[list[memoryview]]:
    """What was put into it."""
    if not sum(sizes):
        yield [memoryview(b"") for _ in sizes]
        return
    with mmap.mmap(file, sum(sizes), prot=mmap.PROT_READ) as mapped, memoryview(mapped) as whole:
        ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
        pieces = [whole[end - size : end] for size, end in zip(sizes, ends, strict=True)]
        try:
            yield pieces
        finally:
            for each in pieces:
                each.release()


def _life(said: Said) -> Life:
    return Life(*said["life"])
