"""Jobs are stopped and forgotten by command, and leave nothing behind."""

import json
import shutil
from pathlib import Path

import pytest

from tests.end_to_end.conftest import MESSAGES, Farm
from tests.support import until


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """The sample input, under a name of the test's own: another job."""
    return Path(shutil.copy2(MESSAGES, tmp_path / "messages.csv"))


def test_a_cancelled_job_stops_and_its_file_can_be_scored_anew(bare_farm: Farm, messages: Path) -> None:
    farm = bare_farm
    follower = farm.popen("enqueue", messages, "--wait", "--batch-bytes", 2_000)
    until(lambda: bool(farm.ledger.job_ids()), 30)
    [job] = farm.ledger.job_ids()
    until(lambda: farm.ledger.progress(job).batches > 3, 30)
    cancelled = farm.producer("cancel", job, "--json")
    assert cancelled.code == 0, cancelled.err
    assert json.loads(cancelled.out)["state"] == "cancelled"
    _, err = follower.communicate(timeout=30)
    assert follower.returncode == 1
    assert "cancelled: by" in err
    assert not list(messages.parent.glob("*partial"))
    assert farm.server.redis.keys("nightshift:job:*:payload:*") == []
    assert farm.producer("cancel", job).code == 1
    farm.start_worker("worker")
    again = farm.producer("enqueue", messages, "--wait", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["job"] == job
    assert json.loads(again.out)["scored"] == 12_000


def test_forgetting_frees_every_key_and_a_running_job_is_not_forgotten(bare_farm: Farm, messages: Path) -> None:
    farm = bare_farm
    job = farm.producer("enqueue", messages).out.strip()
    refused = farm.producer("forget", job)
    assert refused.code == 1
    assert "is running: cancel it first" in refused.err
    assert farm.producer("cancel", job).code == 0
    assert farm.producer("forget", job).code == 0
    assert [key for key in farm.server.redis.keys("nightshift:*") if b"job" in key or b"model" in key] == []
    assert farm.producer("forget", job).code == 1
