"""Waiting for what real processes do in their own time."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], seconds: float, pause: float = 0.02) -> None:
    """Raises AssertionError if the condition does not hold within so many seconds; it is asked after each `pause`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(pause)
