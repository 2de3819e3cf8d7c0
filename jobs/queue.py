"""The Celery side of a batch: an app configured for what Redis does when things break, and one message, a claim check
of (job id, batch number). The task is sent by name, so that the producer needs nothing of the worker."""

import json
from collections.abc import Iterable
from typing import Any, cast

import redis
from celery import Celery
from kombu.transport import redis as transport

from jobs.keys import PREFIX
from jobs.server import broker_url

QUEUE = "batches"
TASK = "nightshift.score"


class QoS(transport.QoS):  # type: ignore[misc]  # kombu has no types
    """kombu 5.7 gives a worker's messages back when its connection breaks, twice; the second time it stumbles over the
    connection that is no more, and the worker ends. They come back without it, after the visibility timeout."""

    def restore_unacked(self, client: Any = None) -> None:
        if self.channel.connection.client is not None:
            super().restore_unacked(client)


transport.Channel.QoS = QoS


def make_app(url: str | None) -> Celery:
    """The Celery application of producers and workers, on the server at `url` (REDIS_URL)."""
    app = Celery("nightshift", broker=broker_url(url) if url else None)
    app.conf.update(
        task_default_queue=QUEUE,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,  # results go to the ledger
        # Acknowledged on receipt: a late ack that fails while the server is away wedges the worker, and the next
        # batch is in the parent already when a child is free. What gets lost, the re-sender finds.
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
            "global_keyprefix": PREFIX,  # our own `unacked`, not one shared with other applications
            "priority_steps": [0],
            "queue_order_strategy": "sorted",
            # What a dead worker had prefetched comes back this soon (seconds).
            "visibility_timeout": 20,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 15,
            "socket_timeout": 15,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return app


class Sender:
    """Sends batches to the workers over one reused connection."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._producer: Any = None

    def send(self, job_id: str, batch: int) -> None:
        """Sends the claim check. The task's id is `job id:batch`, by which the re-sender knows it in the queue."""
        if self._producer is None:
            self._producer = self._app.amqp.Producer(self._app.connection_for_write(), auto_declare=False)
        self._app.send_task(
            TASK,
            (job_id, batch),
            task_id=f"{job_id}:{batch}",
            producer=self._producer,
            queue=QUEUE,
            retry=True,
            retry_policy={"max_retries": 20, "interval_start": 0.05, "interval_step": 0.2, "interval_max": 1},
        )

    def close(self) -> None:
        if self._producer is not None:
            self._producer.connection.release()
            self._producer = None


def waiting(server: "redis.Redis") -> int:
    """How many messages no worker has taken yet."""
    return server.llen(PREFIX + QUEUE)


def queued(server: "redis.Redis") -> set[tuple[str, int]]:
    """(job id, batch) of every message that is in the queue, or prefetched by a worker and not yet acknowledged."""
    with server.pipeline() as pipe:
        pipe.lrange(PREFIX + QUEUE, 0, -1)
        pipe.hvals(PREFIX + "unacked")
        messages = [message for answer in pipe.execute() for message in cast(Iterable[bytes], answer)]
    found: set[tuple[str, int]] = set()
    for message in messages:
        # `unacked` holds [message, exchange, routing key], the queue the message alone.
        decoded = json.loads(message)
        headers = (decoded[0] if isinstance(decoded, list) else decoded).get("headers", {})
        job_id, _, batch = str(headers.get("id", "")).rpartition(":")
        if batch.isdigit():
            found.add((job_id, int(batch)))
    return found
