"""Waiting for a server that is away, or is there and can't serve."""

import time
from collections.abc import Callable
from typing import TypeVar

from jobs.server import AWAY

WAIT_SECONDS = 0.25

T = TypeVar("T")


def wait_for_server(do: Callable[[], T], say: Callable[[str], object], check: Callable[[], object] = lambda: None) -> T:
    """What `do` returns, called again and again for as long as the server is away, which is said once. `check` may
    raise where waiting is in vain."""
    away = False
    while True:
        try:
            found = do()
        except AWAY as error:
            check()
            if not away:
                say(f"waiting for the server: {str(error).rpartition(' caused error: ')[2]}")  # of a pipeline
            away = True
            time.sleep(WAIT_SECONDS)
        else:
            if away:
                say("the server is back")
            return found
