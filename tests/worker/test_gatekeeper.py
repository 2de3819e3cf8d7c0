"""What a caged process gets from its gatekeeper, and what it does not, whatever the server says or a graph asks for."""

import logging
import logging.handlers
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from formats.joined.members import Member
from jobs.address import Address
from jobs.errors import SettingsError
from jobs.manifest import Manifest
from jobs.places import SPOOL, Places, name_of
from jobs.record import Job
from jobs.spool import Spool
from tests.support import until
from worker.cage import landlock
from worker.cage.cage import Cage
from worker.cage.gate import Gate, GatedPlaces, keep_gate


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        yield server


@pytest.fixture
def gate(spool: Path, root: Path, listening: socket.socket) -> Iterator[Gate]:
    address = Address.parse(f"unix://{listening.getsockname()}")
    gate = keep_gate(Places(Spool(spool), [root]), address, lambda _: time.sleep(60))
    yield gate
    gate.close()


def job_of(path: Path | str, place: str) -> Job:
    return Job(str(path), 1, 1, "", (), (), None, (), 1, incarnation="a" * 16, by_reference=place)


def read(gate: Gate, path: Path) -> bytes:
    with os.fdopen(gate.open(str(path)), "rb") as file:
        return file.read()


def test_the_input_of_the_job_at_hand_is_opened_and_nothing_else(gate: Gate, spool: Path, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"mine")
    (tmp_path / "secret").write_bytes(b"secret")
    job, other = job_of(tmp_path / "in.csv", SPOOL), job_of(tmp_path / "secret", SPOOL)
    with pytest.raises(PermissionError):
        read(gate, tmp_path / "in.csv")  # of no job
    Spool(spool).grant(job.life, job.input)
    gate.work_for(job)
    assert read(gate, tmp_path / "in.csv") == b"mine"
    for path in (tmp_path / "secret", Path("/proc/self/environ"), tmp_path / "sub" / ".." / "in.csv"):
        with pytest.raises(PermissionError):
            read(gate, path)
    gate.work_for(other)  # the server says so, and no producer of this machine
    for path in (tmp_path / "secret", tmp_path / "in.csv"):
        with pytest.raises(PermissionError):
            read(gate, path)


def test_what_is_below_a_root_is_opened_for_its_jobs_alone(gate: Gate, root: Path, tmp_path: Path) -> None:
    (root / "in.csv").write_bytes(b"mine")
    (root / "other.csv").write_bytes(b"other")
    (tmp_path / "outside").write_bytes(b"outside")
    (root / "link").symlink_to(tmp_path / "outside")
    gate.work_for(job_of(root / "in.csv", name_of(root)))
    assert read(gate, root / "in.csv") == b"mine"
    for path in (root / "other.csv", root / "link", tmp_path / "outside"):
        with pytest.raises(PermissionError):
            read(gate, path)
    gate.work_for(job_of(root / "link", name_of(root)))
    with pytest.raises(PermissionError):
        read(gate, root / "link")


def test_the_files_of_a_list_that_was_granted_are_opened(gate: Gate, spool: Path, tmp_path: Path) -> None:
    import base64

    members = []
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_bytes(name.encode())
        members.append(Member(name, tmp_path / name, 5, 1, ""))
    manifest = Manifest(tuple(members[:2]))
    files = base64.b64encode(manifest.encode()).decode()
    job = replace(job_of(tmp_path / "*.csv", SPOOL), files=files, version=manifest.version)
    gate.work_for(job)
    with pytest.raises(PermissionError):
        read(gate, tmp_path / "a.csv")
    Spool(spool).grant(job.life, manifest.word)
    assert [read(gate, tmp_path / name) for name in ("a.csv", "b.csv")] == [b"a.csv", b"b.csv"]
    with pytest.raises(PermissionError):
        read(gate, tmp_path / "c.csv")


