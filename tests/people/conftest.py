"""A town for the whole test run."""

from collections.abc import Iterator

import pytest

from tests.people.__main__ import Runner
from tests.people.town import open_town


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    with open_town() as town:
        yield Runner(town)
