"""How fast one producer can hand out a file by reference, to workers that do nothing with it: the real splitter,
enqueuer, ledger and server; a worker takes a message, leases its batch and completes it unread.
"""

import json
import statistics
import subprocess
import sys
from typing import Any

from benchmarks.compare import Setting
from benchmarks.graphs import ROOT
from benchmarks.messages import messages
from benchmarks.report import say


def splitting(setting: Setting, rounds: int) -> dict[str, Any]:
    """Messages and bytes a second, CPU time and memory of the producer; medians."""
    path = messages(setting.work, setting.rows, setting.duplicates)
    runs = []
    for number in range(rounds):
        command = [sys.executable, "-m", "benchmarks.handing_out", str(path), str(len(setting.cores))]
        run = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
        runs.append(run)
        say(f"splitting, round {number + 1} of {rounds}: {run['seconds']:.2f} s")
    names = ("seconds", "cpu_seconds", "rss")
    return {
        "rows": setting.rows,
        "bytes": path.stat().st_size,
        "all": runs,
        **{name: statistics.median(run[name] for run in runs) for name in names},
    }
