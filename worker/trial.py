"""`python -m worker.trial`: scores a sample of a job's records, to see what they cost here, and which are no good.
`producer plan` asks for it.

stdin: a line of JSON (`job`: its record; `model`: the path; `threads`; `seconds`: for how long records are scored), and
behind it a payload, as a worker gets it. stdout: `{"cpu": seconds}` in a line as soon as the model is open, or
`{"error": why}` if it can't score; then a line with

    seconds     of each micro-batch that was scored, in their order, its lines of the scores file included
    again       the same, once more, as far as time was left: the first ones are slower
    opening     seconds until the model was open
    classify    seconds for the row class
    rejects     micro-batch, row, code, detail
    imported    bytes of memory before the model was opened
    memory      bytes at most
"""

import json
import os
import resource
import sys
import time
from typing import Any

from formats.registry import DEFAULT, SINKS
from jobs.batch import decode_payload
from jobs.footprint import keep_freed_memory, without_pandas
from jobs.record import Job
from jobs.settings import Settings
from model import environment
from model.errors import ModelError
from worker.cage.cage import Cage, find_cage, limit_memory

AGAIN_SECONDS = 0.3


def memory() -> int:
    """Bytes, the most so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library has to say
    wanted = json.loads(sys.stdin.buffer.readline())
    payload = sys.stdin.buffer.read()
    environment.prepare()
    without_pandas()
    keep_freed_memory()

    def answer(found: dict[str, Any]) -> None:
        print(json.dumps(found), file=answers, flush=True)

    try:
        for found in _try_out(wanted, payload):
            answer(found)
    except ModelError as error:
        answer({"error": str(error)})
    answers.close()
    os._exit(0)  # nothing is to be tidied up


def _confine(settings: Settings) -> None:
    """As a worker's process is, and more: nothing is read or connected to any more. Raises ModelError where a cage is
    required and there is none."""
    found = find_cage() if settings.cage != "off" else "NIGHTSHIFT_CAGE=off"
    limit_memory(settings.memory_bytes)
    if isinstance(found, Cage) and (found.landlock or settings.cage != "require"):
        found.enter()
    elif settings.cage == "require":
        raise ModelError(f"NIGHTSHIFT_CAGE=require, but there is no whole cage: {found}")


def _try_out(wanted: dict[str, Any], payload: bytes) -> Any:
    from pathlib import Path

    import tensorflow as tf  # noqa: F401 -- so that its memory is told from the model's

    from worker.models import open_model
    from worker.score import Scorer, join

    job = Job.from_dict(wanted["job"])
    imported = memory()
    model = Path(wanted["model"]).read_bytes()
    _confine(Settings.from_environment())
    began = time.perf_counter()
    opened = open_model(job.model, model, wanted["threads"])
    scorer = Scorer(opened.model, job)
    opening = time.perf_counter() - began
    yield {"cpu": time.process_time()}
    batches = list(decode_payload(payload))
    began = time.perf_counter()
    scorer.row_class = scorer.classify(batches)
    classify = time.perf_counter() - began
    seconds: list[float] = []
    again: list[float] = []
    parts = []
    began = time.perf_counter()
    while batches:
        laps, place = (seconds, len(seconds)) if len(seconds) < len(batches) else (again, len(again) % len(batches))
        passed = time.perf_counter() - began
        if passed > (wanted["seconds"] if laps is seconds else AGAIN_SECONDS):
            break
        result = scorer.explain([batches[place]], scorer.score(batches[place]))
        if result.scored:
            SINKS[DEFAULT].encode(list(result.columns.values()))
        laps.append(time.perf_counter() - began - passed)
        if laps is seconds:
            parts.append(result)
    join(parts, scorer.row_class)  # raises ModelError if it can score nothing
    rejects = [[k, each.row, each.code, each.detail] for k, part in enumerate(parts) for each in part.rejects]
    yield {
        "seconds": seconds, "again": again, "opening": opening, "classify": classify, "rejects": rejects,
        "imported": imported, "memory": memory(),
    }  # fmt: skip


if __name__ == "__main__":
    main()
