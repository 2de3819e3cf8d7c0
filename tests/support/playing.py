"""Playing the worker: tests that know every score."""

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from jobs import digest
from jobs.batch import Result, RowReject, decode_payload, payload_records
from jobs.ledger import Ledger
from jobs.timeline import Work

Scorer = Callable[[bytes], float | None]  # None: rejected by the worker


def scored_by_text(text: bytes) -> float | None:
    """`0.25 hello` has the score 0.25; `x …` is rejected."""
    word = text.split()[0]
    return None if word == b"x" else math.nan if word == b"nan" else float(word)


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
