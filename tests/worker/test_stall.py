"""A worker that takes no work is found out: it shows no sign of life, then ends; one that has none to take does not."""

import os
import subprocess

import pytest

from worker.health import unhealthy
from worker.upkeep import stall
from worker.upkeep.stall import GAP_SECONDS, SILENT_SECONDS, STUCK_SECONDS, StallDetector


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stall, "time", clock)
    return clock


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    ended: list[bool] = []
    monkeypatch.setattr(stall, "end", lambda: ended.append(True))
    return ended


def watch(of: StallDetector, clock: Clock, seconds: float, waiting: int, held: int) -> None:
    for _ in range(int(seconds)):
        clock.now += 1
        of.look(waiting, held)


def test_one_that_takes_nothing_of_what_waits_is_silent_and_then_ends(clock: Clock, ended: list[bool]) -> None:
    worker = StallDetector(2)
    watch(worker, clock, SILENT_SECONDS - 1, waiting=5, held=1)
    assert worker.well
    watch(worker, clock, 2, waiting=5, held=1)
    assert not worker.well
    assert not ended
    watch(worker, clock, STUCK_SECONDS, waiting=5, held=1)
    assert ended == [True], "once"


@pytest.mark.parametrize(("waiting", "held"), [(0, 0), (5, 2)], ids=["nothing waits", "all its processes score"])
def test_one_that_has_no_work_or_no_hand_free_is_well(clock: Clock, ended: list[bool], waiting: int, held: int) -> None:
    worker = StallDetector(2)
    watch(worker, clock, 10 * STUCK_SECONDS, waiting, held)
    assert worker.well
    assert not ended


def test_one_that_takes_a_message_now_and_then_is_well(clock: Clock, ended: list[bool]) -> None:
    worker = StallDetector(2)
    for _ in range(10):
        watch(worker, clock, SILENT_SECONDS - 5, waiting=5, held=1)
        worker.note()
    assert worker.well
    assert not ended


def test_a_server_that_was_away_is_not_the_workers_fault(clock: Clock, ended: list[bool]) -> None:
    worker = StallDetector(2)
    worker.look(5, 0)
    clock.now += STUCK_SECONDS + GAP_SECONDS
    worker.look(5, 0)
    assert worker.well
    assert not ended


def test_health_is_that_of_the_hosts_own_living_workers() -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    one, two = os.getpid(), os.getppid()
    assert unhealthy("a", {f"a:{one}:2": 1, "b:1:2": 50}) is None
    assert unhealthy("a", {"b:1:2": 1}) == "no worker on a"
    assert unhealthy("a", {f"a:{one}:2": 1, f"a:{two}:2": 31}) == f"worker a:{two}:2 has made no progress for 31 s"
    assert unhealthy("a", {f"a:{one}:2": 1, f"a:{gone.pid}:2": 31}) is None  # killed; its successor is well
