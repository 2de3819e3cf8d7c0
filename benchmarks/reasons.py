"""What reasons cost where one message in twenty is explained: CPU time with and without `--explain`, in turns.

    python -m benchmarks.reasons                        a worker's part: scoring batches, and writing their lines
    python -m benchmarks.reasons --jobs --rows 2000000  whole jobs, by `producer enqueue`

The messages are those of the other benchmarks (benchmarks/messages.py), all different. Scores are explained from that
on which a twentieth of them has.
"""

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy loads
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.csv as pc  # noqa: E402

from benchmarks import measure  # noqa: E402
from benchmarks.messages import messages  # noqa: E402
from formats.registry import DEFAULT, SINKS  # noqa: E402
from graphs.feeds import Feed, Fetch  # noqa: E402
from jobs.record import Job  # noqa: E402
from jobs.slices import micro_batches  # noqa: E402
from worker.models import open_model  # noqa: E402
from worker.score import score  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
BATCH = 8 << 20  # bytes of input
SMALL = 2_000  # rows of a job that is start-up and little else


class Worker:
    """A model, opened as a worker does, and the batches of a file."""

    def __init__(self, model: Path, file: Path) -> None:
        data = model.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        self.model = open_model(digest, data, 1).model
        feeds, fetches = (Feed("text", ("text",), "string", (-1,)),), (Fetch("score", "score"),)
        self.job = Job("in.csv", 1, 1, digest, feeds, fetches, None, (), 1 << 20)
        texts = pc.read_csv(
            file,
            pc.ReadOptions(block_size=BATCH),
            convert_options=pc.ConvertOptions(column_types={"text": pa.binary()}, include_columns=["text"]),
        )
        self.batches = [list(micro_batches(each)) for each in texts.to_batches()]
        self.rows = texts.num_rows

    def scores(self) -> np.ndarray:
        return np.concatenate(
            [score(self.model, self.job, batch, row_class="exact").columns["score"] for batch in self.batches]
        )

    def seconds(self, pieces: int, least: float) -> float:
        """CPU time for all batches."""
        job = replace(self.job, explain=pieces, explain_from=least, format=0)
        begun = time.process_time()
        for batch in self.batches:
            result = score(self.model, job, batch, row_class="exact")
            SINKS[DEFAULT].encode([pa.array(np.arange(result.scored)), *result.columns.values()])
        return time.process_time() - begun


def jobs(model: Path, work: Path, rows: int, pieces: int, least: float, rounds: int) -> dict[str, list[float]]:
    """CPU-seconds of all processes, without and with reasons; without what a small file takes, the median of as many
    runs."""
    explained = ("--explain", str(pieces), "--explain-from", str(least))
    found: dict[str, list[float]] = {"small": [], "without": [], "with": []}
    for _ in range(rounds):
        for name, size, words in (("small", SMALL, ()), ("without", rows, ()), ("with", rows, explained)):
            found[name].append(_job(model, work, size, words))
    start = statistics.median(found.pop("small"))
    return {name: [seconds - start for seconds in each] for name, each in found.items()}


def _job(model: Path, work: Path, rows: int, words: Sequence[str]) -> float:
    producer = str(Path(sys.executable).with_name("producer"))
    with tempfile.TemporaryDirectory(dir=work) as folder:
        command = [producer, "enqueue", str(messages(work, rows)), "--model", str(model), *words]
        command += ["--output", f"{folder}/scores.csv", "--quiet", "--json"]
        cores = sorted(os.sched_getaffinity(0))
        run = measure.run(command, cores, 3600, {"NIGHTSHIFT_HOME": f"{folder}/home"})
    if run.error:
        raise SystemExit(run.error)
    return run.cpu_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "data" / "spam.pb")
    parser.add_argument("--work", type=Path, default=ROOT / ".nightshift" / "bench", help="where files are made")
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--share", type=float, default=0.05, help="of the messages that are explained (0.05)")
    parser.add_argument("--pieces", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--jobs", action="store_true", help="whole jobs")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    worker = Worker(options.model, messages(options.work, options.rows))
    scores = worker.scores()
    least = float(np.quantile(scores, 1 - options.share))
    if options.jobs:
        rows = options.rows - SMALL
        taken = jobs(options.model, options.work, options.rows, options.pieces, least, options.rounds)
    else:
        rows = worker.rows
        taken = {"without": [], "with": []}
        for count in range(options.rounds + 1):
            for name, pieces in (("without", 0), ("with", options.pieces)):
                seconds = worker.seconds(pieces, least)
                if count:  # the first round does not count
                    taken[name].append(seconds)
    micros = {name: [seconds / rows * 1e6 for seconds in each] for name, each in taken.items()}
    found = {
        "rows": rows,
        "explained": int((scores >= least).sum()),
        "least": least,
        "microseconds_a_message": {name: round(statistics.median(each), 3) for name, each in micros.items()},
        "lowest": {name: round(min(each), 3) for name, each in micros.items()},
        "highest": {name: round(max(each), 3) for name, each in micros.items()},
        "more": round(statistics.median(b / a for a, b in zip(micros["without"], micros["with"], strict=True)) - 1, 3),
    }
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['explained']:,} of {options.rows:,} messages explained, those from {least:.6g} on")
    for name in micros:
        lowest, highest = found["lowest"][name], found["highest"][name]
        print(f"{name:8} {found['microseconds_a_message'][name]:.3f} µs a message ({lowest:.3f} to {highest:.3f})")
    print(f"{found['more']:+.1%}, the median of the rounds")


if __name__ == "__main__":
    main()
