"""Two hundred sequences of what people do, with kills of everything; tests/people says what they are."""

import pytest

from tests.people.__main__ import Runner
from tests.people.town import open_town

SEED, SEQUENCES = "faults", 200


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_people_at_work_with_every_accident() -> None:
    with open_town() as town:
        runner = Runner(town)
        for number in range(SEQUENCES):
            failure = runner.sequence(SEED, number)
            assert failure is None, f"sequence {number}:\n{failure}\n{failure.replay}"
        assert runner.counts["(kill)"] >= 20, "or nothing was tried"
        assert runner.counts["(beside)"] >= 20
