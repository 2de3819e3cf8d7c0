"""A farm whose workers meet what strangers put on their server."""

from collections.abc import Iterator

import pytest

from tests.support.farm import Farm, end_farm, make_farm


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    farm = make_farm()
    farm.start_worker("worker", concurrency=1).ready()
    yield farm
    end_farm(farm)
