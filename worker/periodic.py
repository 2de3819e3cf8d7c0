"""A thread that does one thing again and again."""

import contextlib
import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import redis

from jobs.errors import ServerError
from jobs.server import AWAY

log = logging.getLogger(__name__)


class Periodic:
    """Calls `action` at once and then every `seconds`, in a thread of its own until closed. It outlives whatever that
    raises: what the server does wrong is logged, once an outage, what nobody expected with its traceback, once in a
    row."""

    def __init__(
        self, seconds: float, action: Callable[[], object], name: str, at_end: Callable[[], object] = lambda: None
    ) -> None:
        self._seconds = seconds
        self._action = action
        self._at_end = at_end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def _loop(self) -> None:
        away, said = False, ""
        while not self._stop.is_set():
            try:
                self._action()
                away, said = False, ""
            except (*AWAY, ServerError, OSError) as error:
                if not away:
                    log.warning("%s: the server is away: %s", self._thread.name, error)
                away = True
            except Exception as error:
                if said != (said := f"{type(error).__name__}: {error}"):
                    log.exception("%s: failed, and goes on: %s", self._thread.name, said)
            self._stop.wait(self._seconds)
        with contextlib.suppress(redis.RedisError, ServerError):
            self._at_end()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._stop.set()
