"""What a command or a Python program works with: a connection, and the hooks that are told what becomes of its jobs."""

from functools import cached_property
from types import TracebackType

from producer.notify.hooks import CLOSE_SECONDS, INTERRUPTED_SECONDS, Hooks
from producer.notify.news import News
from producer.server.connection import Connection


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
