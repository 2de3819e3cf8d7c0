"""What one worker process does with one batch after another, on a real server."""

import gc
import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from formats.position import Position
from graphs.feeds import Feed, Fetch
from jobs import ledger as ledgers
from jobs.batch import Kept, encode_payload
from jobs.handover import Entry
from jobs.ledger import Ledger
from jobs.record import Job
from jobs.settings import Settings
from tests.support import Server
from tests.support.poison import divides, freeze
from worker.process import WorkerProcess

BATCHES = 3
freed: list[bytes] = []  # in order


class Payload(bytes):
    """Bytes that tell when they are freed; no weak reference to bytes can be made."""

    def __del__(self) -> None:
        freed.append(bytes(self))


def test_a_batchs_payload_is_freed_when_it_is_scored(
    server: Server, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Payloads that wait for the garbage collector, which a worker seldom runs, made it 100 MB larger in a long job."""
    graph = freeze(tmp_path / "divides.pb", divides).read_bytes()
    sha256 = hashlib.sha256(graph).hexdigest()
    job = Job(
        "a.csv",
        1,
        1,
        sha256,
        (Feed("x", ("x",), "int32", (-1,)),),
        (Fetch("score", "score"),),
        None,
        (),
        1,
        incarnation="a" * 16,
    )
    ledger.put_model(sha256, graph)
    ledger.submit(job, {"offset": 0})
    records = pa.record_batch([pa.array([b"1", b"2"], pa.binary())], names=["x"])
    entries = [
        Entry(
            encode_payload(records.schema, [records], 1 + 2 * batch, 2),
            Kept((), 2, 1 + 2 * batch, Position(0, 1, 1), ()).encode(),
            {"offset": 0},
            1 + 2 * batch,
            2,
            [],
        )
        for batch in range(BATCHES)
    ]
    assert ledger.enqueue(job.life, 0, entries) == BATCHES
    ask = ledgers.Ledger.lease

    def lease(*args: object, **options: object) -> ledgers.LeaseReply:
        given = ask(*args, **options)  # type: ignore[arg-type]
        return given._replace(payload=Payload(given.payload or b""))

    monkeypatch.setattr(ledgers.Ledger, "lease", lease)
    freed.clear()
    process = WorkerProcess(Settings(redis_url=server.worker_url))
    gc.collect()
    gc.disable()
    try:
        for batch in range(BATCHES):
            process.score_batch(job.life, batch)
        assert freed == [bytes(entry.payload) for entry in entries]
    finally:
        gc.enable()
    assert ledger.progress(job.id).done == BATCHES
