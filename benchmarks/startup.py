"""From `producer enqueue` to the first score on an idle machine, beside a bare `import tensorflow`."""

import os
import site
import statistics
import sys
import sysconfig
from pathlib import Path
from typing import Any

from benchmarks import graphs, measure
from benchmarks.compare import Setting
from benchmarks.growth import nightshift
from benchmarks.messages import messages
from benchmarks.report import say

FIRST_ROWS = 1000  # one batch: when it is done, so is the first score
HELP = [str(Path(sys.executable).with_name("producer")), "--help"]
IMPORT = [sys.executable, "-c", "import tensorflow"]


def startup(setting: Setting, rounds: int, cold: bool) -> dict[str, Any]:
    """Seconds, in turns: warm, and with `cold` also after everything installed was dropped from the page cache."""
    file = messages(setting.work, FIRST_ROWS)
    model = graphs.graph(setting.work, "spam")
    took: dict[str, dict[str, list[float]]] = {
        name: {"warm": [], "cold": []}
        for name in ("producer --help", "import tensorflow", "producer enqueue, first score")
    }
    first_score(setting, file, model)  # so that warm is warm
    for number in range(rounds):
        for kind in ("warm", "cold") if cold else ("warm",):
            for name, times in took.items():
                if kind == "cold":
                    evict()
                if name.endswith("first score"):
                    seconds = first_score(setting, file, model)
                else:
                    command = HELP if name.endswith("--help") else IMPORT
                    run = measure.run(command, setting.cores, setting.timeout)
                    if run.error:
                        raise SystemExit(f"{name}: {run.error}")
                    seconds = run.seconds
                times[kind].append(seconds)
                say(f"start-up, round {number + 1} of {rounds}, {kind}: {name} {seconds:.2f} s")
    return {
        "cores": len(setting.cores),
        "seconds": {
            name: {kind: statistics.median(each) if each else None for kind, each in times.items()}
            for name, times in took.items()
        },
        "all": took,
    }


def first_score(setting: Setting, file: Path, model: Path) -> float:
    """From launch until the only batch is written back, by the receipt: what the server's clock said, here as well."""
    run = nightshift(setting, file, model, FIRST_ROWS)
    return float(run.said["created"] + run.said["seconds"] - run.began_at)


def evict() -> None:
    """Asks the kernel to drop Python, its library and all installed packages from the page cache, one by one:
    posix_fadvise(2) needs no root. A page that some running process has mapped stays."""
    folders = {sysconfig.get_paths()["stdlib"], *site.getsitepackages(), str(Path(sys.executable).resolve().parent)}
    for folder in folders:
        for path, _, names in os.walk(folder):
            for name in names:
                try:
                    file = os.open(os.path.join(path, name), os.O_RDONLY)  # noqa: PTH118 -- tens of thousands
                except OSError:
                    continue
                try:
                    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(file)
