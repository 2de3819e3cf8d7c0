"""A job with too many rejects is stopped while it runs: that takes seconds, not a night, and nothing is published."""

import json
import shutil
import signal
from pathlib import Path

import pytest

import producer
from formats.rejects import Reject
from jobs.errors import StoppedError
from tests.support import until
from tests.support.checkout import MESSAGES
from tests.support.farm import Farm
from tests.support.receiver import receiving
from tests.support.tables import read

ROWS = 200_000
SMALL = 20_000  # bytes a batch: two hundred of them
BROKEN = {"too_few_fields": "{}", "bad_quoting": '{},"a" b'}  # what a worker finds, and what the splitter does


def write(path: Path, broken: str, bad: range) -> Path:
    """A file of ROWS records, of which those are broken."""
    rows = (broken.format(n) if n in bad else f"{n},text number {n}" for n in range(1, ROWS + 1))
    path.write_text("id,text\n" + "\n".join(rows) + "\n")
    return path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ways(farm: Farm) -> dict[str, dict[str, str]]:
    return {"server": {}, "reference": {"NIGHTSHIFT_SPOOL": str(farm.spool)}}


@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("server", "too_few_fields"),
        pytest.param("reference", "bad_quoting", marks=pytest.mark.slow),
        pytest.param("server", "bad_quoting", marks=pytest.mark.slow),
        pytest.param("reference", "too_few_fields", marks=pytest.mark.slow),
    ],
)
def test_a_hopeless_job_is_stopped_and_may_begin_again(farm: Farm, tmp_path: Path, way: str, code: str) -> None:
    bad = range(20_001, ROWS, 2)
    path = write(tmp_path / f"{way}.csv", BROKEN[code], bad)
    words = "enqueue", path, "--wait", "--json", "--quiet", "--batch-bytes", SMALL
    run = farm.producer(*words, "--max-rejects", 100, **ways(farm)[way], NIGHTSHIFT_WINDOW="4")
    assert run.code == 3, run.err
    assert left(tmp_path) == [path.name], "nothing is published, and nothing is on its way"
    receipt = json.loads(run.out)
    job = receipt["job"]
    assert (receipt["state"], receipt["output"], receipt["rejects"]) == ("stopped", None, None)
    assert receipt["rejected"] > 100
    assert receipt["batches"] < path.stat().st_size / SMALL / 2, "it was stopped before its end"
    why, *shown = run.err.splitlines()[-11:]
    assert why.startswith(f"producer: {job} stopped: {receipt['rejected']:,} rejects so far among ")
    assert f"({receipt['rejected']:,} {code}), more than the 100 allowed; nothing is published" in why
    assert len(shown) == 10
    records = [int(line.split()[2].strip(",").replace(",", "")) for line in shown]
    assert records == sorted(records)
    assert set(records) <= set(bad)
    for record, line in zip(records, shown, strict=True):
        assert line.startswith(f"producer: record {record:,}, line {record + 1:,}, {code}: ")
    assert farm.server.redis.keys(f"nightshift:job:{job}:*:payload:*") == []
    assert farm.server.redis.exists(f"nightshift:job:{job}:leased", f"nightshift:job:{job}:queued") == 0
    assert json.loads(farm.producer("status", job, "--json").out)["state"] == "stopped"
    assert [row.split(",")[0] for row in farm.producer("rejects", job).out.splitlines()[1:]] == list(map(str, records))
    assert f"{job} is stopped: " in farm.producer("report", job).err
    # With what it has, or without a limit, it may end well.
    again = farm.producer(*words, "--max-rejects", len(bad), **ways(farm)[way])
    assert again.code == 0, again.err
    receipt = json.loads(again.out)
    assert (receipt["job"], receipt["state"], receipt["rejected"]) == (job, "complete", len(bad))
    assert len(read(path.with_name(f"{way}.scores.rejects.csv"))) == len(bad)
    assert farm.producer("verify", path.with_name(f"{way}.scores.csv")).code == 0


@pytest.mark.parametrize("code", BROKEN)
def test_a_percentage_is_one_of_all_records(farm: Farm, tmp_path: Path, code: str) -> None:
    """A file whose broken records come first is not given up for them."""
    bad = range(1, 10_001)  # 5%
    path = write(tmp_path / "night.csv", BROKEN[code], bad)
    words = "enqueue", path, "--wait", "--json", "--quiet", "--batch-bytes", SMALL
    run = farm.producer(*words, "--max-rejects", "5%")
    assert run.code == 0, run.err
    assert json.loads(run.out)["rejected"] == 10_000
    over = farm.producer(*words, "--max-rejects", "0.5%", "--again")
    assert over.code == 3
    assert json.loads(over.out)["state"] == "stopped"
    assert ", more than the 0.5% allowed; " in over.err


