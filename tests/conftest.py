"""The real thing for every test: a private Valkey server, and real workers."""

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from model import environment

environment.prepare()  # before anything imports numpy

# Not test files, but their assertions too say what they saw.
pytest.register_assert_rewrite("tests.support", "tests.faults.night", "tests.producer.nightly.place")

from jobs.ledger import Ledger  # noqa: E402
from tests.support import Server, Worker  # noqa: E402
from tests.support.farm import Farm, end_farm, make_farm  # noqa: E402
from tests.support.server import Guard  # noqa: E402

# A shell that runs the tests in the background ignores SIGINT, and the commands that they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow machine is no failure; speed is measured in benchmarks/.
hypothesis.settings.register_profile("nightshift", deadline=None)
hypothesis.settings.load_profile("nightshift")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--acl", action="store_true", help="servers have the users of deploy/valkey/users.acl")
    parser.addoption("--tls", action="store_true", help="servers are reached by TLS, with certificates on both sides")


def pytest_configure(config: pytest.Config) -> None:
    Guard.acl, Guard.tls = bool(config.getoption("--acl")), bool(config.getoption("--tls"))


@pytest.fixture(scope="session")
def valkey() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))  # a short path: a socket's may have 107 characters
    server = Server(folder)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def server(valkey: Server) -> Server:
    """The session's server, empty."""
    valkey.redis.flushall()  # ours alone
    return valkey


@pytest.fixture
def ledger(server: Server) -> Ledger:
    return Ledger(server.redis)


@pytest.fixture
def start_worker(server: Server, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts workers on the test's server, and stops them afterwards."""
    started: list[Worker] = []

    def start(name: str = "worker", **options: object) -> Worker:
        worker = Worker(server.worker_url, tmp_path / f"{name}.log", **options)  # type: ignore[arg-type]
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()


@pytest.fixture
def bare_farm() -> Iterator[Farm]:
    """A server of the test's own, without workers as yet."""
    farm = make_farm()
    yield farm
    end_farm(farm)
