"""Connections break: cut, delayed, half closed, silent, and with a message on them."""

import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs import keys
from tests.faults.night import Night
from tests.faults.proxy import Proxy
from tests.faults.site import Site
from tests.support import Server
from tests.support.farm import end_farm

Nights = Callable[..., Night]


class ProxiedServer(Server):
    """Everybody but the test itself reaches it through a proxy."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        super().__init__(folder, port)
        self.proxy = Proxy(port)
        through = f"redis://127.0.0.1:{self.proxy.port}"
        self.url, self.worker_url = self.url_of("producer", through), self.url_of("worker", through)

    def stop(self) -> None:
        super().stop()
        self.proxy.close()


@pytest.fixture(scope="module")
def far() -> Iterator[Site]:
    """A farm whose server is behind a proxy."""
    folder = Path(tempfile.mkdtemp(prefix="nightshift-"))
    far = Site(ProxiedServer(folder), folder, [])
    yield far
    end_farm(far)


@pytest.fixture
def proxy(far: Site) -> Iterator[Proxy]:
    assert isinstance(far.server, ProxiedServer)
    proxy = far.server.proxy
    yield proxy
    proxy.delay = 0.0
    proxy.silent.clear()
    proxy.swallow = lambda _: False


def brings_a_message(reply: bytes) -> bool:
    """Whether it answers the BRPOP with which a worker takes a message off the queue."""
    return keys.SECOND.queue.encode() + b"\r\n" in reply[:64] and b"nightshift.score" in reply


@pytest.mark.slow
def test_all_connections_killed_again_and_again_change_nothing(night: Nights) -> None:
    tonight = night()
    run = tonight.enqueue()
    tonight.reach(3)
    for _ in range(8):
        tonight.site.server.redis.client_kill_filter(skipme=True)
        time.sleep(0.3)
    tonight.check(run)


@pytest.mark.slow
def test_connections_reset_again_and_again_change_nothing(night: Nights, far: Site, proxy: Proxy) -> None:
    tonight = night(site=far)
    run = tonight.enqueue()
    tonight.reach(3)
    for _ in range(8):
        proxy.cut()
        time.sleep(0.3)
    tonight.check(run)


@pytest.mark.slow
def test_half_closed_connections_change_nothing(night: Nights, far: Site, proxy: Proxy) -> None:
    tonight = night(site=far)
    run = tonight.enqueue()
    for done in (3, 15, 30):
        tonight.reach(done)
        proxy.half_close()
    tonight.check(run)


@pytest.mark.slow
def test_a_slow_network_changes_nothing(night: Nights, far: Site, proxy: Proxy) -> None:
    tonight = night(site=far, rows=20_000)
    proxy.delay = 0.05
    run = tonight.enqueue()
    tonight.reach(10)
    proxy.delay = 0.5
    time.sleep(5)
    proxy.delay = 0.0
    tonight.check(run)


@pytest.mark.slow
def test_a_network_that_goes_silent_is_noticed_and_left_behind(night: Nights, far: Site, proxy: Proxy) -> None:
    tonight = night(site=far)
    run = tonight.enqueue()
    tonight.reach(5)
    proxy.silent.set()  # established connections stay so, and nothing comes through them
    time.sleep(2)
    proxy.silent.clear()  # what was swallowed never comes: each side waits for an answer
    back = time.monotonic()
    receipt = tonight.check(run, seconds=90)
    assert receipt["created"] + receipt["seconds"] - time.time() + time.monotonic() - back < 45


@pytest.mark.slow
def test_messages_popped_and_lost_on_the_way_to_the_worker_are_sent_again(
    night: Nights, far: Site, proxy: Proxy
) -> None:
    tonight = night(site=far)
    seen: list[bytes] = []

    def every_seventh(reply: bytes) -> bool:
        if brings_a_message(reply):
            seen.append(reply)
            return len(seen) % 7 == 0
        return False

    proxy.swallow = every_seventh
    run = tonight.enqueue()
    tonight.reach(40)
    proxy.swallow = lambda _: False
    tonight.check(run, seconds=90)
    assert len(seen) >= 7
    assert tonight.progress().resent >= len(seen) // 7


@pytest.mark.slow
def test_a_worker_killed_between_the_pop_and_its_record_loses_nothing(night: Nights, far: Site, proxy: Proxy) -> None:
    tonight = night(site=far, workers=1)
    killed = far.workers[0]
    popped: list[bytes] = []

    def kill(reply: bytes) -> bool:
        if brings_a_message(reply) and not popped:
            popped.append(reply)
            os.killpg(killed.process.pid, signal.SIGKILL)
            return True
        return False

    run = tonight.enqueue()
    tonight.reach(10)
    proxy.swallow = kill
    far.discard(killed)
    assert popped
    far.staff(1)
    tonight.check(run)
    assert tonight.progress().resent >= 1
