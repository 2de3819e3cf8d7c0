"""A lock in the ledger that whoever holds it keeps as long as it works, and that runs out when it falls silent."""

import time
import uuid

from jobs.ledger import Ledger

RENEW_SECONDS = 1.0  # so long a lock that was ours is ours still, without asking


class Lock:
    """Runs out after `seconds`, which must be several times RENEW_SECONDS. Two with the same `token` are one."""

    def __init__(self, ledger: Ledger, name: str, seconds: float, token: str | None = None) -> None:
        self.token = token or uuid.uuid4().hex
        self._ledger, self._name, self._seconds = ledger, name, seconds
        self._due = 0.0

    def hold(self) -> bool:
        """Takes or keeps it; False if somebody else has it."""
        now = time.monotonic()
        if now < self._due:
            return True
        ours = self._ledger.hold(self._name, self.token, self._seconds)
        self._due = now + RENEW_SECONDS if ours else 0.0
        return ours

    def let_go(self) -> None:
        """Drops it early, if it is ours."""
        self._due = 0.0
        self._ledger.let_go(self._name, self.token)
