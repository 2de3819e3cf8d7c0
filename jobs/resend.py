"""The re-sender: whatever is neither done, nor validly leased, nor in the queue is sent again. Every worker and every
following producer runs it, a short lock lets one of them at a time. It also forgets jobs that ended long ago."""

import time
import uuid

from jobs import keys, queue
from jobs.ledger import Ledger

INTERVAL = 1.0  # seconds between sweeps
EXPIRE_INTERVAL = 60.0
PATIENCE = 3.0  # seconds a message may be on its way, seen in neither queue nor ledger


class Resender:
    """Call `sweep_if_due` as often as you like."""

    def __init__(self, ledger: Ledger, keep_days: float) -> None:
        self._ledger = ledger
        self._token = uuid.uuid4().hex
        self._keep_seconds = keep_days * 24 * 3600
        self._due = self._expire_due = 0.0

    def sweep_if_due(self) -> int:
        """Sends again what may be lost; returns how many batches that were."""
        if time.monotonic() < self._due:
            return 0
        self._due = time.monotonic() + INTERVAL
        if not self._ledger.hold(keys.RESENDER, self._token, 3 * INTERVAL):
            return 0
        if time.monotonic() >= self._expire_due:
            self._expire_due = time.monotonic() + EXPIRE_INTERVAL
            self._ledger.expire(self._keep_seconds)
        overdue = {job_id: self._ledger.overdue(job_id, PATIENCE) for job_id in self._ledger.active()}
        if not any(overdue.values()):
            return 0
        queued = queue.queued(self._ledger.redis)
        lost = {
            job_id: [batch for batch in batches if (job_id, batch) not in queued] for job_id, batches in overdue.items()
        }
        return sum(self._ledger.send_again(job_id, batches) for job_id, batches in lost.items() if batches)
