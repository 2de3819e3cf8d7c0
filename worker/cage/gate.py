"""The caged process's side of its gatekeeper: what opens files, connects and writes parts in its stead."""

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable
from functools import partial
from io import TextIOWrapper
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, cast

from formats.files.location import Location, locate
from jobs.address import Address
from jobs.digest import Bytes
from jobs.place import Place
from jobs.places import Places
from jobs.record import Job, Life
from jobs.roots import StoredRoot
from jobs.spool import CLAIM_CHECK, Spool
from worker.cage.gatekeeper import ERRORS, Gatekeeper, put
from worker.cage.wire import read, write

log = logging.getLogger(__name__)


class Gate:
    """May be used by several threads. If the gatekeeper is gone the process can do nothing more, and ends itself, to be
    replaced by Celery."""

    def __init__(self, end: socket.socket, parts: int, keeper: int) -> None:
        self._end, self._parts, self._keeper = end, parts, keeper
        self._lock, self._large = threading.Lock(), threading.Lock()  # of the connection, and of the file in memory
        self._job: Job | None = None

    def close(self) -> None:
        """Ends the gatekeeper."""
        self._end.close()
        os.close(self._parts)
        os.waitpid(self._keeper, 0)

    def ask(self, what: str, **said: object) -> Any:
        """What there is to answer. Raises OSError, and what places raise."""
        found, descriptor = self._ask(what, said)
        if descriptor is not None:
            os.close(descriptor)
        return found

    def descriptor(self, what: str, **said: object) -> tuple[Any, int]:
        """The same, with the descriptor that comes with it."""
        found, descriptor = self._ask(what, said)
        if descriptor is None:
            raise OSError(f"{what}: no descriptor came")
        return found, descriptor

    def _ask(self, what: str, said: dict[str, object]) -> tuple[Any, int | None]:
        with self._lock:
            try:
                write(self._end, {"what": what, **said})
                answer, descriptor = read(self._end)
            except (EOFError, OSError) as error:
                _end(error)
        if "found" in answer:
            return answer["found"], descriptor
        if "errno" in answer:
            raise OSError(answer["errno"], answer["text"])
        raise ERRORS.get(answer["kind"], RuntimeError)(answer["text"])

    def work_for(self, job: Job) -> None:
        """From now on files are opened as far as they are this one's."""
        if job is not self._job:
            self.ask("job", job=job.encode())
            self._job = job

    def open(self, path: str, flags: int = os.O_RDONLY) -> int:
        """As `os.open` does, to read."""
        del flags
        return self.descriptor("open", path=path)[1]

    def open_log(self, path: str) -> TextIOWrapper:
        """A file of the worker's log, to go on with it."""
        return os.fdopen(self.descriptor("log", path=path)[1], "a", encoding="utf-8")

    def connect(self) -> socket.socket:
        """To the server."""
        return socket.socket(fileno=self.descriptor("connect")[1])

    def put_part(self, place: str, life: Life, batch: int, attempt: int, *data: Bytes) -> str:
        views = [memoryview(each).cast("B") for each in data]
        with self._large:
            put(self._parts, *views)
            sizes = list(map(len, views))
            return str(self.ask("put_part", place=place, life=_both(life), batch=batch, attempt=attempt, sizes=sizes))

    def get(self, life: Life, batch: int, kind: str, value: bytes) -> bytes | None:
        with self._large:
            size = self.ask("get", life=_both(life), batch=batch, kind=kind, value=value.decode())
            return None if size is None else os.pread(self._parts, size, 0)

    def start_apart(self) -> "tuple[GatedProcess, Connection]":
        """The process apart, and our end of what it listens to."""
        pid, descriptor = self.descriptor("start")
        log.debug("process %d is the process apart of %d", pid, os.getpid())
        return GatedProcess(self), Connection(descriptor)


