"""Faults of every kind, at random moments, in one job after another. For more of it: python -m tests.faults.chaos."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.faults.chaos import rounds
from tests.faults.site import Site, open_site

PLAN: dict[str, Any] = {"messages": 150_000, "faults": 8, "pause": 1.0, "say": print}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_faults_of_every_kind_at_random_moments_change_nothing(site: Site, slow_model: Path, tmp_path: Path) -> None:
    check(rounds(site, tmp_path, slow_model, count=3, seed=1, spool=False, **PLAN))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nor_do_they_where_workers_read_for_themselves(slow_model: Path, tmp_path: Path) -> None:
    """With the settings of the embedded server, whose word the files come and go by."""
    with open_site("no") as site:
        check(rounds(site, tmp_path, slow_model, count=3, seed=2, spool=True, **PLAN))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nor_do_they_where_only_some_workers_can(slow_model: Path, tmp_path: Path) -> None:
    with open_site("no") as site:
        site.root = tmp_path
        check(rounds(site, tmp_path, slow_model, count=3, seed=3, spool=False, **PLAN))


def check(total: "Counter[str]") -> None:
    assert total["rounds"] == 3
    assert total["faults"] >= 12
    assert total["attempts"] + total["redelivered"] + total["resent"] > total["batches"]
