"""Hooks: what the outside is told of a job, by a command (command.py) and by HTTP (webhook.py), each in a thread of its
own. Scoring never waits for them.

The body is JSON: `event` (complete, failed, stopped, late), `text` (one line for people), `input`, `job`, `host`,
`time` (ISO 8601, UTC) and `receipt` (as `producer status JOB --json` has it, or null). The same event may arrive twice,
after a crash: `job` and `event` together tell.
"""

import contextlib
import logging
import queue
import shlex
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from jobs.settings import HookForm, Settings
from producer.notify.command import run
from producer.notify.delivery import THREADS, Delivery, DeliveryError, Event, Turn
from producer.notify.webhook import post

if TYPE_CHECKING:
    from producer.outputs.receipt import Receipt

log = logging.getLogger(__name__)

CLOSE_SECONDS = 30.0
INTERRUPTED_SECONDS = 2.0  # for what is under way when somebody pressed Ctrl-C


class Hooks:
    """A command, a URL, both or neither."""

    def __init__(self, command: Sequence[str], url: str | None, secret: str | None, form: HookForm) -> None:
        self._targets: list[_Target] = []
        if command:
            self._targets.append(_Target("command", lambda delivery: run(command, delivery)))
        if url:
            self._targets.append(_Target("url", lambda delivery: post(url, secret, form, delivery)))

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        command = shlex.split(settings.hook_command or "")
        return cls(command, settings.hook_url, settings.hook_secret, settings.hook_form)

    def __bool__(self) -> bool:
        """Whether anybody is told."""
        return bool(self._targets)

    def send(
        self,
        event: Event,
        text: str,
        *,
        input: str,
        receipt: "Receipt | None" = None,
        job: str | None = None,
        turn: Turn | None = None,
    ) -> None:
        """Queues the event and returns at once; never raises. What can't be delivered is logged, in one line."""
        document = {
            "event": event,
            "text": " ".join(text.split()),
            "input": input,
            "job": receipt.job if receipt else job,
            "host": socket.gethostname(),
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "receipt": receipt.to_dict() if receipt else None,
        }
        for target in self._targets:
            target.put(Delivery(event, document, turn))

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Waits for what is under way, for so long at most."""
        deadline = time.monotonic() + seconds
        for target in self._targets:
            target.close()
        for target in self._targets:
            target.join(max(0.0, deadline - time.monotonic()))


class _Target:
    """Delivers one after the other, in a daemon thread that starts with the first."""

    def __init__(self, name: str, deliver: Callable[[Delivery], None]) -> None:
        self._name = name
        self._deliver = deliver
        self._queue: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._under_way: Delivery | None = None

    def put(self, delivery: Delivery) -> None:
        self._queue.put(delivery)
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=f"{THREADS}: {self._name}", daemon=True)
            self._thread.start()

    def close(self) -> None:
        if self._thread:
            self._queue.put(None)

    def join(self, seconds: float) -> None:
        if self._thread:
            self._thread.join(seconds)
            if self._thread.is_alive():
                self._give_up()
            else:
                self._thread = None

    def _give_up(self) -> None:
        """What is under way, and what waits behind it."""
        if (delivery := self._under_way) and delivery.turn:
            with contextlib.suppress(Exception):  # then its lock runs out
                delivery.turn.settle(self._name, False)
        while delivery:
            job = delivery.document["job"]
            log.warning(
                "the hook %s on %s was given up: it takes too long", self._name, delivery.event, extra={"job": job}
            )
            delivery = self._queue.get() if not self._queue.empty() else None

    def _loop(self) -> None:
        while delivery := self._queue.get():
            self._under_way = delivery
            job = delivery.document["job"]
            try:
                if delivery.turn is None or delivery.turn.take(self._name):
                    delivered = False
                    try:
                        self._deliver(delivery)
                        delivered = True
                    finally:
                        if delivery.turn:
                            delivery.turn.settle(self._name, delivered)
            except DeliveryError as error:
                log.warning("the hook %s on %s failed: %s", self._name, delivery.event, error, extra={"job": job})
            except Exception as error:  # the server is away, say: nothing of this may end the thread
                reason = f"{type(error).__name__}: {error}"
                log.warning("the hook %s on %s failed: %s", self._name, delivery.event, reason, extra={"job": job})
