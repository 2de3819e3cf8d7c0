"""How Nightshift's costs grow: with the number of messages, with the number of workers, and with that of batches."""

import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import graphs, measure
from benchmarks.compare import SMALL_ROWS, Setting
from benchmarks.measure import Run
from benchmarks.messages import blanks, messages
from benchmarks.report import say

BARE_BATCHES = 20_000

# The parts of a run by what the warden calls their processes.
PARTS = {
    "producer": "producer",
    "valkey-server": "server",
    "producer.server.keeper server": "server's keeper",
    "producer.server.keeper worker": "workers' keeper",
    "celery": "worker parent",
    "celery child": "worker child",
}


def parts(run: Run) -> dict[str, dict[str, float]]:
    """Peak RSS (bytes) and CPU-seconds of each process, worker children numbered; fleeting processes left out."""
    found: dict[str, dict[str, float]] = {}
    counts: Counter[str] = Counter()
    for process in run.processes:
        part = PARTS.get(process.name)
        if part is None:
            continue
        counts[part] += 1
        label = f"{part} {counts[part]}" if part == "worker child" else part
        found[label] = {"rss": process.rss, "cpu": process.cpu}
    return found


def growth(setting: Setting, sizes: Sequence[int], rounds: int) -> dict[str, Any]:
    """Cost per message and memory of every process, from few messages to many, in turns."""
    model = graphs.graph(setting.work, setting.model)
    runs: dict[int, list[Run]] = {size: [] for size in sizes}
    files = {size: messages(setting.work, size, setting.duplicates) for size in sizes}
    for number in range(rounds):
        for size in sizes:
            run = nightshift(setting, files[size], model, size)
            runs[size].append(run)
            say(f"growth, round {number + 1} of {rounds}: {size:,} messages in {run.seconds:.1f} s")
    points = []
    for size in sizes:
        points.append(
            {
                "rows": size,
                "seconds": median(run.seconds for run in runs[size]),
                "rate": median(run.said["scored"] / run.said["scoring_seconds"] for run in runs[size]),
                "cpu_seconds": median(run.cpu_seconds for run in runs[size]),
                "memory": median(run.memory for run in runs[size]),
                "parts": part_medians(runs[size]),
            }
        )
    return {"model": setting.model, "cores": len(setting.cores), "duplicates": setting.duplicates, "points": points}


def workers(setting: Setting, counts: Sequence[int], rounds: int) -> dict[str, Any]:
    """Rate against the number of worker processes, Nightshift's beside the limit's, on the same cores."""
    model = graphs.graph(setting.work, setting.model)
    small = messages(setting.work, setting.small, setting.duplicates)
    whole = messages(setting.work, setting.rows, setting.duplicates)
    taken: dict[str, dict[int, list[tuple[float, float]]]]
    taken = {name: {count: [] for count in counts} for name in ("nightshift", "limit")}
    for number in range(rounds):
        for count in counts:
            ours = [
                nightshift(setting, file, model, rows, count).seconds
                for file, rows in ((small, setting.small), (whole, setting.rows))
            ]
            bare = [limit(setting, file, model, count).seconds for file in (small, whole)]
            for name, (first, second) in (("nightshift", ours), ("limit", bare)):
                taken[name][count].append((first, second))
                say(f"workers, round {number + 1} of {rounds}: {name} with {count}: {first:.1f} s and {second:.1f} s")

    def rate(pairs: Sequence[tuple[float, float]]) -> float | None:
        seconds = median(second for _, second in pairs) - median(first for first, _ in pairs)
        return (setting.rows - setting.small) / seconds if seconds > 0 else None

    return {
        "model": setting.model,
        "rows": setting.rows,
        "cores": len(setting.cores),
        "rates": {
            name: [{"workers": count, "rate": rate(pairs[count]), "seconds": pairs[count]} for count in counts]
            for name, pairs in taken.items()
        },
    }


