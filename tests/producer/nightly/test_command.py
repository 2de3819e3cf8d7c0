"""`producer nightly` as cron, Compose or a person calls it: real time, real processes, real signals."""

import json
import os
import signal
import time
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.errors import SettingsError
from producer.cli.nightly import nightly
from tests.support import until
from tests.support.farm import Farm
from tests.support.tables import read

OLD = (time.time() - 3600,) * 2


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Three nights' files of some batches each, written an hour ago."""
    for ago in range(3):
        path = tmp_path / f"m-{date.today() - timedelta(days=ago)}.csv"
        path.write_text("id,text\n" + "".join(f"{number},hello {ago}\n" for number in range(5_000)))
        os.utime(path, OLD)
    return tmp_path


def receipts(folder: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.receipt.json"))]


def test_one_line_for_cron_scores_what_is_undone(night_farm: Farm, inputs: Path) -> None:
    run = night_farm.producer(
        "nightly", f"{inputs}/m-{{date}}.csv", "--once", "--json", "--keep", "text", "--settle", "0.2"
    )
    assert run.code == 0, run.err
    lines = [json.loads(line) for line in run.out.splitlines()]
    complete = {Path(line["file"]).name: line["receipt"] for line in lines if line["state"] == "complete"}
    assert complete.keys() == {path.name for path in inputs.glob("m-??????????.csv")}
    assert all(receipt["scored"] == 5_000 and receipt["agrees"] for receipt in complete.values())
    assert "3 scored" in run.err.splitlines()[-1]
    assert list(read(next(inputs.glob("*.scores.csv")))[0]) == ["id", "text", "score"]

    again = night_farm.producer("nightly", f"{inputs}/m-{{date}}.csv", "--once", "--keep", "text", "--settle", "0.2")
    assert (again.code, again.out) == (0, "")
    assert again.err.endswith("3 done before\n")


def test_exit_codes_tell_what_is_left(night_farm: Farm, inputs: Path) -> None:
    settings = {
        "NIGHTSHIFT_NIGHTLY_INPUT": f"{inputs}/m-{{date}}.csv",
        "NIGHTSHIFT_NIGHTLY_OUTPUT": f"{inputs}/scores/{{date}}.csv",
        "NIGHTSHIFT_NIGHTLY_MAX_REJECTS": "1%",
        "NIGHTSHIFT_NIGHTLY_SETTLE": "0.2",
        "NIGHTSHIFT_NIGHTLY_TRIES": "1",
        "NIGHTSHIFT_NIGHTLY_DAYS": "1",
        "NIGHTSHIFT_SPOOL": str(night_farm.spool),  # a worker finds the reject, with all the rest: nothing is stopped
    }
    today = inputs / f"m-{date.today()}.csv"
    today.write_text("id,text\n1,hello\n2,too,many\n")
    os.utime(today, OLD)
    run = night_farm.producer("nightly", "--once", **settings)
    assert run.code == 3, run.err
    assert "1 rejected, more than allowed" in run.err
    assert (inputs / "scores" / f"{date.today()}.csv").exists()
    assert len(receipts(inputs / "scores")) == 2, "--days 1: today and yesterday"

    today.write_text("id,message\n1,hello\n")
    run = night_farm.producer("nightly", "--once", **settings)
    assert run.code == 1
    assert run.err.splitlines()[-1] == f"producer: without scores: {today} (given up)"

    run = night_farm.producer("nightly", f"{inputs}/typo-{{date}}.csv", "--once")
    assert run.code == 1
    assert run.err.endswith(f"no file of the last 7 days matches {inputs}/typo-{{date}}.csv\n")


def test_what_is_mistyped_is_said_before_the_night() -> None:
    for words in (["--deadline", "6 o'clock"], ["--max-rejects", "few"], ["--tries", "0"]):
        assert CliRunner().invoke(nightly, ["*.csv", *words]).exit_code == 2
    for words in (["--at", "1 * *"], ["--timezone", "Berlin"], ["--output", "scores.csv"]):
        assert isinstance(CliRunner().invoke(nightly, ["*.csv", *words]).exception, SettingsError)


def test_two_at_the_same_time_share_the_work(night_farm: Farm, inputs: Path) -> None:
    """And both end well: what one is at, the other waits for."""
    line = ["nightly", f"{inputs}/m-{{date}}.csv", "--once", "--settle", "0.2"]
    both = [night_farm.popen(*line) for _ in range(2)]
    ends = [process.communicate(timeout=100)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    jobs = [night_farm.ledger.job(job_id) for job_id in night_farm.ledger.job_ids()]
    mine = [job.id for job in jobs if Path(job.input).parent == inputs]
    assert len(mine) == 3
    assert all(night_farm.ledger.progress(job_id).attempts == 1 for job_id in mine)
    assert sum(end.count(": complete, ") for end in ends) == 3, "each by one of them"


@pytest.mark.slow
def test_the_service_is_killed_stopped_and_started_again(night_farm: Farm, inputs: Path) -> None:
    line = ["nightly", f"{inputs}/m-{{date}}.csv", "--settle", "0.2", "--at", "0 0 1 1 *"]
    killed = night_farm.popen(*line)
    until(lambda: any(inputs.glob("*.receipt.json")), 60)
    killed.kill()
    killed.communicate()
    service = night_farm.popen(*line)
    until(lambda: [note["state"] for note in receipts(inputs)] == ["complete"] * 3, 90)
    until(lambda: len(list(inputs.glob("*.scores.csv"))) == 3, 20)  # a scores file appears after its receipt
    service.send_signal(signal.SIGTERM)
    _, err = service.communicate(timeout=10)
    assert service.returncode == 4
    assert err.splitlines()[-1].startswith("producer: interrupted; this goes on where it was: producer nightly ")
    for note in receipts(inputs):
        receipt = note["receipt"]
        assert isinstance(receipt, dict)
        assert receipt["attempts"] == receipt["batches"] == 1
    assert not list(inputs.glob("*.scores*.partial"))
