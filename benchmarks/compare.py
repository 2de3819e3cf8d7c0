"""All contestants on the same messages, graph and cores, taking turns in one sitting.

Start-up and steady state are told apart in the one way that is the same for all, from outside: in each round a
contestant scores a small file and then the whole one. What the small one takes is its fixed cost (starting, loading,
stopping), of which the median is taken; what the rest of the messages take on top of that is its rate.
"""

import hashlib
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import check, graphs, measure
from benchmarks.contestants import CONTESTANTS
from benchmarks.measure import Run
from benchmarks.messages import messages
from benchmarks.report import say

SMALL_ROWS = 1000  # a core


@dataclass(frozen=True, slots=True)
class Setting:
    """What is scored, where, with what, on which cores."""

    work: Path
    model: str
    rows: int
    duplicates: float
    cores: tuple[int, ...]
    timeout: float

    @property
    def small(self) -> int:
        return min(SMALL_ROWS * len(self.cores), self.rows // 2)


@dataclass(slots=True)
class Turn:
    """One contestant's round."""

    small: Run
    whole: Run | None
    error: str | None


@dataclass(slots=True)
class Entry:
    """A contestant's rounds."""

    title: str
    turns: list[Turn] = field(default_factory=list)

    def result(self, setting: Setting) -> dict[str, Any]:
        good = [(turn.small, turn.whole) for turn in self.turns if turn.whole and not turn.error]
        return {
            "title": self.title,
            "median": summary(setting.rows - setting.small, good) if good else None,
            "rounds": [{"small": figures(small), "whole": figures(whole)} for small, whole in good],
            "errors": [turn.error for turn in self.turns if turn.error],
            "processes": [asdict(each) for each in good[-1][1].processes] if good else [],
        }


def figures(run: Run) -> dict[str, float]:
    return {"seconds": run.seconds, "cpu_seconds": run.cpu_seconds, "others": run.others, "memory": run.memory}


def summary(rest: int, rounds: Sequence[tuple[Run, Run]]) -> dict[str, Any]:
    """Medians. Rates are messages a second, CPU-seconds those of a million messages, both without the start-up."""
    start_up = statistics.median(small.seconds for small, _ in rounds)
    start_up_cpu = statistics.median(small.cpu_seconds for small, _ in rounds)
    whole = [run for _, run in rounds]
    total = statistics.median(run.seconds for run in whole)
    shortest = min(run.seconds for run in whole) - max(small.seconds for small, _ in rounds)
    longest = max(run.seconds for run in whole) - min(small.seconds for small, _ in rounds)
    cpu_seconds = statistics.median(run.cpu_seconds for run in whole) - start_up_cpu
    return {
        # None where the file takes no longer than the small one: it is too small then to tell a rate.
        "rate": rest / (total - start_up) if total > start_up else None,
        # The bounds if the start-up's noise and the whole run's had added up.
        "lowest": rest / longest if longest > 0 else None,
        "highest": rest / shortest if shortest > 0 else None,
        "start_up": start_up,
        "total": total,
        "cpu_start_up": start_up_cpu,
        "cpu_per_million": max(0.0, cpu_seconds) / rest * 1e6,
        "memory": statistics.median(run.memory for run in whole),
        "rss": statistics.median(max((each.rss for each in run.processes), default=0) for run in whole),
    }


def compare(setting: Setting, names: Sequence[str], rounds: int) -> dict[str, Any]:
    """The results, ready for JSON. A contestant that fails twice, or whose scores are wrong, is out."""
    skipped = {name: reason for name in names if (reason := CONTESTANTS[name].missing())}
    for name, reason in skipped.items():
        say(f"{name}: {reason}, left out")
    model = graphs.graph(setting.work, setting.model)
    small = messages(setting.work, setting.small, setting.duplicates)
    whole = messages(setting.work, setting.rows, setting.duplicates)
    expected_small = reference(setting, small, model, setting.small)
    expected = reference(setting, whole, model, setting.rows)

    entries = {name: Entry(CONTESTANTS[name].title) for name in names if name not in skipped}
    for number in range(rounds):
        # Each round begins with another, so that nobody always comes after the same one.
        order = list(entries)
        order = order[number % len(order) :] + order[: number % len(order)]
        for name in order:
            entry = entries[name]
            if sum(bool(turn.error) for turn in entry.turns) >= 2:
                continue
            turn = take_turn(setting, name, model, (small, expected_small), (whole, expected))
            entry.turns.append(turn)
            told = turn.error
            if turn.whole and not turn.error:
                told = f"{turn.small.seconds:.1f} s for {setting.small:,} messages, "
                told += f"{turn.whole.seconds:.1f} s for {setting.rows:,}"
            say(f"{setting.model}, round {number + 1} of {rounds}, {name}: {told}")
    return {
        "model": setting.model,
        "rows": setting.rows,
        "small_rows": setting.small,
        "duplicates": setting.duplicates,
        "bytes": whole.stat().st_size,
        "cores": len(setting.cores),
        "contestants": {name: entry.result(setting) for name, entry in entries.items()},
        "skipped": skipped,
    }


def take_turn(
    setting: Setting, name: str, model: Path, small: tuple[Path, check.Scores], whole: tuple[Path, check.Scores]
) -> Turn:
    """Both files, the scores checked after each, outside of the measured time."""
    runs: list[Run] = []
    error = None
    for file, expected in (small, whole):
        output = setting.work / "output" / name
        run = measure.contestant(name, file, model, output, setting.cores, timeout=setting.timeout)
        runs.append(run)
        error = run.error
        if not error:
            try:
                check.compare(output, expected)
            except check.Wrong as wrong:
                error = f"wrong scores: {wrong}"
        if error:
            break
        measure.clear(output)
    return Turn(runs[0], runs[1] if len(runs) > 1 else None, error)


def reference(setting: Setting, file: Path, model: Path, rows: int) -> check.Scores:
    """The limit's scores, which all others must match; kept for the next time."""
    digest = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
    path = setting.work / f"{file.stem}-{digest}.npy"
    if not path.exists():
        say(f"the expected scores of {rows:,} messages")
        output = setting.work / "output" / "reference"
        run = measure.contestant("limit", file, model, output, setting.cores, timeout=setting.timeout)
        if run.error:
            raise SystemExit(f"the limit fails: {run.error}")
        np.save(path, check.read(output, rows))
        measure.clear(output)
    scores: check.Scores = np.load(path)
    return scores
