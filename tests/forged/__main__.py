"""Forged messages, records, results, payloads, references and parts: does any of them end who reads it, or touch what
is not its job's? `python -m tests.forged --mutants 100000 --seed 1`; what it finds, `--first NUMBER --mutants 1` shows
again."""

import argparse
import sys
import time

from tests.forged import trial


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.forged", description=__doc__)
    parser.add_argument("--mutants", type=int, default=100_000, help="how many are decoded, in a process apart")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first one")
    parser.add_argument("--served", type=int, default=0, help="how many go through a real server, worker and producer")
    options = parser.parse_args()
    began = time.monotonic()
    outcome = trial.run(options.mutants, options.seed, options.first)
    print(*trial.lines(outcome), f"{time.monotonic() - began:.1f} s, seed {options.seed}", sep="\n")
    findings = list(map(str, outcome.findings))
    if options.served:
        from tests.forged import served

        findings += served.run(options.served, options.seed)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
