"""The queue: one Celery message a batch, a claim check of (job id, batch number), and who may be holding it.

The ledger's scripts put a message into the queue in the same step in which they enter its batch. So messages are
written here, as Celery writes them, which a test compares: by way of Celery each took a millisecond, and a second step.
"""

import base64
import json
import os
import socket
import uuid
from typing import cast

import redis

from jobs import keys
from jobs.keys import PREFIX

QUEUE = "batches"
KEY = PREFIX + QUEUE  # the Redis list that Celery's workers take from
TASK = "nightshift.score"
_ORIGIN = f"{os.getpid()}@{socket.gethostname()}"


def message(job_id: str, batch: int) -> str:
    """A call of the task TASK, by Celery's message protocol 2, in the envelope of kombu's Redis transport.

    The task's id is `job id:batch`, by which the re-sender knows it in the queue.
    """
    task_id = f"{job_id}:{batch}"
    call = [[job_id, batch], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    return json.dumps(
        {
            "body": base64.b64encode(json.dumps(call).encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": TASK,
                "id": task_id,
                "root_id": task_id,
                "parent_id": None,
                "group": None,
                "retries": 0,
                "timelimit": [None, None],
                "argsrepr": repr((job_id, batch)),
                "kwargsrepr": "{}",
                "origin": _ORIGIN,
                "ignore_result": None,  # as the worker has it
            },
            "properties": {
                "correlation_id": task_id,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QUEUE},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
    )


def waiting(server: "redis.Redis") -> int:
    """How many messages no worker has taken yet."""
    return server.llen(KEY)


def queued(server: "redis.Redis") -> set[tuple[str, int]]:
    """(job id, batch) of every message that is in the queue, or that a living worker took and has not begun."""
    workers = cast("list[bytes]", server.zrange(keys.WORKERS, 0, -1))
    messages = cast("list[bytes]", server.lrange(KEY, 0, -1))
    ids = [str(json.loads(each).get("headers", {}).get("id", "")) for each in messages]
    if workers:
        taken = cast("list[bytes | None]", server.mget([keys.prefetched(worker.decode()) for worker in workers]))
        ids += [task_id for each in taken if each for task_id in each.decode().split()]
    pairs = (task_id.rpartition(":") for task_id in ids)
    return {(job_id, int(batch)) for job_id, _, batch in pairs if batch.isdigit()}
