"""A server and a worker for simulated nights, and a directory with a scheduler."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.producer.nightly.place import Place, SimulatedClock, moment
from tests.support.farm import Farm, end_farm, make_farm


@pytest.fixture(scope="session")
def night_farm() -> Iterator[Farm]:
    """A server and one worker process, for all nights of this folder."""
    farm = make_farm()
    worker = farm.start_worker("nightly").ready()
    yield farm
    os.killpg(worker.process.pid, signal.SIGKILL)  # it has nothing left to lose, and its good-byes take seconds
    worker.process.wait()
    end_farm(farm)


@pytest.fixture
def place(night_farm: Farm, tmp_path: Path) -> Iterator[Place]:
    """Half past one, on the 5th of May of next year."""
    yield Place(tmp_path, night_farm, SimulatedClock(moment(5, 5, 1, 30)))
    shutil.rmtree(tmp_path)