def test_whoever_follows_the_job_says_the_same(bare_farm: Farm, tmp_path: Path) -> None:
    """One has a limit, the others have none; a hook is told once."""
    path = write(tmp_path / "night.csv", "{}", range(1, ROWS, 2))
    words = "enqueue", path, "--batch-bytes", SMALL, "--quiet"
    with receiving() as receiver:
        hook = {"NIGHTSHIFT_HOOK_URL": receiver.url}
        followers = [
            bare_farm.popen(*words, "--output", tmp_path / "one.csv", "--max-rejects", 7, **hook),
            bare_farm.popen(*words, "--output", tmp_path / "two.csv", **hook),
        ]
        until(lambda: bool(bare_farm.ledger.job_ids()), 30)
        [job] = bare_farm.ledger.job_ids()
        followers.append(bare_farm.popen("collect", job, "--output", tmp_path / "three.csv", "--quiet", **hook))
        until(lambda: bare_farm.ledger.progress(job).sealed or bare_farm.ledger.progress(job).batches > 2, 30)
        bare_farm.start_worker("worker")
        said = []
        for process in followers:
            _, err = process.communicate(timeout=60)
            assert process.returncode == 3, err
            said.append([line for line in err.splitlines() if "no worker is there" not in line])
        assert said[0] == said[1] == said[2]
        assert f"producer: {job} stopped: " in said[0][0]
        assert len(said[0]) == 11
        assert receiver.events == ["stopped"]
        document = receiver.requests[0].json()
        assert (document["text"], document["receipt"]["state"]) == (said[0][0].removeprefix("producer: "), "stopped")
    assert left(tmp_path) == [path.name]


def test_what_a_killed_command_left_goes_as_well(bare_farm: Farm, tmp_path: Path) -> None:
    path = write(tmp_path / "night.csv", BROKEN["bad_quoting"], range(1, ROWS, 20))
    words = "enqueue", path, "--wait", "--quiet", "--batch-bytes", SMALL
    killed = bare_farm.popen(*words)
    until(lambda: len(left(tmp_path)) == 3 and bool(bare_farm.ledger.job_ids()), 30)
    [job] = bare_farm.ledger.job_ids()
    until(lambda: bare_farm.ledger.progress(job).rejected > 0, 30)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert [name for name in left(tmp_path) if name.endswith(".partial")]
    (tmp_path / "night.scores.csv.00112233aabbccdd.partial").write_text("of a job that nobody knows any more\n")
    run = bare_farm.producer(*words, "--max-rejects", 0)
    assert run.code == 3, run.err
    assert f"{job} stopped: " in run.err
    assert left(tmp_path) == [path.name]


def test_a_detail_is_shown_on_one_line_and_moves_no_cursor(bare_farm: Farm, tmp_path: Path) -> None:
    path = Path(shutil.copy2(MESSAGES, tmp_path / "messages.csv"))
    job = bare_farm.producer("enqueue", path).out.strip()
    detail = "\x1b[2J\x9b1m\nwhat \u202e a model \udcff says " + "é" * 400
    bare_farm.ledger.stop(bare_farm.ledger.job(job).life, "too many", [Reject(1234, 0, "model_error", detail, b"\x1b")])
    run = bare_farm.producer("collect", job, "--output", tmp_path / "out.csv", "--quiet")
    assert run.code == 3
    shown = r"\x1b[2J\x9b1m\nwhat \u202e a model \udcff says " + "é" * (
        200 - len("\x1b[2J\x9b1m\nwhat \u202e a model . says ")
    )
    assert run.err == f"producer: {job} stopped: too many\nproducer: record 1,234, model_error: {shown}...\n"


def test_in_python_it_is_an_error_of_its_own(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    path = write(tmp_path / "night.csv", "{}", range(1, ROWS, 2))
    monkeypatch.setenv("NIGHTSHIFT_WINDOW", "1000")  # batches; or the job were at its end when it is followed
    with farm.workers[0].paused(), producer.enqueue(path, batch_bytes=SMALL) as job:
        with pytest.raises(StoppedError, match="more than the 12 allowed") as caught:
            job.wait(path.with_name("out.csv"), max_rejects=(12, False))
        assert len(caught.value.rejects) == 10
        assert list(job.rejects()) == list(caught.value.rejects)
        assert job.receipt.state == "stopped"
    with producer.attach(job.id) as again, pytest.raises(StoppedError) as seen:
        again.wait()
    assert str(seen.value) == str(caught.value)
    assert left(tmp_path) == [path.name]
