"""A selection of what `python -m tests.forged` tries."""

import pytest

from tests.forged import served, trial


def test_no_forged_message_record_or_stream_ends_who_reads_it_or_touches_what_is_not_its_jobs() -> None:
    outcome = trial.run(4_000, seed=20)
    assert not outcome.findings, "\n".join(map(str, outcome.findings))
    assert outcome.taken + outcome.refused == 4_000
    assert outcome.taken > 200, "mutants that are nothing at all look into nothing"


@pytest.mark.slow
def test_a_hundred_thousand_of_them_do_not() -> None:
    outcome = trial.run(100_000, seed=1)
    assert not outcome.findings, "\n".join(map(str, outcome.findings))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_on_a_real_server_they_cost_their_own_job_at_most(seed: int) -> None:
    assert not served.run(60, seed)
