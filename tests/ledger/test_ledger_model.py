"""The ledger's scripts beside their model, in virtual time: random stories, and every state near the beginning. And
faults planted in the scripts are found."""

from collections.abc import Iterator

import pytest

from tests.ledger.explore import explore
from tests.ledger.runs import Violation, run
from tests.ledger.world import World, open_world

FAULTS = {
    "another life is not refused": ("", "and (field[2] or '') == incarnation", "and true"),
    "a result is taken twice": ("complete", "redis.call('GETBIT', job .. ':done', batch) == 1", "false"),
    "what was scored is not compared": ("complete", "digest ~= ARGV[3]", "false"),
    "a lease never runs out": ("lease", "tonumber(deadline) > time", "true"),
    "a batch that is not known is given away": ("lease", "or not entered(batch)", ""),
    "a collector sets the job back": ("collected", "'collected')) ~= tonumber(ARGV[3])", "'collected')) < 0"),
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with open_world() as opened:
        yield opened


def test_ten_thousand_random_steps_are_the_models(world: World) -> None:
    run(world, seed=1, steps=10_000)


def test_every_state_near_the_beginning_is_the_models(world: World) -> None:
    assert explore(world, seconds=60, depth=2).depth == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_is_planted_is_found(fault: str) -> None:
    script, good, bad = FAULTS[fault]
    planted = []

    def alter(name: str, source: str) -> str:
        if good in source and script in ("", name):
            planted.append(name)
            return source.replace(good, bad)
        return source

    with open_world(alter) as world, pytest.raises(Violation) as caught:
        run(world, seed=1, steps=20_000)
    assert planted
    assert len(caught.value.trace) < 12, "shortened"
