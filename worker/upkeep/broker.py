"""The Celery application, configured for what Redis and kombu do when things break, and for what strangers put in."""

import contextlib
import functools
import itertools
import json
import logging
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import redis
from celery import Celery
from celery.exceptions import WorkerShutdown
from celery.worker import consumer
from kombu import Exchange, Queue
from kombu.transport import redis as transport
from kombu.transport import virtual

from jobs import keys, queue, rights
from jobs.address import Address
from jobs.errors import ServerError
from jobs.keys import PREFIX, place_queue
from jobs.queue import QUEUES

log = logging.getLogger(__name__)
MOST_SHOWN = 200  # characters of a message that is dropped
_tags = itertools.count()


class QoS(virtual.QoS):  # type: ignore[misc]  # kombu has no types
    """A worker that ends gives back what it has taken and not begun. If the server is away kombu would write it to a
    pickle in /tmp instead; the re-sender finds it missing."""

    def restore_unacked(self) -> list[Any]:
        super().restore_unacked()
        return []


class Client(transport.PrefixedStrictRedis):  # type: ignore[misc]
    """Gives kombu messages of ours, and nothing else that stands in a queue: a list instead of an object, base64 that
    is none or a list in a hundred thousand lists would end the worker that takes it, and the one that follows."""

    def parse_response(self, connection: Any, command_name: str, **options: Any) -> Any:
        found = super().parse_response(connection, command_name, **options)
        if command_name != "BRPOP" or not found:
            return found
        name, message = found
        try:
            call = queue.read(message)
        except ValueError as error:
            log.error("a message of the queue is dropped: %s: %s", error, ascii(bytes(message[:MOST_SHOWN])))
            return None  # as if nothing had been there
        return name, json.dumps(queue.envelope(call, keys.text(name), f"{call.id}:{next(_tags)}"))


class Channel(transport.Channel):  # type: ignore[misc]
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.QoS = QoS  # kombu's own choice is made as the channel is: see `ack_emulation`

    def _get_client(self) -> Any:
        return functools.partial(Client, global_keyprefix=self.global_keyprefix)

    def _queue_bind(self, *args: Any) -> None:
        with self._allowed():
            super()._queue_bind(*args)

    def _brpop_read(self, **options: Any) -> Any:
        with self._allowed():
            return super()._brpop_read(**options)

    @contextlib.contextmanager
    def _allowed(self) -> Iterator[None]:
        """What the server's user may not do ends the worker: Celery would try it again, forty times a second."""
        try:
            yield
        except redis.exceptions.NoPermissionError as error:
            say_denied(self._create_client(), error)
            raise WorkerShutdown(1) from None


_said = threading.Lock()  # taken by who says it first, and kept


def say_denied(server: "redis.Redis", error: redis.RedisError) -> None:
    """Says, once, which rights a worker's user lacks, or else what the server said."""
    if not _said.acquire(blocking=False):
        return
    why = f"the server: {error}"
    try:
        rights.check(server, "worker")
    except ServerError as known:
        why = str(known)
    except redis.RedisError:
        pass
    log.critical("%s: this worker ends, since waiting does not help", why)


transport.Transport.Channel = Channel


class Consumer(consumer.Consumer):  # type: ignore[misc]
    """Takes messages, and listens to nobody but the queues: Celery's gossip calls tasks that others elect, its mingling
    takes over which tasks they want to be skipped. Whatever the command line says."""

    def __init__(self, *args: Any, worker_options: dict[str, Any] | None = None, **options: Any) -> None:
        alone = dict.fromkeys(("without_gossip", "without_mingle", "without_heartbeat"), True)
        options["task_events"] = False
        super().__init__(*args, worker_options={**(worker_options or {}), **alone}, **options)


def make_app(url: str | None, places: Iterable[str] = ()) -> Celery:
    """The application of a worker on the server at `url` (REDIS_URL) that can reach these places. Raises SettingsError
    for a URL that is none."""
    queues = [*QUEUES, *(place_queue(place).removeprefix(PREFIX) for place in places)]
    app = Celery("nightshift", broker=Address.parse(url).broker() if url else None)
    app.conf.update(
        task_default_queue=QUEUES[-1],
        task_queues=[Queue(name, Exchange(""), name) for name in queues],  # an older version's batches too
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,  # results go to the ledger
        # Acknowledged on receipt: a late ack that fails while the server is away wedges the worker, and the next
        # batch is in the parent already when a child is free.
        task_acks_late=False,
        worker_prefetch_multiplier=1,
        # Nobody tells a worker anything but by the queues: who reaches the server could end it, or have it grow. Its
        # health, and what it does, are in the ledger.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_consumer=f"{__name__}:Consumer",
        # A replacement child is killed if it is not up in time; the default of 4 s is short on a busy machine.
        worker_proc_alive_timeout=30,
        worker_hijack_root_logger=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a server out of memory would end the worker
        broker_transport_options={
            "global_keyprefix": PREFIX,
            "priority_steps": [0],
            "queue_order_strategy": "sorted",
            # kombu would note in Redis what a worker has taken and not begun, in two transactions a message, and give
            # it to others after a timeout. The worker says so once a second (housekeeping.py), and the re-sender knows.
            "ack_emulation": False,
            "socket_timeout": 15,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return app
