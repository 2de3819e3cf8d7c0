"""What people do, in sequences drawn from a seed: `python -m tests.people --sequences 200 --seed 7`.

A violation is printed with the fewest steps that still lead to it, and the command that plays them again. With
`--tree` another checkout's commands and worker are tried, by their scores and rejects alone.
"""

import argparse
import json
import random
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from tests.people.actions import Step, draw
from tests.people.machine import Failure, Machine, shrink
from tests.people.oracle import Oracle
from tests.people.town import Town, open_town
from tests.people.world import World

EMBEDDED_EVERY = 50  # one sequence in so many is without REDIS_URL


class Runner:
    """Plays sequences in one town, each in a folder of its own."""

    def __init__(self, town: Town) -> None:
        self.town, self.oracle = town, Oracle(town)
        self.counts: Counter[str] = Counter()
        self._number = 0

    def play(self, steps: "list[Step]", spool: bool = False, embedded: bool = False) -> Failure | None:
        self._number += 1
        world: World = self.town.notebook() if embedded else self.town.tried
        world.forget_all()
        machine = Machine(self.town, world, self.oracle, self.town.folder / f"person{self._number}", spool, self.counts)
        try:
            machine.play(steps)
        except Failure as failure:
            return failure
        finally:
            world.forget_all()
            shutil.rmtree(machine.path, ignore_errors=True)
        return None

    def sequence(self, seed: str, number: int, gentle: bool = False) -> Failure | None:
        """The failure, made small."""
        chance = random.Random(f"{seed}:{number}")
        spool = chance.random() < 0.3
        embedded = not gentle and self.town.tree is None and number % EMBEDDED_EVERY == EMBEDDED_EVERY - 1
        failure = self.play(draw(chance, gentle, words=self.town.tree is None), spool, embedded)
        if failure is None:
            return None
        return shrink(lambda steps: self.play(steps, spool, embedded), failure)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.people", description=__doc__)
    parser.add_argument("--sequences", type=int, default=20)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--first", type=int, default=0, help="the number of the first sequence")
    parser.add_argument("--gentle", action="store_true", help="no kills of the server and of the whole worker")
    parser.add_argument("--steps", help="play these, as a failure printed them")
    parser.add_argument("--spool", action="store_true", help="with --steps: batches go through files")
    parser.add_argument("--tree", type=Path, help="another checkout, with its .venv")
    parser.add_argument("--violations", type=int, default=10, help="stop after so many")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers and workers are stopped
    failures = 0
    with open_town(wanted.tree) as town:
        runner = Runner(town)
        if wanted.steps:
            failure = runner.play(json.loads(wanted.steps), wanted.spool)
            print(failure or "no violation", flush=True)
            return int(failure is not None)
        began = time.monotonic()
        for number in range(wanted.first, wanted.first + wanted.sequences):
            failure = runner.sequence(wanted.seed, number, wanted.gentle)
            if failure:
                failures += 1
                print(
                    f"VIOLATION in sequence {number} of seed {wanted.seed}:\n{failure}\n  {failure.replay}", flush=True
                )
            done = number - wanted.first + 1
            if done % 20 == 0:
                print(f"{done} sequences, {failures} violations, {time.monotonic() - began:.0f} s", flush=True)
            if failures >= wanted.violations:
                break
        print(f"{done} sequences of seed {wanted.seed} in {time.monotonic() - began:.0f} s: {failures} violations")
        for name, count in sorted(runner.counts.items()):
            print(f"  {count:6} {name}")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
