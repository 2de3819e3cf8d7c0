"""Signs of life: a lease renewed while its batch is scored, and the worker's own, with the re-sender's sweep."""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import redis
from celery.worker import state

from jobs.errors import ServerError
from jobs.identity import Owner, Process, Worker
from jobs.ledger import Ledger
from jobs.queue import waiting
from jobs.resend import Resender
from model.graph.registry import op_list
from worker.lease import Lease
from worker.upkeep.stall import StallDetector

log = logging.getLogger(__name__)


class Every:
    """Calls `action` every `seconds` in a thread of its own until closed; what the server does wrong meanwhile is
    logged, once an outage, and tried again."""

    def __init__(
        self, seconds: float, action: Callable[[], object], name: str, at_end: Callable[[], object] = lambda: None
    ) -> None:
        self._seconds = seconds
        self._action = action
        self._at_end = at_end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def _loop(self) -> None:
        away = False
        while not self._stop.wait(self._seconds):
            try:
                self._action()
                away = False
            except (redis.RedisError, ServerError, OSError) as error:
                if not away:
                    log.warning("%s: the server is away: %s", self._thread.name, error)
                away = True
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


class Renewal(Every):
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


def release_held_by_ended(ledger: Ledger, token: str) -> int:
    """Gives back what processes of the worker with this token held when they ended, so that nobody waits for their
    leases to run out. Returns how many batches its living processes hold."""
    held = 0
    for life in ledger.active():
        for batch, owner in ledger.owners(life.id).items():
            if not Owner.has_token(owner, token):  # another worker's
                continue
            holder = Owner.parse(owner)
            if holder.process.is_alive():
                held += 1
            else:
                ledger.release(life, batch, owner, f"process {holder.process.pid} died while it scored batch {batch}")
    return held


def prefetched() -> list[str]:
    """The ids of the messages that this parent has taken from the queue and that no child has begun with."""
    while True:
        try:
            return [request.id for request in set(state.reserved_requests) - set(state.active_requests)]
        except RuntimeError:  # the main thread took one just now
            continue


def housekeeping(
    connect: Callable[[], Ledger], processes: int, keep_days: float, token: str, stall: StallDetector
) -> Every:
    """The worker's parent says that it is there, gives back what its ended processes held, sees whether the others
    make progress, and takes its turn as re-sender."""
    worker = Worker(Process.this(), processes)
    resender: Resender | None = None

    def action() -> None:
        nonlocal resender
        ledger = connect()  # at each turn: the server may be away when the worker starts
        resender = resender or Resender(ledger, keep_days)
        if stall.well:
            ledger.presence.greet(str(worker), prefetched(), op_list().text)
        stall.look(waiting(ledger.redis), held=release_held_by_ended(ledger, token))
        resender.sweep_if_due()

    return Every(1.0, action, "housekeeping", lambda: connect().presence.leave(str(worker)))
