"""A message of ours is what Celery itself would have written: its workers can't tell them apart."""

import json
from typing import Any

import pytest
import redis

from jobs import keys
from jobs.address import Address
from jobs.ledger import Ledger
from jobs.queue import TASK, message, queued, waiting
from jobs.record import Life
from tests.support import Server
from worker.upkeep.broker import make_app

# What Celery adds of its own, all of it optional: for results, canvases, stamps, and tasks that are called later.
OPTIONAL = {
    "shadow", "eta", "expires", "group_index", "stamped_headers", "stamps", "replaced_task_nesting",
}  # fmt: skip


NIGHT = Life("night-1", "00112233aabbccdd")
OLDER = Life("night-2", "")  # of format 1


@pytest.mark.parametrize("life", [NIGHT, OLDER])
def test_a_message_is_what_celery_writes(server: Server, ledger: Ledger, life: Life) -> None:
    app = make_app(server.url)
    call = (life.id, 7, life.incarnation) if life.incarnation else (life.id, 7)
    queue = keys.generation(life).queue
    app.send_task(TASK, call, task_id=f"{life.name}:7", queue=queue.removeprefix(keys.PREFIX))
    theirs = pop(server.redis, queue)
    ours: Any = json.loads(message(life, 7))
    for each in (ours, theirs):
        del each["headers"]["origin"], each["properties"]["delivery_tag"]
        each["properties"].pop("reply_to", None)  # where a result would go
        each["headers"] = {name: value for name, value in each["headers"].items() if name not in OPTIONAL}
    for part in ours:
        assert ours[part] == theirs[part], part
    assert set(ours) == set(theirs)


def test_messages_in_the_queues_or_taken_by_a_worker_are_known_by_their_batch(server: Server, ledger: Ledger) -> None:
    server.redis.lpush(keys.SECOND.queue, message(NIGHT, 7))
    server.redis.lpush(keys.FIRST.queue, message(OLDER, 0))
    assert waiting(server.redis) == 2
    ledger.presence.greet("host:1:2", [f"{NIGHT.name}:8", "night-2:9"])
    assert queued(server.redis) == {(NIGHT, 7), (OLDER, 0), (NIGHT, 8), (OLDER, 9)}
    ledger.presence.leave("host:1:2")
    assert queued(server.redis) == {(NIGHT, 7), (OLDER, 0)}


def pop(server: "redis.Redis", queue: str) -> Any:
    found = server.rpop(queue)
    assert isinstance(found, bytes)
    return json.loads(found)


def test_celery_verifies_the_servers_certificate_as_we_do() -> None:
    """kombu's default is not to: whoever sits between would get the password."""
    assert "ssl_cert_reqs=CERT_REQUIRED" in Address.parse("rediss://:secret@host:6379/0").broker()
    assert "ssl_cert_reqs=CERT_NONE" in Address.parse("rediss://host/0?ssl_cert_reqs=none").broker()
    assert Address.parse("unix:///run/valkey.sock?db=2").broker() == "redis+socket:///run/valkey.sock?virtual_host=2"
