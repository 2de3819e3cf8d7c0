"""The server a command talks to: the one REDIS_URL names, or the embedded one, started on demand."""

import contextlib
from types import TracebackType
from typing import Self

from jobs.input import buckets_of
from jobs.ledger import Ledger
from jobs.record import Job
from jobs.resend import Resender
from jobs.server import AWAY, connect
from jobs.settings import Settings
from jobs.spool import Spool
from producer.server.embedded import Embedded


class Connection:
    """A ledger and a re-sender on one server; a context manager."""

    def __init__(self, settings: Settings, embedded: Embedded | None = None) -> None:
        """`embedded`, if it was made already, is this connection's from now on."""
        self.settings = settings
        self.embedded = embedded
        url, spool = settings.redis_url, settings.spool
        if url is None:
            self.embedded = embedded or Embedded(settings.home, spool)
            self.embedded.start_server()
            url, spool = self.embedded.url, self.embedded.spool
        self.ledger = Ledger(connect(url), Spool(spool), settings.data)
        self.resender = Resender(self.ledger, settings.keep_days)

    def check(self) -> None:
        """Raises ServerError if an embedded server is gone for good."""
        if self.embedded:
            self.embedded.check_server()

    def start_workers(self, processes: int = 0, job: Job | None = None) -> None:
        """In the embedded mode only, 0: one a core; elsewhere workers are somebody else's. For a job, they can reach
        the buckets that its input is in."""
        if self.embedded:
            self.embedded.start_workers(processes, buckets_of(job) if job else ())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops what was started, unless other commands need it."""
        idle = False
        if self.embedded:
            with contextlib.suppress(*AWAY):
                idle = not self.ledger.active()
        self.ledger.redis.close()
        if self.embedded:
            self.embedded.close(idle=idle)
