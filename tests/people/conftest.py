"""A town for the whole test run."""

import sys
from collections.abc import Iterator

import pytest

from tests.people.__main__ import Runner
from tests.people.town import open_town

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # which process to kill is read from /proc


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    with open_town() as town:
        yield Runner(town)
