"""The server a command talks to: the one REDIS_URL names, or the embedded one, started on demand."""

from types import TracebackType
from typing import Self

from jobs.ledger import Ledger
from jobs.queue import Sender, make_app
from jobs.resend import Resender
from jobs.server import connect
from jobs.settings import Settings
from producer.embedded import Embedded


class Connection:
    """A ledger, a sender and a re-sender on one server; a context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.embedded: Embedded | None = None
        url = settings.redis_url
        if url is None:
            self.embedded = Embedded(settings.home)
            self.embedded.start_server()
            url = self.embedded.url
        self.ledger = Ledger(connect(url))
        self.sender = Sender(make_app(url))
        self.resender = Resender(self.ledger, self.sender, settings.keep_days)

    def start_workers(self, processes: int) -> None:
        """In the embedded mode only; elsewhere workers are somebody else's."""
        if self.embedded:
            self.embedded.start_workers(processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops what was started, unless other commands need it."""
        self.sender.close()
        self.ledger.redis.close()
        if self.embedded:
            self.embedded.close()
