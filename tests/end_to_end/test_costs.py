"""What a batch and a message cost, counted: commands, bytes, calls and copies creep up silently, and no clock is needed
to see it. The bounds are a little above what was counted when they were set; docs/performance.md has the times."""

import cProfile
import csv
import pstats
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.settings import Settings
from producer.pipeline.batching import make_cursor
from producer.pipeline.plan import Plan, make_plan
from producer.pipeline.serving import Serving
from tests.support.farm import Farm

ROWS = 60_000
BATCHES = 20
# Of a session's life, not of its batches: who is there, once a second, from the worker, the producer and kombu.
PULSE = 400
PULSE_BYTES = 200_000


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("costs") / "night.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("message_id", "text"))
        writer.writerows((f"m{row:07d}", f"message {row} " + "of some length, " * 4) for row in range(ROWS))
    return path


@pytest.fixture(scope="module")
def plan(night: Path) -> Iterator[Plan]:
    plan = make_plan(night, Settings(), batch_bytes=night.stat().st_size // BATCHES)
    yield plan
    plan.source.close()


def payloads_of(plan: Plan) -> Iterator[memoryview]:
    way = Serving(plan.source, plan.job)
    return map(way.payload, way.batches(make_cursor(plan.source.start)))


@pytest.mark.parametrize("way", ["server", "reference"])
def test_commands_and_bytes_through_the_server(farm: Farm, night: Path, plan: Plan, tmp_path: Path, way: str) -> None:
    """Round trips are what a batch costs beside its scoring. A message goes to the server once and comes out once; on
    one machine, where its worker reads it, not at all."""
    words = "enqueue", night, "--output", tmp_path / "scores.csv", "--batch-bytes", plan.job.batch_bytes, "--quiet"
    environment = {"NIGHTSHIFT_SPOOL": str(farm.spool)} if way != "server" else {}
    farm.producer(*words, **environment)  # sessions are open now
    before: Any = farm.server.redis.info("all")
    run = farm.producer(*words, "--again", **environment)
    assert run.code == 0, run.err
    after: Any = farm.server.redis.info("all")

    def grown(name: str) -> int:
        return int(after.get(name, {}).get("calls", 0)) - int(before.get(name, {}).get("calls", 0))

    job = farm.ledger.job_ids()[-1]
    batches = farm.ledger.progress(job).batches
    assert batches >= BATCHES - 2
    # enqueue, lease, complete, and what the follower asks then; locks, models, signs of life are by the second
    assert 3 * batches <= grown("cmdstat_evalsha") <= 4 * batches + PULSE / 4
    assert grown("cmdstat_lpush") == batches  # a message each, sent once
    assert grown("cmdstat_script|exists") <= 2  # kombu's, when it looks after its bindings, once in a while
    commands = sum(grown(name) for name in after if name.startswith("cmdstat_"))
    assert commands <= 60 * batches + PULSE

    payload = sum(payload.nbytes for payload in payloads_of(plan))
    into, out = (
        int(after[f"total_net_{way}_bytes"]) - int(before[f"total_net_{way}_bytes"]) for way in ("input", "output")
    )
    # Beside the text: ids, scores, and the ledger's own words, some of them by the second.
    if way == "reference":
        assert into <= 2_048 * batches + PULSE_BYTES  # whatever a batch has in it
        assert out <= 2_048 * batches + PULSE_BYTES
        assert list(farm.spool.iterdir()) == []
    else:
        assert payload <= into <= payload * 1.4 + (1 << 20)
        assert payload <= out <= payload * 1.4 + (4 << 20)


def test_each_process_opens_one_session_and_imports_tensorflow_never(farm: Farm, night: Path) -> None:
    """Its parent did, before it forked; a second session for the same model would double its memory."""
    before = len(farm.workers[0].sessions())  # of other models, for other tests
    for _ in range(3):
        farm.producer("enqueue", night, "--wait", "--again", "--quiet")
    sessions = farm.workers[0].sessions()[before:]
    assert len(sessions) == len(set(sessions)) <= 2


def test_the_producer_calls_nothing_for_each_message(plan: Plan) -> None:
    """Columns go from the file to the payload as buffers. A single Python call a message would show here as 1."""
    way = Serving(plan.source, plan.job)
    way.entry(next(way.batches(make_cursor(plan.source.start))))  # imports what it needs
    profile = cProfile.Profile()
    profile.enable()
    records = 0
    for batch in way.batches(make_cursor(plan.source.start)):
        records += way.entry(batch).records
    profile.disable()
    assert records == ROWS
    calls: int = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]
    assert calls / records < 0.2


def test_the_payload_is_copied_twice(plan: Plan) -> None:
    """From the file's bytes to Arrow's columns, and from those to the stream that the socket takes as it is. Arrow
    doubles a buffer that it grows, so what it allocates in all is some six times what comes out."""
    pool = pa.default_memory_pool()
    before = pool.total_bytes_allocated()
    payload = sum(payload.nbytes for payload in payloads_of(plan))
    allocated = pool.total_bytes_allocated() - before
    assert allocated / payload < 8
