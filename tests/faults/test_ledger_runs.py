"""The ledger's scripts beside their model, for longer than `make test` has time for."""

import pytest

from tests.ledger.runs import run
from tests.ledger.world import open_world


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_hundred_thousand_random_steps_are_the_models() -> None:
    with open_world() as world:
        run(world, seed=2, steps=100_000)
