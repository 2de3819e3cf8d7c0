"""A thread that does one thing again and again outlives whatever that raises: nobody would see that it is gone."""

import itertools

import pytest

from tests.support import until
from worker.periodic import Periodic


def test_what_nobody_expected_is_said_once_and_the_thread_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    turns = itertools.count()
    reached: list[int] = []

    def action() -> None:
        reached.append(next(turns))
        if reached[-1] < 5:
            raise ValueError("a record that makes no sense")
        if reached[-1] < 8:
            raise RecursionError
        if reached[-1] == 8:
            raise MemoryError("no room")

    with Periodic(0.001, action, "housekeeping"):
        until(lambda: len(reached) > 12, 5)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "housekeeping: failed, and goes on: ValueError: a record that makes no sense",
        "housekeeping: failed, and goes on: RecursionError: ",
        "housekeeping: failed, and goes on: MemoryError: no room",
    ]
    assert all(record.exc_info for record in caplog.records), "with the place where it happened"


def test_the_first_turn_is_at_once() -> None:
    """A worker that is ready shows its first sign of life then, and not a second later: `status` counts it, and a
    producer waits for nobody."""
    turns: list[int] = []
    with Periodic(60, lambda: turns.append(1), "housekeeping"):
        until(lambda: turns == [1], 5)
