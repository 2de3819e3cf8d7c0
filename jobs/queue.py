"""The queue: one Celery message a batch, a claim check of job id, batch number and incarnation; who may be holding it.

The ledger's scripts make a message and put it into the queue in the same step in which they enter its batch (`send` in
jobs/lua/prelude.lua): by way of Celery each took a millisecond, and a second step. Whoever reaches the server can put
anything there: what is not such a message names no batch (`read`).
"""

import base64
import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, Self, cast

import redis

from jobs import keys
from jobs.places import SPOOL
from jobs.record import Job, Life

QUEUES = tuple(generation.queue.removeprefix(keys.PREFIX) for generation in keys.GENERATIONS)  # as Celery names them
TASK = "nightshift.score"  # as the prelude has it
LARGEST = 16 << 10  # bytes of a message; ours have four hundred, Celery's own some more
MOST_BATCHES = 1 << 32  # of a job: its bitmap's bits
_NUMBER = re.compile(r"[0-9]{1,10}")


class Call(NamedTuple):
    """What a message asks for: that a batch is scored."""

    life: Life
    batch: int

    @property
    def id(self) -> str:
        """The task's."""
        return f"{self.life.name}:{self.batch}"

    @classmethod
    def of(cls, task: str) -> Self:
        """By the task's id. Raises ValueError for what is none."""
        name, _, batch = task.rpartition(":")
        if _NUMBER.fullmatch(batch) is None or int(batch) >= MOST_BATCHES or batch != str(int(batch)):
            raise ValueError("its id has no batch")
        return cls(Life.of(name), int(batch))


def read(message: bytes) -> Call:
    """What a message of the queue asks for, ours or one of Celery's own. Raises ValueError for anything else."""
    if len(message) > LARGEST:
        raise ValueError(f"it has {len(message):,} bytes")
    try:
        content = json.loads(message)
        headers, body = content["headers"], content["body"]
        if headers["task"] != TASK or content["content-type"] != "application/json":
            raise ValueError("it calls another task")
        if content["properties"].get("body_encoding") == "base64":
            body = base64.b64decode(body, validate=True)
        arguments, named, _ = json.loads(body)
        job_id, batch, incarnation = arguments if len(arguments) == 3 else (*arguments, "")
        call = Call(Life(job_id, incarnation), batch)
        if named or type(batch) is not int or Call.of(headers["id"]) != call:
            raise ValueError("its arguments are not those of its id")
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None
    return call


def envelope(call: Call, queue: str, tag: str) -> dict[str, Any]:
    """A message as a worker's Celery is given it, whatever else was in the one that came: no time to wait for, nobody
    to call back. `queue` is where it was, `tag` tells it from others."""
    life, batch = call
    arguments = [life.id, batch, life.incarnation] if life.incarnation else [life.id, batch]
    return {
        "body": json.dumps([arguments, {}, {}]),
        "headers": {"task": TASK, "id": call.id},
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "properties": {"delivery_info": {"exchange": "", "routing_key": queue}, "delivery_tag": tag},
    }


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
    return [*_SHARED, *sorted(filter(keys.is_place_queue, map(keys.text, own)))]


def queued(server: "redis.Redis") -> set[tuple[Life, int]]:
    """The life and batch of every message that is in a queue, or that a living worker took and has not begun."""
    workers: set[bytes] = set()
    found: set[tuple[Life, int]] = set()
    for generation in keys.GENERATIONS:
        workers.update(cast("list[bytes]", server.zrange(generation.workers, 0, -1)))
    for queue in _all(server):
        for message in cast("list[bytes]", server.lrange(queue, 0, -1)):
            try:
                found.add(read(message))
            except ValueError:  # the worker that takes it says so
                continue
    if workers:
        names = [keys.prefetched(keys.text(worker)) for worker in workers]
        for taken in cast("list[bytes | None]", server.mget(names)):
            for task in keys.text(taken or b"").split():
                try:
                    found.add(Call.of(task))
                except ValueError:
                    continue
    return found
