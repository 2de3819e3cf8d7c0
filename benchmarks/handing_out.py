"""One producer's process of `splitting`: the real splitter, enqueuer, ledger and server, and workers that do nothing.
It imports no more than a producer does, so that its memory is a producer's.

    python -m benchmarks.handing_out FILE WORKERS      prints a JSON object
"""

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bare_workers import STAGES, Wire, blocked
from jobs import digest, keys
from jobs.footprint import keep_freed_memory, without_pandas
from jobs.identity import Owner, Process
from jobs.ledger import Ledger
from jobs.record import Life
from jobs.reference import Reference
from jobs.server import connect
from jobs.settings import Settings
from jobs.spool import Spool
from jobs.timeline import Work
from producer.pipeline.batching import make_cursor
from producer.pipeline.enqueue import Enqueuer
from producer.pipeline.plan import make_plan
from producer.server.embedded import Embedded


def work(url: str) -> None:
    """Takes messages until an empty one comes."""
    wire = Wire(Ledger(connect(url)))
    owner, told = str(Owner(Process.this(), "bare")), Work(str(Process.this()), STAGES).encode()
    take = "BRPOP", keys.SECOND.queue, 0
    [(_, message)] = wire.ask(take)
    while message:
        name, _, number = json.loads(message)["headers"]["id"].rpartition(":")
        life, batch = Life.of(name), int(number)
        _, payload = wire.ask(wire.script("lease", life, batch, owner, 60_000, 5), ("GET", keys.payload(life, batch)))
        reference = Reference.decode(payload)
        sent = digest.sent(life.incarnation, batch, reference.first, reference.records, payload)
        scored = reference.records - len(reference.broken_codes)
        complete = wire.script("complete", life, batch, sent, b"nothing", "0", scored, 0, told)
        _, (_, message) = wire.ask(complete, take)


def measure(path: Path, workers: int) -> dict[str, float]:
    """Of one run, from the page cache: seconds, the producer's CPU-seconds and its largest resident memory, bytes."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    with served(workers) as (url, home):
        ledger = Ledger(connect(url), Spool(home / "spool"))
        plan = make_plan(path, Settings())
        job = plan.job
        ledger.submit(job, make_cursor(plan.source.start))
        enqueuer = Enqueuer(ledger, job, plan.source, window=0)
        mine, began, event = time.process_time(), time.perf_counter(), b"0"
        while not enqueuer.finished:
            if not enqueuer.step(ledger.progress(job.id), workers):
                event = ledger.wait(job.id, 1.0, event)
        seconds, mine = time.perf_counter() - began, time.process_time() - mine
        while (progress := ledger.progress(job.id)).state == "running":
            time.sleep(0.01)
        if progress.state != "complete":
            raise SystemExit(f"not each batch once: {progress}")
        ledger.redis.lpush(keys.SECOND.queue, *[b""] * workers)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return {"seconds": seconds, "cpu_seconds": mine, "rss": rss, "rows": progress.records}


@contextmanager
def served(workers: int) -> Iterator[tuple[str, Path]]:
    """An embedded server, with workers that wait for messages."""
    spawning = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as home:
        embedded = Embedded(Path(home))
        embedded.start_server()
        processes = [spawning.Process(target=work, args=(embedded.url,)) for _ in range(workers)]
        try:
            for process in processes:
                process.start()
            while blocked(connect(embedded.url)) < workers:
                time.sleep(0.01)
            yield embedded.url, Path(home)
            for process in processes:
                process.join()
        finally:
            for process in processes:
                process.terminate()
            embedded.close()


if __name__ == "__main__":
    without_pandas()
    keep_freed_memory()
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]))))
