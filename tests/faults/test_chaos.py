"""Faults of every kind, at random moments, in one job after another. For more of it: python -m tests.faults.chaos."""

from pathlib import Path

import pytest

from tests.faults.chaos import rounds
from tests.faults.conftest import Site


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_faults_of_every_kind_at_random_moments_change_nothing(site: Site, slow_model: Path, tmp_path: Path) -> None:
    total = rounds(
        site, tmp_path, slow_model, count=3, seed=1, messages=150_000, faults=8, pause=1.0, say=print
    )  # fmt: skip
    assert total["rounds"] == 3
    assert total["faults"] >= 12
    assert total["attempts"] + total["redelivered"] + total["resent"] > total["batches"]
