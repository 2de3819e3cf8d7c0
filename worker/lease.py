"""A batch that this process may score, for as long as its lease is renewed; and what renews it.

Whoever's lease has run out has lost the batch: `overdue.lua` takes it back, and the re-sender sends it again. What the
process then still answers counts only if it is the first answer.
"""

import logging
import os
import signal
import time
from dataclasses import dataclass

from jobs import digest
from jobs.identity import Owner
from jobs.ledger import Ledger
from jobs.record import Life
from jobs.timeline import Work
from model.graph.row_class import RowClass
from worker.periodic import Periodic
from worker.reading import Answer, Given

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to score a batch. It has none of the batch's bytes: a thread that renews it may outlive them."""

    ledger: Ledger
    life: Life
    batch: int
    owner: Owner
    seconds: float  # for which it is good, from when it was given or renewed

    def renew(self) -> bool:
        """False if it is not this owner's any more."""
        return self.ledger.renew(self.life, self.batch, str(self.owner), self.seconds)

    def release(self, reason: str, attempts: int = 0) -> bool:
        """Gives it back at once, as one that was given away `attempts` times at least. False as for `renew`."""
        return self.ledger.release(self.life, self.batch, str(self.owner), reason, attempts)

    def leave(self, reason: str) -> bool:
        """Gives it back, to be sent again in a while, as one that was never given away. False as for `renew`."""
        return self.ledger.leave(self.life, self.batch, str(self.owner), reason)

    def complete(self, payload: bytes, given: Given, answer: Answer, work: Work) -> bool:
        """Writes the answer, and the digest of what was given to be scored. False if another was first."""
        sent = digest.sent(self.life.incarnation, self.batch, given.first, given.records, payload)
        return self.ledger.complete(
            self.life, self.batch, sent, answer.result, answer.scored, answer.reject_codes, work, answer.odd
        )

    def __str__(self) -> str:
        return f"{self.life.id}:{self.batch}"


@dataclass(frozen=True, slots=True)
class LeasedBatch:
    """A lease, and what came with it."""

    lease: Lease
    attempt: int  # how often the batch was given away, this time included
    payload: bytes
    row_class: RowClass | None  # the job's; None before a worker has found it


class Renewal(Periodic):
    """Keeps the batch's lease for as long as the block runs. When nothing of it was scored for `limit` seconds the
    model hangs: nothing interrupts a `session.run`, so the batch is given back, as one that was given away `suspect`
    times, and this process ends itself, to be replaced by Celery."""

    def __init__(self, lease: Lease, limit: float, suspect: int) -> None:
        super().__init__(min(lease.seconds / 3, limit / 4), self._renew, f"lease of {lease}")
        self._lease, self._limit, self._suspect = lease, limit, suspect
        self.progress()

    def progress(self) -> None:
        """A part of the batch is scored."""
        self._deadline = time.monotonic() + self._limit

    def _renew(self) -> None:
        if time.monotonic() < self._deadline:
            self._lease.renew()
            return
        reason = f"batch {self._lease.batch}: nothing scored within the {self._limit:g} s of NIGHTSHIFT_BATCH_SECONDS"
        log.error("%s: %s; process %d ends itself", self._lease.life.id, reason, os.getpid())
        try:
            self._lease.release(reason, self._suspect)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