def control_plane(setting: Setting, counts: Sequence[int], rounds: int) -> dict[str, Any]:
    """Batches a second on one server when there is nothing to score.

    The graph computes nothing, a text is one letter, and `--batch-bytes` is one, so that each micro-batch of 1,024
    records is a batch: what the reader cuts finer than that, it does not send. Reading, feeding and writing those
    records is not the control plane's, so the limit does the same to the same file, and its CPU time is given beside.
    All CPU times are without those of a job of one batch. What the server alone could take is measured with bare
    workers (bare_workers.py).
    """
    model = graphs.graph(setting.work, "nothing")
    one = blanks(setting.work, SMALL_ROWS)
    many = blanks(setting.work, setting.rows)
    limits: list[float] = []
    bare: list[Run] = []
    short: dict[int, list[Run]] = {count: [] for count in counts}
    whole: dict[int, list[Run]] = {count: [] for count in counts}
    for number in range(rounds):
        runs = [limit(setting, file, model) for file in (one, many)]
        limits.append(runs[1].cpu_seconds - runs[0].cpu_seconds)
        bare.append(bare_workers(setting))
        say(f"control plane, round {number + 1} of {rounds}, bare workers: {bare[-1].said['rate']:,.0f} batches/s")
        for count in counts:
            short[count].append(nightshift(setting, one, model, SMALL_ROWS, count, NIGHTSHIFT_BATCH_BYTES="1"))
            run = nightshift(setting, many, model, setting.rows, count, NIGHTSHIFT_BATCH_BYTES="1")
            whole[count].append(run)
            say(f"control plane, round {number + 1} of {rounds}, {count} workers: {batch_rate(run):,.0f} batches/s")
    batches = whole[counts[0]][0].said["batches"]

    def milliseconds(seconds: float) -> float:
        return max(0.0, seconds) / (batches - 1) * 1e3

    points = []
    for count in counts:
        before, after = part_medians(short[count]), part_medians(whole[count])
        cpu = median(run.cpu_seconds for run in whole[count]) - median(run.cpu_seconds for run in short[count])
        points.append(
            {
                "workers": count,
                "batches": batches,
                "rate": median(batch_rate(run) for run in whole[count]),
                "cpu_ms": milliseconds(cpu),
                "parts_cpu_ms": {
                    name: milliseconds(after[name]["cpu"] - before[name]["cpu"]) for name in ("producer", "server")
                },
            }
        )
    return {
        "cores": len(setting.cores),
        "rows": setting.rows,
        "limit_cpu_ms": milliseconds(median(limits)),
        "bare": {name: median(run.said[name] for run in bare) for name in ("rate", "server_ms", "producer_ms")},
        "points": points,
    }


def bare_workers(setting: Setting) -> Run:
    """A run with a bare worker a core. SystemExit if it fails."""
    command = [sys.executable, "-m", "benchmarks.bare_workers", str(len(setting.cores)), str(BARE_BATCHES)]
    run = measure.run(command, setting.cores, setting.timeout)
    if run.error:
        raise SystemExit(f"bare workers: {run.error}")
    return run


def batch_rate(run: Run) -> float:
    """Batches a second since the first one went to a worker, by the receipt."""
    return float(run.said["batches"] / run.said["scoring_seconds"])


def nightshift(setting: Setting, file: Path, model: Path, rows: int, processes: int = 0, **environment: str) -> Run:
    """A run whose receipt accounts for every row. SystemExit if it does not."""
    output = setting.work / "output" / "nightshift"
    run = measure.contestant(
        "nightshift", file, model, output, setting.cores,
        processes=processes, timeout=setting.timeout, environment=environment,
    )  # fmt: skip
    measure.clear(output)
    if run.error or run.said.get("state") != "complete" or run.said["scored"] != rows:
        raise SystemExit(f"Nightshift did not score {file.name}: {run.error or run.said}")
    return run


def limit(setting: Setting, file: Path, model: Path, processes: int = 0) -> Run:
    """A run of the limit. SystemExit if it fails."""
    output = setting.work / "output" / "limit"
    run = measure.contestant("limit", file, model, output, setting.cores, processes=processes, timeout=setting.timeout)
    measure.clear(output)
    if run.error:
        raise SystemExit(f"the limit fails on {file.name}: {run.error}")
    return run


def part_medians(runs: Sequence[Run]) -> dict[str, dict[str, float]]:
    each = [parts(run) for run in runs]
    return {
        name: {what: median(found[name][what] for found in each if name in found) for what in ("rss", "cpu")}
        for name in each[0]
    }


def median(values: Any) -> float:
    return float(statistics.median(values))
