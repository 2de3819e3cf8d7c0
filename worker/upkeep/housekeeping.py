"""What a worker's parent does each second: it says that it is there, gives back what its ended processes held, and
takes its turn as re-sender."""

from collections.abc import Callable

import redis
from celery.worker import state

from jobs.identity import Owner, Process, Worker
from jobs.ledger import Ledger
from jobs.queue import waiting
from jobs.resend import Resender
from jobs.skipping import Skipping
from model.graph.registry import op_list
from worker.periodic import Periodic
from worker.upkeep.broker import say_denied
from worker.upkeep.stall import StallDetector, end

ACL_FAILURE = "ACL failure in script"  # what the server answers where a script may not do something


def release_held_by_ended(ledger: Ledger, token: str, skipping: Skipping) -> int:
    """Gives back what processes of the worker with this token held when they ended, so that nobody waits for their
    leases to run out. Returns how many batches its living processes hold."""
    held = 0
    for life in ledger.active():
        with skipping.over(life.name):
            for batch, owner in ledger.owners(life.id).items():
                if not Owner.has_token(owner, token):  # another worker's
                    continue
                holder = Owner.parse(owner)
                if holder.process.is_alive():
                    held += 1
                else:
                    reason = f"process {holder.process.pid} died while it scored batch {batch}"
                    ledger.release(life, batch, owner, reason)
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
) -> Periodic:
    """The worker's parent says that it is there, gives back what its ended processes held, sees whether the others
    make progress, and takes its turn as re-sender."""
    worker = Worker(Process.this(), processes)
    resender: Resender | None = None
    skipping = Skipping()
    ended = False

    def action() -> None:
        nonlocal ended
        try:
            turn(connect())  # at each turn: the server may be away when the worker starts
        except redis.exceptions.ResponseError as error:
            if ended or not (isinstance(error, redis.exceptions.NoPermissionError) or ACL_FAILURE in str(error)):
                raise
            ended = True
            say_denied(connect().redis, error)
            end()

    def turn(ledger: Ledger) -> None:
        nonlocal resender
        resender = resender or Resender(ledger, keep_days)
        if stall.well:
            ledger.presence.greet(str(worker), prefetched(), op_list().text, ledger.places.names)
        stall.look(waiting(ledger.redis, ledger.places.names), held=release_held_by_ended(ledger, token, skipping))
        resender.sweep_if_due()

    return Periodic(1.0, action, "housekeeping", lambda: connect().presence.leave(str(worker)))
