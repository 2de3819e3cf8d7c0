"""`python -m tests.ledger explore --seconds 600`, `python -m tests.ledger run --seed 1 --steps 100000`: the real
scripts beside the model. Exit code 1 and a trace for what they disagree on."""

import argparse
import sys
import time

from tests.ledger.explore import explore
from tests.ledger.runs import Violation, run
from tests.ledger.world import open_world


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.ledger", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    exploring = commands.add_parser("explore", help="all states, breadth first")
    exploring.add_argument("--seconds", type=float, default=600)
    running = commands.add_parser("run", help="random steps, the same for a seed")
    running.add_argument("--seed", type=int, default=1)
    running.add_argument("--steps", type=int, default=100_000)
    options = parser.parse_args()
    begun = time.monotonic()
    with open_world() as world:
        try:
            if options.command == "explore":
                found = explore(world, options.seconds, tell=lambda level: print(level, flush=True))
                print(f"all within {found.depth} steps; {found.states} states, {found.steps} steps checked")
            else:
                run(world, options.seed, options.steps)
                print(f"seed {options.seed}: {options.steps} steps, no violation")
        except Violation as violation:
            print(violation)
            return 1
    print(f"{time.monotonic() - begun:.0f} s")
    return 0


sys.exit(main())
