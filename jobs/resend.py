"""The re-sender: whatever is neither done, nor validly leased, nor in the queue is sent again. Every worker and every
following producer runs it, a short lock lets one of them at a time. It also forgets jobs that ended long ago."""

import time

from jobs import keys, queue
from jobs.ledger import Ledger
from jobs.lock import Lock
from jobs.record import Life
from jobs.skipping import Skipping

INTERVAL = 1.0  # seconds between sweeps
EXPIRE_INTERVAL = 60.0
DELAY = 1.0  # seconds after which it is worth a look where a message is
PATIENCE = 3.0  # seconds for which it may be nowhere: workers tell by the second what they have taken


class Resender:
    """Call `sweep_if_due` as often as you like."""

    def __init__(self, ledger: Ledger, keep_days: float) -> None:
        self._ledger = ledger
        self._lock = Lock(ledger, keys.RESENDER, 3 * INTERVAL)
        # An older version's re-sender may be at the first format's jobs.
        self._first_lock = Lock(ledger, keys.FIRST.resender, 3 * INTERVAL)
        self._keep_seconds = keep_days * 24 * 3600
        self._due = self._expire_due = 0.0
        self._missing: dict[tuple[Life, int], float] = {}  # since when these batches' messages are nowhere
        self._skipping = Skipping()

    def sweep_if_due(self) -> int:
        """Sends again what may be lost; returns how many batches that were."""
        if time.monotonic() < self._due:
            return 0
        self._due = time.monotonic() + INTERVAL
        if not self._lock.hold():
            return 0
        if time.monotonic() >= self._expire_due:
            self._expire_due = time.monotonic() + EXPIRE_INTERVAL
            self._ledger.removal.expire(self._keep_seconds)
        sent = 0
        for life, batches in self._lost().items():
            with self._skipping.over(life.name):
                sent += self._ledger.send_again(life, batches)
        return sent

    def _lost(self) -> dict[Life, list[int]]:
        """The batches to be sent again, by job: those whose message is used up, or nowhere for PATIENCE."""
        overdue: dict[Life, dict[int, bool]] = {}
        alone = self._first_lock.hold()
        for life in self._ledger.active():
            if not life.incarnation and not alone:
                continue
            with self._skipping.over(life.name):
                overdue[life] = self._ledger.overdue(life, DELAY)
        known = queue.queued(self._ledger.redis) if any(overdue.values()) else set()
        now = time.monotonic()
        missing: dict[tuple[Life, int], float] = {}
        lost: dict[Life, list[int]] = {}
        for life, batches in overdue.items():
            for batch, sent in batches.items():
                place = life, batch
                if place in known:
                    continue
                missing[place] = self._missing.get(place, now)
                if not sent or now - missing[place] >= PATIENCE:
                    lost.setdefault(life, []).append(batch)
                    del missing[place]
        self._missing = missing
        return lost
