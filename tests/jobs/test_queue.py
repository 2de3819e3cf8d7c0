"""A message of ours is to Celery's workers what one of Celery's own would be, and its queue is known."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from celery import Celery
from celery.worker.request import Request

from jobs import keys
from jobs.address import Address
from jobs.ledger import Ledger
from jobs.queue import TASK, queued, waiting
from jobs.record import Job, Life
from tests.support import Server
from tests.support.messages import message
from tests.support.steps import CURSOR, JOB, enqueue
from worker.upkeep.broker import make_app

NIGHT = Life("night-0123456789abcdef", "00112233aabbccdd")
OLDER = Life("night-fedcba9876543210", "")  # of format 1


@pytest.mark.parametrize("job", [JOB, replace(JOB, incarnation="")], ids=["today's", "format 1"])
@pytest.mark.parametrize("again", [False, True])
def test_a_worker_reads_a_message_of_ours_as_one_of_celerys(
    server: Server, ledger: Ledger, job: Job, again: bool
) -> None:
    app = make_app(server.worker_url)

    @app.task(name=TASK, shared=False)
    def score(*_: object) -> None:
        """A worker's."""

    life, queue = job.life, keys.generation(job.life).queue
    name = queue.removeprefix(keys.PREFIX)
    call = (life.id, 0, life.incarnation) if life.incarnation else (life.id, 0)
    app.send_task(TASK, call, task_id=f"{life.name}:0", queue=name)
    theirs = taken(app, name)
    ledger.submit(job, CURSOR)
    enqueue(ledger, life, 0)
    if again:
        server.redis.delete(queue)
        time.sleep(0.002)
        ledger.overdue(life, 0)
        assert ledger.send_again(life, [0]) == 1
    ours = taken(app, name)
    assert read(ours, app) == read(theirs, app)


def test_no_two_messages_have_one_delivery_tag(server: Server, ledger: Ledger) -> None:
    """By which a worker that ends knows what it gives back."""
    ledger.submit(JOB, CURSOR)
    for batch in range(20):
        enqueue(ledger, JOB.life, batch)
    time.sleep(0.002)
    ledger.send_again(JOB.life, range(20))
    messages = server.redis.lrange(keys.SECOND.queue, 0, -1)
    assert len({json.loads(each)["properties"]["delivery_tag"] for each in messages}) == len(messages) == 40  # type: ignore[arg-type, union-attr]


def taken(app: Celery, queue: str) -> Any:
    """The message, as a worker's consumer gets it."""
    with app.connection() as connection:
        found = connection.default_channel.basic_get(queue, no_ack=True)
        assert found is not None
        found.decode()
        return found


def read(found: Any, app: Celery) -> dict[str, object]:
    """What Celery's worker makes of a message."""
    request = Request(found, app=app, task=app.tasks[TASK], hostname="here")
    args, kwargs, later = request._payload
    return {
        "call": [args, kwargs],
        "later": {name: value for name, value in later.items() if value is not None},  # callbacks, chains
        "at": [request.eta, request.expires, *request.time_limits, request.group, request.parent_id],
        "delivery": {name: value or None for name, value in request.delivery_info.items()},
        **{name: getattr(request, name) for name in ("id", "name", "ignore_result")},  # so nobody is replied to
    }


def test_messages_in_the_queues_or_taken_by_a_worker_are_known_by_their_batch(server: Server, ledger: Ledger) -> None:
    server.redis.lpush(keys.SECOND.queue, message(NIGHT, 7))
    server.redis.lpush(keys.FIRST.queue, message(OLDER, 0))
    assert waiting(server.redis) == 2
    ledger.presence.greet("host:1:2", [f"{NIGHT.name}:8", f"{OLDER.id}:9"])
    assert queued(server.redis) == {(NIGHT, 7), (OLDER, 0), (NIGHT, 8), (OLDER, 9)}
    ledger.presence.leave("host:1:2")
    assert queued(server.redis) == {(NIGHT, 7), (OLDER, 0)}


def test_celery_verifies_the_servers_certificate_as_we_do() -> None:
    """kombu's default is not to: whoever sits between would get the password."""
    assert "ssl_cert_reqs=CERT_REQUIRED" in Address.parse("rediss://:secret@host:6379/0").broker()
    assert "ssl_cert_reqs=CERT_NONE" in Address.parse("rediss://host/0?ssl_cert_reqs=none").broker()
    assert Address.parse("unix:///run/valkey.sock?db=2").broker() == "redis+socket:///run/valkey.sock?virtual_host=2"
