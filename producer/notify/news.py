"""What a job's followers tell the hooks: that it is complete, that it failed or was
stopped, that it will be late. Each once, however
many follow it; only those who follow a job to its end tell.

A follower takes a short lock while it delivers, and notes in the ledger what it delivered. One that dies meanwhile
leaves the lock to run out, and the next, or the same command again, delivers: at least once.
"""

import logging
import time
import uuid
from typing import cast

from jobs import keys
from jobs.ledger import Ledger
from jobs.lock import Lock
from jobs.record import Life
from producer.notify.delivery import Event
from producer.notify.hooks import Hooks
from producer.outlook.deadline import missed
from producer.outputs.receipt import Limit, Receipt, written

log = logging.getLogger(__name__)

LOCK_SECONDS = 120.0  # longer than any delivery with all its retries
POLL_SECONDS = 0.2


class Once:
    """One follower's turn to tell one event of one job. `mark` tells two of a kind apart: a deadline that was moved."""

    def __init__(self, ledger: Ledger, life: Life, event: Event, mark: str) -> None:
        self._ledger, self._life, self._event, self._mark = ledger, life, event, mark
        self._token = uuid.uuid4().hex

    def take(self, target: str) -> bool:
        """True to the one that delivers. The others wait whether it does."""
        while not self._lock(target).hold():
            time.sleep(POLL_SECONDS)
        if self._delivered(target):
            self._lock(target).let_go()
            return False
        return True

    def settle(self, target: str, delivered: bool) -> None:
        if delivered:
            self._ledger.note(self._life, **{self._field(target): self._mark})
        self._lock(target).let_go()

    def _delivered(self, target: str) -> bool:
        noted = cast("bytes | None", self._ledger.redis.hget(keys.job(self._life.id), self._field(target)))
        return noted == self._mark.encode()

    def _field(self, target: str) -> str:
        return f"hook:{self._event}:{target}"

    def _lock(self, target: str) -> Lock:
        return Lock(self._ledger, f"{keys.own(self._life)}:{self._field(target)}", LOCK_SECONDS, self._token)


class News:
    """What is told of the jobs of one server."""

    def __init__(self, ledger: Ledger, hooks: Hooks) -> None:
        self._ledger, self._hooks = ledger, hooks

    def tell_complete(self, receipt: Receipt, max_rejects: Limit | None = None) -> None:
        """`max_rejects`: more than so many are part of the news."""
        text = f"{receipt.job} is complete: {receipt.scored:,} of {receipt.records:,} records scored"
        if receipt.rejected:
            codes = ", ".join(f"{count:,} {code}" for code, count in receipt.codes.items())
            text += f", {receipt.rejected:,} rejected ({codes})"
        if receipt.seconds:
            text += f", in {receipt.seconds:,.0f} s"
        if receipt.none_scored:
            text += "; none was scored"
        elif max_rejects and receipt.exceeds(max_rejects):
            text += f"; more rejects than the {written(max_rejects)} allowed"
        if receipt.late and receipt.deadline:
            text += f"; {missed(receipt.created + (receipt.seconds or 0), receipt.deadline, ended=True)}"
        log.info("%s", text, extra={"job": receipt.job, "fields": {"receipt": receipt.to_dict()}})
        self._tell("complete", text, receipt, "1")

    def tell_failed(self, receipt: Receipt | None, error: str, input: str, job_id: str) -> None:
        """The job failed; or, without being its end, its follower did, which is told each time. A job that somebody
        cancelled is no failure."""
        if receipt and receipt.state == "cancelled":
            return
        text = error if error.startswith(job_id) else f"{job_id} failed: {error}"
        if receipt and receipt.state == "failed":
            self._tell("failed", text, receipt, "1")
        else:
            self._hooks.send("failed", text, input=input, receipt=receipt, job=job_id)

    def tell_stopped(self, receipt: Receipt | None, text: str) -> None:
        """The job had more rejects than allowed, and was stopped."""
        if receipt and receipt.state == "stopped":
            self._tell("stopped", text, receipt, "1")

    def tell_late(self, receipt: Receipt, text: str) -> None:
        self._tell("late", text, receipt, f"{receipt.deadline}")

    def _tell(self, event: Event, text: str, receipt: Receipt, mark: str) -> None:
        if self._hooks:
            turn = Once(self._ledger, Life(receipt.job, receipt.incarnation), event, mark)
            self._hooks.send(event, text, input=receipt.input, receipt=receipt, turn=turn)

    def close(self, seconds: float) -> None:
        """Waits `seconds` at most for what is under way."""
        self._hooks.close(seconds)
