"""Jobs are stopped and forgotten by command, and leave nothing behind."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support import until
from tests.support.checkout import MESSAGES
from tests.support.farm import Farm


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


def test_retrying_puts_mended_records_in_their_places(farm: Farm, xy_model: Path, tmp_path: Path) -> None:
    rows = [f"{n},{n},{n},note" for n in range(1, 3001)]
    rows[9] = "10,10,10," + "x" * 5000
    rows[19] = "20"
    rows[29] = "30,abc,30,"
    rows[1999] = "2000,2000,2000," + "y" * 9000
    path, output = tmp_path / "input.csv", tmp_path / "out.csv"
    path.write_text("id,x,y,note\n" + "\n".join(rows) + "\n")

    def producer(*words: object, limit: int) -> dict[str, object]:
        run = farm.producer(*words, "--json", NIGHTSHIFT_MAX_RECORD_BYTES=str(limit))
        assert run.code == 0, run.err
        receipt: dict[str, object] = json.loads(run.out)
        return receipt

    first = producer("enqueue", path, "--model", xy_model, "--output", output, limit=4000)
    assert first["codes"] == {"bad_value": 1, "record_too_large": 2, "too_few_fields": 1}
    second = producer("retry", first["job"], limit=8000)
    assert second["codes"] == {"bad_value": 1, "record_too_large": 1, "too_few_fields": 1}
    assert (second["scored"], second["rejected"], second["agrees"]) == (2997, 3, True)
    third = producer("retry", first["job"], "--model", xy_model, limit=1 << 20)
    assert third["codes"] == {"bad_value": 1, "too_few_fields": 1}
    # Stopped between its two renames, a retry is finished by whoever wants its files next.
    whole = output.read_bytes()
    output.rename(output.with_name(f"out.csv.{third['incarnation']}.partial"))
    output.write_bytes(b"old")
    assert farm.producer("collect", first["job"], "--output", output, "--quiet").code == 0
    assert output.read_bytes() == whole
    # The same files as if the limit had been right from the start.
    expected = tmp_path / "expected.csv"
    producer("enqueue", path, "--model", xy_model, "--output", expected, limit=1 << 20)
    assert output.read_bytes() == expected.read_bytes()
    rejects = [file.with_name(f"{file.stem}.rejects.csv").read_bytes() for file in (output, expected)]
    assert rejects[0] == rejects[1]
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "expected.csv", "expected.receipt.json", "expected.rejects.csv", "input.csv",
        "out.csv", "out.receipt.json", "out.rejects.csv",
    ]  # fmt: skip
    nothing = farm.producer(
        "retry",
        json.loads(
            farm.producer("enqueue", MESSAGES, "--wait", "--again", "--output", tmp_path / "m.csv", "--json").out
        )["job"],
    )
    assert nothing.code == 1
    assert "no rejects that scoring again could mend" in nothing.err