@pytest.mark.parametrize("sizes", [(0, 0), (3, 0), (3 << 20, 5)])
def test_parts_are_written_and_removed_by_the_places_rules(gate: Gate, root: Path, sizes: tuple[int, int]) -> None:
    data = [os.urandom(size) for size in sizes]
    place, life = GatedPlaces(Places(Spool(None), [root]), gate).of(name_of(root)), job_of("x", "").life
    name = place.put_part(life, 7, 1, data[0], memoryview(data[1]))
    assert (root / ".nightshift" / name).read_bytes() == b"".join(data)
    place.drop_parts(life, ["../../in.csv", name])
    assert list((root / ".nightshift").iterdir()) == []
    (root / ".nightshift").chmod(0o777)
    with pytest.raises(SettingsError, match="may be written by anybody"):
        place.put_part(life, 7, 1, b"x")


def test_it_connects_to_the_server_and_to_nobody_else(gate: Gate, listening: socket.socket, tmp_path: Path) -> None:
    with gate.connect() as client:
        server, _ = listening.accept()
        client.sendall(b"PING")
        assert server.recv(4) == b"PING"
        server.close()
    listening.close()
    with pytest.raises(ConnectionRefusedError):
        gate.connect()


def test_what_it_does_not_know_is_an_error_and_no_end(gate: Gate) -> None:
    said: list[dict[str, Any]] = [{"what": "exec"}, {"what": "open"}, {"what": "granted", "place": 1, "life": 2}]
    for request in said:
        with pytest.raises((RuntimeError, ValueError)):
            gate.ask(**request)
    with pytest.raises(PermissionError):
        gate.open("/etc/passwd")


def test_a_log_that_is_rotated_is_gone_on_with(spool: Path, tmp_path: Path) -> None:
    """`celery worker --logfile`, and logrotate."""
    path = tmp_path / "worker.log"

    def log_on() -> None:
        handler = logging.handlers.WatchedFileHandler(path, encoding="utf-8")
        logging.getLogger("nightshift.test").addHandler(handler)
        gate = keep_gate(Places(Spool(spool)), None, lambda _: None)
        Cage(landlock.abi()).enter()
        logging.getLogger("nightshift.test").warning("one")
        while path.exists():
            time.sleep(0.01)
        logging.getLogger("nightshift.test").warning("two")
        with pytest.raises(PermissionError):
            gate.open_log("/etc/passwd")
        logging.getLogger("nightshift.test").warning("three")

    process = forked(log_on)
    until(lambda: path.exists() and path.read_text() == "one\n", 20)
    path.replace(tmp_path / "worker.log.1")
    os.waitpid(process, 0)
    assert path.read_text() == "two\nthree\n"


def children_of(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_nothing_of_it_stays_when_its_process_is_gone(spool: Path) -> None:
    def start_all() -> None:
        gate = keep_gate(Places(Spool(spool)), None, lambda _: time.sleep(60))
        gate.start_apart()
        time.sleep(60)

    process = forked(start_all)
    until(lambda: any(map(children_of, children_of(process))), 20)
    [keeper] = children_of(process)
    [apart] = children_of(keeper)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    until(lambda: not Path(f"/proc/{apart}").exists() and not Path(f"/proc/{keeper}").exists(), 20)


def test_a_process_whose_gatekeeper_is_gone_ends_itself_to_be_replaced(spool: Path) -> None:
    """It could read nothing and answer nothing any more."""

    def ask_again_and_again() -> None:
        gate = keep_gate(Places(Spool(spool)), None, lambda _: None)
        Cage(0).enter()
        while True:
            time.sleep(0.01)
            try:
                gate.connect()
            except ConnectionRefusedError:  # it knows no server, and says so
                continue

    process = forked(ask_again_and_again)
    until(lambda: bool(children_of(process)), 20)
    os.kill(children_of(process)[0], signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL


def forked(act: Callable[[], None]) -> int:
    process = os.fork()
    if process == 0:
        try:
            act()
        finally:
            os._exit(1)
    return process
