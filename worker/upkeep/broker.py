"""The Celery application, configured for what Redis and kombu do when things break."""

from collections.abc import Iterable
from typing import Any

from celery import Celery
from kombu import Exchange, Queue
from kombu.transport import redis as transport
from kombu.transport import virtual

from jobs.address import Address
from jobs.keys import PREFIX, place_queue
from jobs.queue import QUEUES


class QoS(virtual.QoS):  # type: ignore[misc]  # kombu has no types
    """A worker that ends gives back what it has taken and not begun. If the server is away kombu would write it to a
    pickle in /tmp instead; the re-sender finds it missing."""

    def restore_unacked(self) -> list[Any]:
        super().restore_unacked()
        return []


class Channel(transport.Channel):  # type: ignore[misc]
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.QoS = QoS  # kombu's own choice is made as the channel is: see `ack_emulation`


transport.Transport.Channel = Channel


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
        worker_send_task_events=False,
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
