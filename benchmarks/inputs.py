"""What a file costs in other forms than plain CSV in UTF-8: another delimiter, another encoding, packed, in turns.

python -m benchmarks.inputs FILE      unpacks it with Python's gzip alone, and prints the seconds; `inputs` does it
"""

import csv
import gzip
import io
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from benchmarks import graphs
from benchmarks.compare import Setting
from benchmarks.graphs import ROOT
from benchmarks.growth import nightshift, part_medians
from benchmarks.measure import Run
from benchmarks.messages import messages
from benchmarks.report import say

ENCODING = "cp1252"  # in all of them, texts are such as this can say
SMALL = 2_000
PLAIN = "plain"


def _rewritten(delimiter: str, encoding: str) -> Callable[[Path, Path], None]:
    def make(plain: Path, path: Path) -> None:
        with (
            plain.open(encoding="utf-8", newline="") as source,
            path.open("w", encoding=encoding, newline="") as target,
        ):
            _copy(source, target, delimiter)

    return make


def _copy(source: TextIO, target: TextIO, delimiter: str) -> None:
    writer = csv.writer(target, delimiter=delimiter, lineterminator="\n")
    for identity, text in csv.reader(source):
        writer.writerow((identity, text.encode(ENCODING, "replace").decode(ENCODING)))


def _gzip(plain: Path, path: Path) -> None:
    with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _zstd(plain: Path, path: Path) -> None:
    with plain.open("rb") as source, pa.output_stream(str(path), compression="zstd") as target:
        shutil.copyfileobj(source, target, 1 << 20)


# By their suffixes; packed ones are made of the plain one.
FORMS: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    PLAIN: (".csv", _rewritten(",", "utf-8")),
    "semicolons": (".semicolon.csv", _rewritten(";", "utf-8")),
    "windows-1252": (".windows.csv", _rewritten(",", ENCODING)),
    "utf-16": (".utf16.csv", _rewritten(",", "utf-16")),
    "gzip": (".csv.gz", _gzip),
    "zstd": (".csv.zst", _zstd),
}


def form(work: Path, rows: int, name: str) -> Path:
    """The file, made once."""
    suffix, make = FORMS[name]
    path = work / f"inputs-{rows}{suffix}"
    if not path.exists():
        original = messages(work, rows) if suffix.endswith(".csv") else form(work, rows, PLAIN)
        partial = path.with_name(f"{path.name}.partial")
        make(original, partial)
        partial.rename(path)
    return path


def inputs(setting: Setting, rounds: int) -> dict[str, Any]:
    """Messages a second, CPU time, and the producer's memory, for each form; medians, and ratios to plain CSV."""
    model = graphs.graph(setting.work, setting.model)
    runs: dict[str, list[Run]] = {name: [] for name in FORMS}
    small: list[float] = []
    unpacking: list[float] = []
    for number in range(rounds):
        small.append(nightshift(setting, form(setting.work, SMALL, PLAIN), model, SMALL).seconds)
        for name in FORMS:
            run = nightshift(setting, form(setting.work, setting.rows, name), model, setting.rows)
            runs[name].append(run)
            say(f"inputs, round {number + 1} of {rounds}: {name} in {run.seconds:.1f} s")
        packed = str(form(setting.work, setting.rows, "gzip"))
        command = [sys.executable, "-m", "benchmarks.inputs", packed]
        unpacking.append(float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout))
    startup = statistics.median(small)
    return {
        "model": setting.model,
        "rows": setting.rows,
        "startup": startup,
        "unpacking_seconds": statistics.median(unpacking),
        "forms": {name: _figures(each, startup, setting.rows) for name, each in runs.items()},
    }


def _figures(runs: list[Run], startup: float, rows: int) -> dict[str, float]:
    seconds = statistics.median(run.seconds for run in runs) - startup
    return {
        "seconds": seconds,
        "rate": rows / seconds,
        "cpu_seconds": statistics.median(run.cpu_seconds for run in runs),
        "producer_rss": part_medians(runs)["producer"]["rss"],
    }


if __name__ == "__main__":
    began = time.perf_counter()
    with io.BufferedReader(gzip.GzipFile(sys.argv[1])) as file:  # type: ignore[arg-type]
        while file.read(1 << 20):
            pass
    print(time.perf_counter() - began)
