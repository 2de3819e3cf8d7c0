"""The queue: one Celery message a batch, a claim check of job id, batch number and incarnation; who may be holding it.

The ledger's scripts make a message and put it into the queue in the same step in which they enter its batch (`send` in
jobs/lua/prelude.lua): by way of Celery each took a millisecond, and a second step.
"""

import json
from collections.abc import Iterable
from typing import cast

import redis

from jobs import keys
from jobs.places import SPOOL
from jobs.record import Job, Life

QUEUES = tuple(generation.queue.removeprefix(keys.PREFIX) for generation in keys.GENERATIONS)  # as Celery names them
TASK = "nightshift.score"  # as the prelude has it


def of(job: Job) -> str:
    """The queue of a job that goes through a place which not all workers may reach; empty for others."""
    return keys.place_queue(job.by_reference) if job.by_reference not in ("", SPOOL) else ""


def waiting(server: "redis.Redis", places: Iterable[str] | None = None) -> int:
    """How many messages no worker has taken yet: of all, or of those for who can reach these places alone."""
    queues = _all(server) if places is None else [*_SHARED, *map(keys.place_queue, places)]
    return sum(server.llen(queue) for queue in queues)


_SHARED = [generation.queue for generation in keys.GENERATIONS]


def _all(server: "redis.Redis") -> list[str]:
    own = cast("set[bytes]", server.smembers(keys.QUEUES))
    return [*_SHARED, *sorted(map(keys.text, own))]


def queued(server: "redis.Redis") -> set[tuple[Life, int]]:
    """The life and batch of every message that is in a queue, or that a living worker took and has not begun."""
    workers: set[bytes] = set()
    messages: list[bytes] = []
    for generation in keys.GENERATIONS:
        workers.update(cast("list[bytes]", server.zrange(generation.workers, 0, -1)))
    for queue in _all(server):
        messages += cast("list[bytes]", server.lrange(queue, 0, -1))
    ids = [str(json.loads(each).get("headers", {}).get("id", "")) for each in messages]
    if workers:
        taken = cast("list[bytes | None]", server.mget([keys.prefetched(worker.decode()) for worker in workers]))
        ids += [task_id for each in taken if each for task_id in each.decode().split()]
    pairs = (task_id.rpartition(":") for task_id in ids)
    return {(Life.of(name), int(batch)) for name, _, batch in pairs if batch.isdigit()}
