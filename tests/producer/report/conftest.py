"""Jobs on the real server, read and collected by the real producer; the tests play the worker, so that they know every
score."""

import csv
import io
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from jobs import digest
from jobs.batch import Result, RowReject, decode_payload, payload_records
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.timeline import Work
from producer.api import Submission, submit
from producer.client import Client
from producer.pipeline.plan import Plan, make_plan
from tests.support import Server

Scorer = Callable[[bytes], float | None]  # None: rejected by the worker
Night = Callable[..., Submission]


def csv_bytes(rows: Sequence[Sequence[str | bytes]]) -> bytes:
    """Rows of strings, or of bytes that are taken as they are."""
    lines = []
    for row in rows:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(
            [cell.decode("latin-1") if isinstance(cell, bytes) else cell.encode().decode("latin-1") for cell in row]
        )
        lines.append(text.getvalue().encode("latin-1"))
    return b"".join(lines)


def work(ledger: Ledger, job_id: str, scorer: Scorer, batches: int | None = None) -> None:
    """Scores the job's batches, as a worker would: `batches` of them, or all."""
    count, life = ledger.progress(job_id).batches, ledger.job(job_id).life
    for batch in range(count if batches is None else batches):
        payload = ledger.lease(life, batch, "host:1:token", 60, 5).payload
        assert payload is not None
        texts = [text for part in decode_payload(payload) for text in part.column(0).to_pylist()]
        found = [scorer(text) for text in texts]
        rejects = tuple(RowReject(row, "model_error", "no") for row, score in enumerate(found) if score is None)
        scores = pa.array(np.array([score for score in found if score is not None], np.float32))
        result = Result({"score": scores} if len(scores) else {}, rejects)
        stages = {"lease": 0.01, "session": 0.2 if batch < 2 else 0.0, "score": 0.5, "encode": 0.01}
        sent = digest.sent(life.incarnation, batch, *payload_records(payload), payload)
        ledger.complete(
            life, batch, sent, result.encode(), result.scored, [each.code for each in rejects],
            Work(f"host-{batch % 2}:{100 + batch % 2}", stages),
        )  # fmt: skip


@pytest.fixture
def settings(server: Server) -> Settings:
    return Settings(redis_url=server.url)


@pytest.fixture
def night(settings: Settings, tmp_path: Path) -> Iterator[Night]:
    """Enqueues a file of those bytes, has it scored, and collects it unless told otherwise."""
    connection = Client(settings)
    names = itertools.count()
    plans: list[Plan] = []

    def run(
        data: bytes, scorer: Scorer, *, collect: bool = True, keep: Sequence[str] = (), batch_bytes: int = 1 << 20
    ) -> Submission:
        path = tmp_path / f"night{next(names)}.csv"
        path.write_bytes(data)
        plans.append(make_plan(path, settings, keep=keep, batch_bytes=batch_bytes))
        submission = submit(connection, plans[-1])
        submission.enqueue_all()
        work(connection.ledger, submission.id, scorer)
        if collect:
            submission.wait(path.with_suffix(".scores.csv"))
        return submission

    yield run
    for plan in plans:
        plan.source.close()
    connection.close()


def scored_by_text(text: bytes) -> float | None:
    """`0.25 hello` has the score 0.25; `x …` is rejected."""
    word = text.split()[0]
    return None if word == b"x" else math.nan if word == b"nan" else float(word)
