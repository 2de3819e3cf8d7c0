"""Nightshift as the README has it: one `producer enqueue`, which brings the server, the workers and the collector."""

import os
import sys
from pathlib import Path

from benchmarks.contestants.arguments import arguments


def main() -> None:
    given = arguments()
    producer = str(Path(sys.executable).with_name("producer"))
    command = [producer, "enqueue", str(given.input), "--model", str(given.model)]
    command += ["--output", str(given.output / "scores.csv"), "--workers", str(given.cores), "--quiet", "--json"]
    # A home of its own, so that no job is attached to. It prints its receipt, which is our JSON object.
    environment = {**os.environ, "NIGHTSHIFT_HOME": str(given.output / "home")}
    os.execve(producer, command, environment)  # noqa: S606 -- it takes this process's place


if __name__ == "__main__":
    main()
