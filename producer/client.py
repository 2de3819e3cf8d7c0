"""What a command or a Python program works with: a connection, and the hooks that are told what becomes of its jobs."""

from functools import cached_property
from types import TracebackType
from typing import Self

from jobs.settings import Settings
from producer.notify.hooks import CLOSE_SECONDS, INTERRUPTED_SECONDS, Hooks
from producer.notify.news import News
from producer.server.connection import Connection
from producer.server.embedded import Embedded


class Client(Connection):
    """A connection with hooks, which are closed with it."""

    @cached_property
    def news(self) -> News:
        """What the hooks are told of jobs on this server."""
        return News(self.ledger, Hooks.from_settings(self.settings))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(INTERRUPTED_SECONDS if kind is KeyboardInterrupt else CLOSE_SECONDS)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Waits `seconds` at most for hooks that are under way, and closes the connection."""
        if "news" in self.__dict__:
            self.news.close(seconds)
        super().close()


class LateClient:
    """A client that is opened when it is first wanted: an input that can't be read starts no server."""

    def __init__(self, settings: Settings, workers: int = 0, begun: Embedded | None = None) -> None:
        """`workers` are those of the embedded mode; 0: one a core. What was `begun` of it early is closed, too."""
        self._settings, self._workers, self._begun = settings, workers, begun

    @cached_property
    def client(self) -> Client:
        return Client(self._settings, self._begun)

    def warm_up(self, *_: object) -> None:
        """Has local workers start, which takes them seconds, while the input is unpacked or read from a pipe."""
        if self._settings.redis_url is None:
            self.client.start_workers(self._workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if "client" in self.__dict__:
            self.client.__exit__(kind, error, trace)
        elif self._begun:
            self._begun.close(idle=True)
