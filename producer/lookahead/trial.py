"""Has a child process score a sample of a job's records (worker/trial.py): this room knows no TensorFlow."""

import contextlib
import importlib.util
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.batch import encode_payload
from jobs.record import Job

SECONDS = 2.0  # for which records are scored
PATIENCE_SECONDS = 120.0
ROOT = Path(__file__).resolve().parents[2]  # where the rooms are


@dataclass(frozen=True, slots=True)
class Trial:
    """What it said. `why_not` says why there is no telling; `problem` why such a job would fail."""

    why_not: str = ""
    problem: str = ""
    ready: float = 0.0  # seconds until the model was open
    cpu: float = 0.0  # CPU-seconds of them
    opening: float = 0.0  # seconds of them, for the model alone
    classify: float = 0.0  # seconds
    seconds: Sequence[float] = ()  # of the micro-batches, in their order, as far as there was time
    again: Sequence[float] = ()  # the same, once more
    rejects: Sequence[tuple[int, int, str, str]] = ()  # micro-batch, row, code, detail
    imported: int = 0  # bytes of memory before the model was opened
    memory: int = 0  # bytes at most

    @property
    def slowness(self) -> float:
        """How many times as long as on an idle machine it took, because others were there."""
        return max(1.0, self.ready / self.cpu) if self.cpu else 1.0

    @property
    def warm_up(self) -> float:
        """Seconds that the first call takes beyond what it costs."""
        later = [*self.seconds[1:], *self.again]
        return max(0.0, self.seconds[0] - sum(later) / len(later)) if later else 0.0

    def seconds_a_byte(self, sizes: Sequence[float]) -> float | None:
        """`sizes` are those of the micro-batches in the input, in bytes. None if nothing was scored."""
        tried = len(self.seconds)
        laps = [(seconds, sizes[place]) for place, seconds in enumerate(self.seconds)]
        later = laps[1:] + [(seconds, sizes[place % tried]) for place, seconds in enumerate(self.again)]
        size = sum(each for _, each in later or laps)
        return sum(seconds for seconds, _ in later or laps) / size if size else None


def try_out(job: Job, model: Path, batches: Sequence[pa.RecordBatch], threads: int) -> Trial:
    """`batches` are micro-batches, of the columns to feed."""
    if importlib.util.find_spec("tensorflow") is None:
        return Trial(why_not="TensorFlow is not installed here")
    schema = pa.schema([(name, pa.binary()) for name in job.fed_columns])
    wanted = {"job": job.to_dict(), "model": str(model.resolve()), "threads": threads, "seconds": SECONDS}
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.trial"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        return _heard(process, json.dumps(wanted).encode() + b"\n", encode_payload(schema, batches, 0, 0), began)
    finally:
        process.kill()
        process.wait()


def _heard(process: "subprocess.Popen[bytes]", wanted: bytes, payload: memoryview, began: float) -> Trial:
    assert process.stdin is not None  # noqa: S101 -- they are pipes
    assert process.stdout is not None  # noqa: S101
    watchdog = threading.Timer(PATIENCE_SECONDS, process.kill)
    watchdog.start()
    lines: list[dict[str, Any]] = []
    ready = 0.0
    with contextlib.suppress(OSError):  # it is gone: what it said tells more
        process.stdin.write(wanted)
        process.stdin.write(payload)
        process.stdin.close()
    for line in process.stdout:
        lines.append(json.loads(line))
        ready = ready or time.monotonic() - began
    watchdog.cancel()
    error = next((line["error"] for line in lines if "error" in line), "")
    if error:
        return Trial(problem=error)
    if len(lines) < 2:
        if time.monotonic() - began >= PATIENCE_SECONDS:
            return Trial(why_not=f"the model took more than {PATIENCE_SECONDS:.0f} s for some records")
        return Trial(why_not="the model ends the process that tries it" if lines else "no worker can be started here")
    return Trial(ready=ready, **{**lines[0], **lines[1], "rejects": [tuple(each) for each in lines[1]["rejects"]]})
