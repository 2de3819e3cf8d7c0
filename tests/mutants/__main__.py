"""Slips in the ledger's scripts, one at a time, and which the tests notice: `python -m tests.mutants --help`."""

import argparse
import random
import sys
import time
from collections import Counter

from tests.mutants import equivalent, trial
from tests.mutants.equivalent import Place
from tests.mutants.lua import Mutant, mutants

WANTED = 0.95


def everything() -> list[Mutant]:
    return [mutant for file, text in trial.texts().items() for mutant in mutants(file, text)]


def choose(sample: int | None, seed: int, files: list[str], listed: bool) -> list[Mutant]:
    """Those to be tried: all, or a sample; those that are listed as equivalent, or the others. Raises ValueError if
    the list has what is no mutant."""
    found = everything()
    known = equivalent.read(equivalent.LIST.read_text())
    if left := equivalent.stale(known, found):
        raise ValueError(f"equivalent.txt has what is no mutant: {left[0]}")
    chosen = [
        mutant
        for mutant in found
        if (Place.of(mutant) in known) == listed and (not files or mutant.file.removesuffix(".lua") in files)
    ]
    return chosen if sample is None else random.Random(seed).sample(chosen, min(sample, len(chosen)))


def describe(mutant: Mutant) -> str:
    before, after = mutant.change
    return f"{mutant.file}:{mutant.number} {mutant.kind} {mutant.occurrence}\n- {before}\n+ {after}"


def tell(chosen: list[Mutant]) -> tuple[Counter[str], list[Mutant]]:
    """Tries each; how many met which end, and those that survived, which are printed as they do."""
    trial.prepare()
    trial.check_that_they_load([(mutant.file, mutant.mutated) for mutant in chosen])
    if trial.run({}) != "survived":
        raise trial.TrialError("the tests fail on the scripts as they are")
    ends: Counter[str] = Counter()
    survivors = []
    for mutant in chosen:
        end = trial.run({mutant.file: mutant.mutated})
        ends[end] += 1
        if end != "killed":
            print(f"{end}: {describe(mutant)}\n", flush=True)
        if end == "survived":
            survivors.append(mutant)
    return ends, survivors


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, help="so many, chosen at random")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--file", action="append", default=[], help="only of this script, such as lease; repeatable")
    parser.add_argument("--listed", action="store_true", help="those of equivalent.txt: the tests must not notice any")
    options = parser.parse_args()
    began = time.monotonic()
    chosen = choose(options.sample, options.seed, options.file, options.listed)
    ends, survivors = tell(chosen)
    noticed = len(chosen) - len(survivors)
    print(
        f"{len(chosen)} mutants: {ends['killed']} killed, {ends['timeout']} timeouts, {len(survivors)} survivors; "
        f"{noticed / max(1, len(chosen)):.1%} in {time.monotonic() - began:.0f} s"
    )
    if options.listed:
        return int(noticed > 0)
    return int(noticed < WANTED * len(chosen))


if __name__ == "__main__":
    sys.exit(main())
