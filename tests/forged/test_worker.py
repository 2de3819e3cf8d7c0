"""Whoever reaches the server can write to it. A worker drops what is no message, skips what is no job, obeys no remote
control, and goes on."""

import json
import os
import time
from pathlib import Path

import pytest
from celery import Celery

from jobs import keys
from jobs.address import Address
from jobs.record import Life
from tests.support.farm import Farm
from tests.support.messages import message
from tests.support.waiting import until

LIFE = Life("night-0123456789abcdef", "00112233aabbccdd")
GOOD = json.loads(message(LIFE, 0))
BROKEN = {
    "no JSON": "hello",
    "a list": "[1, 2]",
    "deep": "[" * 100_000,
    "nothing": "{}",
    "huge": json.dumps({**GOOD, "more": "x" * 5_000_000}),
    "no base64": json.dumps({**GOOD, "properties": {**GOOD["properties"], "body_encoding": "base64"}}),
    "headers that are a list": json.dumps({**GOOD, "headers": [1]}),
    "another task": json.dumps({**GOOD, "headers": {**GOOD["headers"], "task": "celery.backend_cleanup"}}),
    "a pickle": json.dumps({**GOOD, "content-type": "application/x-python-serialize"}),
    "a path for a job": json.dumps({**GOOD, "body": json.dumps([["../../etc", 0, ""], {}, {}])}),
    "a batch below zero": json.dumps({**GOOD, "body": json.dumps([[LIFE.id, -1, LIFE.incarnation], {}, {}])}),
    "no text": b"\xff\xfe\x00",
}


def scored(farm: Farm, folder: Path, **environment: str) -> None:
    """A job of these workers, to its end."""
    path = folder / "in.csv"
    path.write_text("message_id,text\n1,free prize\n2,hello\n")
    run = farm.producer("enqueue", path, "--wait", "--output", folder / "out.csv", "--quiet", **environment)
    assert run.code == 0, run.err
    assert len((folder / "out.csv").read_text().splitlines()) == 3


def test_what_is_no_message_is_dropped_and_said_once_and_the_worker_goes_on(farm: Farm, tmp_path: Path) -> None:
    [worker] = farm.workers
    for text in BROKEN.values():
        farm.server.redis.rpush(keys.SECOND.queue, text)
        farm.server.redis.rpush(keys.FIRST.queue, text)
    scored(farm, tmp_path)
    until(lambda: worker.text().count("a message of the queue is dropped") == 2 * len(BROKEN), 10)
    assert worker.process.poll() is None


def test_what_else_a_message_asks_for_is_not_done(farm: Farm, tmp_path: Path) -> None:
    """Celery would keep one for the year 9999 in its memory, and send what `callbacks` name."""
    later = {
        **GOOD,
        "headers": {**GOOD["headers"], "eta": "9999-01-01T00:00:00", "expires": "x", "timelimit": ["a", "b"]},
    }
    call = {"task": "nightshift.score", "args": [LIFE.id, 1], "kwargs": {}, "options": {"queue": "stolen"}}
    later["body"] = json.dumps([[LIFE.id, 0, LIFE.incarnation], {}, {"callbacks": [call], "errbacks": [call]}])
    farm.server.redis.rpush(keys.SECOND.queue, json.dumps(later))
    scored(farm, tmp_path)
    assert not farm.server.redis.keys("*stolen*")
    assert "Couldn't convert ETA" not in farm.workers[0].text()


def test_nobody_ends_a_worker_by_celerys_remote_control(farm: Farm, tmp_path: Path) -> None:
    [worker] = farm.workers
    control = Celery("stranger", broker=Address.parse(farm.server.url).broker(), set_as_current=False)
    control.conf.broker_transport_options = {"global_keyprefix": keys.PREFIX}
    for prefix in (keys.PREFIX, ""):
        control.conf.broker_transport_options = {"global_keyprefix": prefix}
        with control.connection_for_write() as connection:
            control.control.broadcast("pool_grow", arguments={"n": 3}, connection=connection)
            control.control.broadcast("shutdown", connection=connection)
    assert not farm.server.redis.pubsub_channels("*"), "it listens to nobody"
    scored(farm, tmp_path)
    time.sleep(0.5)
    assert worker.process.poll() is None
    assert "pidbox" not in worker.text()
    until(lambda: farm.ledger.presence.processes() == 1, 10)


def test_a_record_that_makes_no_sense_stops_no_other_job(farm: Farm, tmp_path: Path) -> None:
    """Its housekeeping goes through all jobs: one whose keys are of another kind ended the thread, and nobody gave
    signs of life or sent lost messages again any more."""
    server, ledger = farm.server.redis, farm.ledger
    server.sadd(keys.SECOND.active, "../../etc:x", LIFE.name, "\xff", ":", "night-0123456789abcdee:00112233aabbccdd")
    server.set(keys.job(LIFE.id), "no hash")
    server.hset(
        keys.job("night-0123456789abcdee"),
        mapping={"state": "running", "incarnation": "00112233aabbccdd", "format": "x"},
    )
    server.zadd(keys.SECOND.jobs, {"../../etc": 1, LIFE.id: 2, "night-0123456789abcdee": 3})
    server.zadd(keys.SECOND.workers, {"no worker": time.time(), "host:x:²": time.time()})
    server.rpush(keys.QUEUES + ":forged", "x")
    server.sadd(keys.QUEUES, keys.QUEUES + ":forged", keys.SECOND.jobs)
    try:
        path = tmp_path / "in.csv"
        path.write_text("message_id,text\n1,free prize\n2,hello\n")
        with farm.workers[0].paused():
            assert farm.producer("enqueue", path, "--quiet").code == 0
            [job_id] = [
                each for each in ledger.job_ids() if each.startswith("in-") and ledger.progress(each).state == "running"
            ]
            server.delete(keys.SECOND.queue)  # only who goes through all jobs finds that it is lost
        until(lambda: ledger.progress(job_id).state == "complete", 30)
        assert [worker for worker, ago in ledger.presence.workers().items() if ago < 3]
        assert farm.producer("status").code == 0
        assert "housekeeping: failed" not in farm.workers[0].text()
    finally:
        server.flushall()


@pytest.mark.slow
def test_a_task_without_memory_is_no_end_of_the_worker(farm: Farm, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import builtins, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'worker.app':\n"
        "            sys.meta_path.remove(self)\n"
        "            from worker.process import WorkerProcess\n"
        "            WorkerProcess.score_batch = lambda *_: bytearray(1 << 62)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    worker = farm.start_worker("hungry", PYTHONPATH=f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}").ready()
    with farm.workers[0].paused():
        for batch in range(5):  # the one that is paused has asked for one
            farm.server.redis.rpush(keys.SECOND.queue, message(LIFE, batch))
        until(lambda: worker.text().count("RuntimeError: out of memory") >= 3, 20)
    assert worker.process.poll() is None
    worker.stop()
    farm.workers.remove(worker)
