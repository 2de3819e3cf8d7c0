"""One server's ledger and queue, driven by workers that do nothing else: no Celery, no TensorFlow, no file to read.

What the control plane of a server can take, whatever cores there are for the rest: the producer enters batches that
were made before, a worker takes a message, leases its batch and completes it with a result that was made before, and
the collector frees it. Payloads are a few bytes; all keys, scripts and counters are the real ones.

    python -m benchmarks.bare_workers WORKERS BATCHES      prints a JSON object; `control-plane` does it
"""

import json
import multiprocessing
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import redis

from graphs.feeds import Feed, Fetch
from jobs import digest, keys
from jobs.batch import Result
from jobs.handover import Entry
from jobs.identity import Owner, Process
from jobs.ledger import Ledger
from jobs.lock import Lock
from jobs.proof import Written
from jobs.record import Job, Life
from jobs.server import connect
from jobs.timeline import Work
from producer.pipeline.enqueue import MAX_WINDOW
from producer.pipeline.follow import PACE_SECONDS
from producer.server.embedded import Embedded

ROWS = 1024  # that a batch claims to have
AT_ONCE = 32  # batches enqueued in a round trip
FETCHED = 64  # results fetched in a round trip
LINES = Written(digest.part(b"x"), digest.part(b""), ROWS)  # as if a batch had some
STAGES = {"lease": 0.001, "session": 0.0, "score": 0.001, "encode": 0.0}  # seconds, as a worker would tell


class Wire:
    """A connection, and the ledger's scripts, without what redis-py does around a command: that takes twice as long as
    the server does, and it is the server that is to be measured. It says what `Ledger.lease` and `complete` say."""

    def __init__(self, ledger: Ledger) -> None:
        self._connection = ledger.redis.connection_pool.get_connection()
        self._scripts = ledger._scripts._scripts

    def ask(self, *commands: tuple[Any, ...]) -> list[Any]:
        """The answers to commands that go out together."""
        self._connection.send_packed_command(self._connection.pack_commands(commands))
        return [self._connection.read_response() for _ in commands]

    def script(self, name: str, life: Life, *args: Any) -> tuple[Any, ...]:
        return "EVALSHA", self._scripts[name].sha, 1, keys.job(life.id), life.incarnation, *args


def work(url: str) -> None:
    """Takes messages until an empty one comes."""
    wire = Wire(Ledger(connect(url)))
    result = Result({"score": pa.array([0.5] * 16, pa.float32())}, ()).encode()
    owner = str(Owner(Process.this(), "bare"))
    told = Work(str(Process.this()), STAGES).encode()
    take = "BRPOP", keys.SECOND.queue, 0
    [(_, message)] = wire.ask(take)
    while message:
        name, _, number = json.loads(message)["headers"]["id"].rpartition(":")
        life, batch = Life.of(name), int(number)
        lease = wire.script("lease", life, batch, owner, 60_000, 5)
        (verdict, _, _), payload = wire.ask(lease, ("GET", keys.payload(life, batch)))
        sent = digest.sent(life.incarnation, batch, batch * ROWS + 1, ROWS, payload)
        answered = digest.answered(life.incarnation, batch, result)
        complete = wire.script("complete", life, batch, sent, result, answered, ROWS, 0, told)
        (_, message) = wire.ask(*[complete] * (verdict == b"leased"), take)[-1]


def produce_and_collect(ledger: Ledger, job: Job, batches: int) -> None:
    """As a following producer does, but for reading and writing files."""
    cursor = {"offset": 0, "record": 1, "line": 2, "skip": 0}
    ledger.submit(job, cursor)
    lock = Lock(ledger, keys.collector(job.life), 15)
    enqueued = collected = 0
    while collected < batches:
        if not lock.hold():
            raise SystemExit("somebody else collects")
        progress = ledger.progress(job.id)
        results = ledger.answers.results(job.life, collected, min(FETCHED, enqueued - collected))
        if results:
            batches_now = range(collected, collected + len(results))
            ledger.answers.collected(job.life, lock.token, batches_now, {}, dict.fromkeys(batches_now, LINES))
            collected += len(results)
        room = min(MAX_WINDOW - progress.outstanding, batches - enqueued)
        for _ in range(0, room, AT_ONCE):
            ahead = range(enqueued, enqueued + min(AT_ONCE, batches - enqueued))
            entries = [Entry(b"payload", b"kept", cursor, batch * ROWS + 1, ROWS, []) for batch in ahead]
            enqueued = ledger.enqueue(job.life, enqueued, entries)
        if enqueued == batches and not progress.sealed:
            ledger.seal(job.life, batches)
        time.sleep(PACE_SECONDS)


def measure(workers: int, batches: int) -> dict[str, float]:
    """Batches a second, and the CPU-milliseconds of a batch: the server's, and those of all."""
    feeds, fetches = (Feed("text", ("text",), "string", (-1,)),), (Fetch("score", "score"),)
    job = Job("/nowhere.csv", 1, 1, "0" * 64, feeds, fetches, None, (), 1 << 20, incarnation="0" * 16)
    with tempfile.TemporaryDirectory() as home:
        embedded = Embedded(Path(home))
        embedded.start_server()
        try:
            ledger = Ledger(connect(embedded.url))
            spawning = multiprocessing.get_context("spawn")
            processes = [spawning.Process(target=work, args=(embedded.url,)) for _ in range(workers)]
            for process in processes:
                process.start()
            while blocked(ledger.redis) < workers:
                time.sleep(0.01)
            before, mine, began = server_seconds(ledger.redis), time.process_time(), time.perf_counter()
            produce_and_collect(ledger, job, batches)
            seconds = time.perf_counter() - began
            served, mine = server_seconds(ledger.redis) - before, time.process_time() - mine
            progress = ledger.progress(job.id)
            if (progress.state, progress.done, progress.attempts) != ("complete", batches, batches):
                raise SystemExit(f"not each batch once: {progress}")
            ledger.redis.lpush(keys.SECOND.queue, *[b""] * workers)
            for process in processes:
                process.join()
        finally:
            embedded.close()
    return {"rate": batches / seconds, "server_ms": served / batches * 1e3, "producer_ms": mine / batches * 1e3}


def blocked(server: "redis.Redis") -> int:
    """How many clients wait for a message."""
    return int(cast("dict[str, Any]", server.info("clients"))["blocked_clients"])


def server_seconds(server: "redis.Redis") -> float:
    """CPU-seconds of the server so far."""
    used = cast("dict[str, float]", server.info("cpu"))
    return used["used_cpu_user"] + used["used_cpu_sys"]


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
