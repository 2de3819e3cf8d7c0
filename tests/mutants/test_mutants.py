"""The ledger's tests notice slips in its scripts: a sample of them. For all: python -m tests.mutants."""

import pytest

from tests.mutants import equivalent
from tests.mutants.__main__ import WANTED, choose, describe, everything, tell

SAMPLE = 60


def test_what_is_listed_as_equivalent_is_a_mutant_of_the_scripts_as_they_are() -> None:
    assert not equivalent.stale(equivalent.read(equivalent.LIST.read_text()), everything())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_slip_is_noticed() -> None:
    chosen = choose(SAMPLE, seed=1, files=[], listed=False)
    _, survivors = tell(chosen)
    assert len(chosen) == SAMPLE
    assert len(survivors) <= (1 - WANTED) * SAMPLE, "\n".join(map(describe, survivors))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nobody_can_tell_what_is_listed_as_equivalent() -> None:
    listed = choose(SAMPLE, seed=1, files=[], listed=True)
    ends, _ = tell(listed)
    assert ends["survived"] == len(listed)