class GatedProcess:
    """The process apart, as `subprocess.Popen` has one."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def poll(self) -> int | None:
        return cast("int | None", self._gate.ask("code"))

    def kill(self) -> None:
        self._gate.ask("kill")

    def wait(self) -> int:
        self.kill()
        return self.poll() or 0


class GatedPlace:
    """A place on a disk. What a worker's processes have no part in is left to the place, and ends at the cage."""

    def __init__(self, place: Place, name: str, gate: Gate) -> None:
        self._place, self._name, self._gate = place, name, gate

    @property
    def is_there(self) -> bool:
        return self._place.is_there

    def grant(self, life: Life, path: str, read_from: Location | None = None) -> None:
        self._place.grant(life, path, read_from)

    def granted(self, life: Life, path: str) -> Location | None:
        found = self._gate.ask("granted", place=self._name, life=_both(life), path=path)
        return None if found is None else locate(found)

    def put_part(self, life: Life, batch: int, attempt: int, *data: Bytes) -> str:
        return self._gate.put_part(self._name, life, batch, attempt, *data)

    def open_part(self, life: Life, name: str) -> BinaryIO:
        return self._place.open_part(life, name)

    def drop_parts(self, life: Life, names: Iterable[str]) -> None:
        self._gate.ask("drop_parts", place=self._name, life=_both(life), names=list(names))

    def forget(self, life: Life, kind: str = "*") -> None:
        self._place.forget(life, kind)


class GatedSpool(Spool):
    """What waits there for a worker."""

    def __init__(self, folder: Path | None, gate: Gate) -> None:
        super().__init__(folder)
        self._gate = gate

    def get(self, life: Life, batch: int, kind: str, value: bytes) -> bytes | None:
        return self._gate.get(life, batch, kind, value) if value.startswith(CLAIM_CHECK) else value

    def drop(self, life: Life, batches: Iterable[int], kind: str) -> None:
        if self.is_there:
            self._gate.ask("drop", life=_both(life), batches=list(batches), kind=kind)


class GatedPlaces(Places):
    """Those on a disk by the gate; object storage is reached without."""

    def __init__(self, places: Places, gate: Gate) -> None:
        self.spool = places.spool
        self._named = {}
        for name in places.names:
            place = places.of(name)
            self._named[name] = place if isinstance(place, StoredRoot) else GatedPlace(place, name, gate)


def keep_gate(places: Places, address: Address | None, apart: Callable[[int], None]) -> Gate:
    """Forks the gatekeeper. To be called while this process has one thread, before it has a session."""
    ours, its = socket.socketpair()
    parts = os.memfd_create("parts", os.MFD_CLOEXEC)
    logs = _log_files()
    keeper = os.fork()
    if keeper == 0:
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # meant for the worker; this one ends with its child
            _close_all_but(0, 1, 2, its.fileno(), parts)
            Gatekeeper(its, parts, places, address, apart, frozenset(each.baseFilename for each in logs)).serve()
        except BaseException:
            log.exception("the process beside %d ended", os.getppid())
        finally:
            os._exit(0)
    its.close()
    gate = Gate(ours, parts, keeper)
    for each in logs:
        each._open = partial(gate.open_log, each.baseFilename)  # type: ignore[method-assign]
    return gate


def _log_files() -> list[logging.FileHandler]:
    """What `celery worker --logfile` writes to, opened again when it is rotated."""
    loggers = [logging.getLogger(), *logging.getLogger().manager.loggerDict.values()]
    found = {id(each): each for logger in loggers for each in getattr(logger, "handlers", [])}
    return [each for each in found.values() if isinstance(each, logging.FileHandler)]


def _close_all_but(*kept: int) -> None:
    """The worker tells by ends of pipes that a process is gone."""
    for descriptor in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        if descriptor not in kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _end(error: Exception) -> NoReturn:
    log.critical("the gatekeeper of process %d is gone (%s): it ends itself", os.getpid(), error)
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit(1)


def _both(life: Life) -> tuple[str, str]:
    return life.id, life.incarnation
