"""What a graph can do in a worker's process, whatever ops are in it: that is what the cage leaves."""

import json
import mmap
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.settings import Settings
from tests.support import ROOT
from worker.cage import landlock, seccomp
from worker.cage.cage import Cage, find_cage, limit_memory
from worker.cage.choice import choose_cage

pytestmark = pytest.mark.skipif(bool(seccomp.missing()), reason=f"no seccomp here: {seccomp.missing()}")
with_landlock = pytest.mark.skipif(not landlock.abi(), reason="this kernel has no Landlock")


def in_a_child(prepare: Callable[[], object], act: Callable[[], object]) -> str:
    """What `act` returns, or raises, in a process of its own that has one thread."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            prepare()
            said = str(act())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(sink, said.encode()[:2000])
        os._exit(0)
    os.close(sink)
    with os.fdopen(source) as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, Any]]]:
    """By kind of process and family of ops: see tests/support/hostile.py."""
    command = [sys.executable, "-m", "tests.support.hostile", str(tmp_path_factory.mktemp("hostile"))]
    environment = {**os.environ, "NIGHTSHIFT_CAGE": "on"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=170)
    assert run.returncode == 0, run.stderr
    found: dict[str, dict[str, dict[str, Any]]] = json.loads(run.stdout)
    return found


@with_landlock
def test_no_refused_op_reaches_anything_even_where_nobody_refuses_it(
    reached: dict[str, dict[str, dict[str, Any]]],
) -> None:
    """After earlier sessions, with the refusals off: a session's own threads are held too."""
    assert [family for family, found in reached["free"].items() if not found["reached"]] == [], "or nothing is shown"
    assert reached["caged"].keys() == reached["free"].keys()
    assert {family: found for family, found in reached["caged"].items() if found["reached"]} == {}


WAYS: dict[str, Callable[[], object]] = {
    "a socket": lambda: socket.socket(),
    "a pair that could send to the system's log": lambda: socket.socketpair(type=socket.SOCK_DGRAM),
    "a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
    "a fork": os.fork,
    "a file that is written": lambda: Path("/dev/shm/nightshift-test").open("w"),  # noqa: SIM115
    "a pipe with a name": lambda: os.mkfifo("/dev/shm/nightshift-test"),
    "another mode": lambda: Path("/tmp").chmod(0o1777),
    "a mount": lambda: seccomp_call(165 if os.uname().machine == "x86_64" else 40),
    "a ring": lambda: seccomp_call(425),
    "a key": lambda: seccomp_call(250 if os.uname().machine == "x86_64" else 219),
    "a signal": lambda: os.kill(os.getppid(), 0),
    "another user": lambda: os.setuid(65534),
}


def seccomp_call(number: int) -> int:
    """As the kernel answers; zeros are never what it wants."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, 0, 0, 0, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return 0


@pytest.mark.parametrize("way", WAYS)
def test_seccomp_alone_holds_all_but_reading(way: str) -> None:
    """Where the kernel has no Landlock."""
    assert in_a_child(Cage(landlock=0).enter, WAYS[way]).startswith("PermissionError: [Errno 1]")


@with_landlock
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "/proc/self/mem", "/proc/1/cmdline", ROOT / "README.md"]
)
def test_landlock_holds_reading(path: str | Path) -> None:
    caged = in_a_child(Cage(landlock.abi()).enter, lambda: Path(path).open("rb").close())
    assert caged.startswith("PermissionError: [Errno 13]")
    assert not in_a_child(lambda: None, lambda: Path(path).open("rb").close()).startswith("PermissionError")


def test_what_python_does_all_the_time_still_works() -> None:
    def work() -> str:
        import threading
        import wsgiref.validate  # noqa: F401 -- that nobody has imported

        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(len(os.urandom(8))))
        thread.start()
        thread.join()
        ours, theirs = socket.socketpair()
        ours.sendall(b"x")
        return f"{found} {theirs.recv(1)!r} {Path('/dev/null').read_bytes()!r}"

    assert in_a_child(Cage(landlock.abi()).enter, work) == "[8] b'x' b''"


def test_threads_that_are_there_would_stay_outside_and_are_told() -> None:
    def enter_with_a_thread() -> str:
        import threading

        wait = threading.Event()
        threading.Thread(target=wait.wait, daemon=True).start()
        Cage(landlock.abi()).enter()
        return "caged"

    assert "there are threads already" in in_a_child(lambda: None, enter_with_a_thread)


@with_landlock
def test_with_object_storage_its_ports_are_open_and_no_others() -> None:
    """Landlock knows ports, and no hosts."""
    if landlock.abi() < 4:
        pytest.skip("Landlock's ports come with ABI 4")
    with socket.create_server(("127.0.0.1", 0)) as storage, socket.create_server(("127.0.0.1", 0)) as other:
        cage = Cage(landlock.abi(), ports=(storage.getsockname()[1],))

        def connect(to: socket.socket) -> str:
            return in_a_child(cage.enter, lambda: socket.create_connection(to.getsockname(), 1).close())

        assert connect(storage) == "None"
        assert connect(other).startswith("PermissionError")
        assert in_a_child(cage.enter, lambda: socket.socket(socket.AF_UNIX)).startswith("PermissionError")


def test_a_worker_says_first_whether_it_is_caged(caplog: pytest.LogCaptureFixture) -> None:
    said: dict[str, str] = {}
    for mode, forks in (("on", True), ("on", False), ("off", True)):
        caplog.clear()
        said[f"{mode} {forks}"] = str(choose_cage(Settings(cage=mode), forks)), caplog.messages[0]  # type: ignore[arg-type, assignment]
    found = str(find_cage())
    assert said == {
        "on True": (found, f"caged: {found}"),
        "on False": ("None", "not caged: the pool does not fork"),
        "off True": ("None", "not caged: NIGHTSHIFT_CAGE=off"),
    }


def test_a_worker_that_must_be_caged_and_can_not_does_not_start() -> None:
    with pytest.raises(SystemExit, match="NIGHTSHIFT_CAGE=require, but there is no whole cage: the pool does not fork"):
        choose_cage(Settings(cage="require"), forks=False)


def test_memory_is_limited_beyond_what_there_is() -> None:
    def take() -> str:
        return str(len(mmap.mmap(-1, 300 << 20)))  # what malloc gives may have been there already

    assert in_a_child(lambda: limit_memory(200 << 20), take) == "OSError: [Errno 12] Cannot allocate memory"
    assert in_a_child(lambda: limit_memory(400 << 20), take) == str(300 << 20)
    assert in_a_child(lambda: limit_memory(None), lambda: resource.getrlimit(resource.RLIMIT_AS)) == str(
        resource.getrlimit(resource.RLIMIT_AS)
    )
