"""Scores several files at once: all are in the queue before the first is waited for, so that no worker is ever idle.

    python examples/several_files.py in/*.csv

Beside each file its scores, rejects and receipt are written, as `producer enqueue` does. Run again, it does only what
is missing. (For every night, `producer nightly 'in/*.csv'` does the same by the clock.)
"""

import sys
from pathlib import Path

import producer
from formats.errors import NightshiftError


def main(paths: list[Path]) -> int:
    """Scores what it can; returns the exit code, 1 if a file failed."""
    failed = 0
    jobs: dict[Path, producer.Submission] = {}
    for path in paths:
        try:
            jobs[path] = producer.enqueue(path)
        except NightshiftError as error:  # no such file, no such column: the others go on
            failed += 1
            print(f"{path.name}: {error}", file=sys.stderr)
    for path, job in jobs.items():
        try:
            receipt = job.wait(path.with_suffix(".scores.csv"))
        except NightshiftError as error:
            failed += 1
            print(f"{path.name}: {error}", file=sys.stderr)
        else:
            print(f"{path.name}: {receipt.scored:,} scored, {receipt.rejected:,} rejected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main([Path(word) for word in sys.argv[1:]]))
