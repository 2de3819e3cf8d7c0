"""`producer enqueue` with REDIS_URL: the right scores, in order, the same bytes whatever happens on the way."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs import keys
from tests.support import until
from tests.support.checkout import MESSAGES
from tests.support.farm import Farm
from tests.support.messages import message
from tests.support.tables import read


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """The sample input, under a name of the test's own: another job."""
    return Path(shutil.copy2(MESSAGES, tmp_path / "messages.csv"))


def test_each_record_has_the_score_that_sess_run_gives_it_in_input_order(
    farm: Farm, messages: Path, direct_scores: Callable[[list[str]], list[float]]
) -> None:
    run = farm.producer("enqueue", messages, "--wait", "--keep", "channel,text", "--json")
    assert run.code == 0, run.err
    source, scored = read(messages), read(messages.with_name("messages.scores.csv"))
    assert list(scored[0]) == ["message_id", "channel", "text", "score"]
    for name in ("message_id", "channel", "text"):
        assert [row[name] for row in scored] == [row[name] for row in source]
    expected = direct_scores([row["text"] for row in source])
    assert [float(row["score"]) for row in scored] == pytest.approx(expected, abs=1e-6)
    receipt = json.loads(run.out)
    assert receipt["state"] == "complete"
    assert receipt["agrees"]
    assert (receipt["records"], receipt["scored"], receipt["rejected"]) == (len(source), len(source), 0)
    rejects = messages.with_name("messages.scores.rejects.csv").read_text()
    assert rejects == "record,line,code,detail,raw,offset,column\n"


@pytest.fixture(scope="module")
def reference(farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The scores file of an undisturbed run."""
    output = tmp_path_factory.mktemp("reference") / "out.csv"
    assert farm.producer("enqueue", MESSAGES, "--output", output, "--keep", "text").code == 0
    return output.read_bytes()


@pytest.mark.slow
def test_the_bytes_are_the_same_with_one_worker_and_with_four_whatever_the_batch_size(
    bare_farm: Farm, reference: bytes, tmp_path: Path
) -> None:
    farm = bare_farm
    output = tmp_path / "out.csv"

    def score(batch_bytes: int) -> bytes:
        options = ("--output", output, "--keep", "text", "--batch-bytes", batch_bytes, "--again", "--json")
        run = farm.producer("enqueue", MESSAGES, *options)
        assert run.code == 0, run.err
        return output.read_bytes()

    alone = farm.start_worker("alone", concurrency=1).ready()
    assert all(score(batch_bytes) == reference for batch_bytes in (30_000, 300_000, 3_000_000))
    alone.stop()
    four = farm.start_worker("four", concurrency=4).ready()
    assert all(score(batch_bytes) == reference for batch_bytes in (30_000, 300_000, 3_000_000))
    # Lazily, and once a process.
    assert len(alone.sessions()) == 1
    assert 1 <= len(four.sessions()) == len(set(four.sessions())) <= 4


@pytest.mark.slow
def test_workers_may_come_and_go_in_the_middle(bare_farm: Farm, four_times: Path, tmp_path: Path) -> None:
    farm = bare_farm
    words = ("enqueue", four_times, "--keep", "text", "--batch-bytes", 2_000)
    first, second = farm.start_worker("first").ready(), farm.start_worker("second").ready()
    run = farm.popen(*words, "--output", tmp_path / "out.csv")
    job = only_job(farm)
    until(lambda: farm.ledger.progress(job).done > 5, 60)
    os.killpg(second.process.pid, signal.SIGSTOP)  # so that the job is not over before the third is there
    first.stop()
    assert first.process.returncode == 0
    third = farm.start_worker("third").ready()
    until(lambda: len(third.sessions()) > 0, 30)
    os.killpg(second.process.pid, signal.SIGCONT)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    assert farm.producer(*words, "--output", tmp_path / "undisturbed.csv", "--again").code == 0
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "undisturbed.csv").read_bytes()


@pytest.fixture
def four_times(tmp_path: Path) -> Path:
    """The sample input four times over, with its rows in 48 micro-batches or more."""
    header, _, body = MESSAGES.read_bytes().partition(b"\n")
    path = tmp_path / "four.csv"
    path.write_bytes(header + b"\n" + 4 * body)
    return path


def only_job(farm: Farm) -> str:
    until(lambda: bool(farm.ledger.job_ids()), 30)
    [job] = farm.ledger.job_ids()
    return job


@pytest.mark.slow
def test_messages_delivered_three_times_and_messages_lost_change_nothing(
    bare_farm: Farm, reference: bytes, tmp_path: Path
) -> None:
    farm = bare_farm
    output = tmp_path / "out.csv"
    run = farm.producer("enqueue", MESSAGES, "--keep", "text", "--batch-bytes", 30_000, "--json")
    assert run.code == 0, run.err
    job = json.loads(run.out)["job"]
    batches, life = farm.ledger.progress(job).batches, farm.ledger.job(job).life
    assert batches > 8
    queue = keys.SECOND.queue.encode()
    assert farm.server.redis.llen(queue) == batches
    farm.server.redis.ltrim(queue, 0, batches // 2)  # half of the messages are lost
    for _ in range(2):
        for batch in range(0, batches, 3):
            farm.server.redis.lpush(queue, message(life, batch))
    farm.start_worker("worker", concurrency=2)
    collected = farm.producer("collect", job, "--output", output, "--json")
    assert collected.code == 0, collected.err
    receipt = json.loads(collected.out)
    assert output.read_bytes() == reference
    assert receipt["agrees"]
    assert receipt["redelivered"] > 0
    assert receipt["batches"] == batches


def test_enqueuing_the_same_file_again_attaches_to_its_job(farm: Farm, messages: Path) -> None:
    first = json.loads(farm.producer("enqueue", messages, "--wait", "--json").out)
    again = json.loads(farm.producer("enqueue", messages, "--wait", "--json").out)
    assert again == first
    assert json.loads(farm.producer("enqueue", messages, "--again", "--wait", "--json").out)["job"] != first["job"]
    os.utime(messages)
    assert json.loads(farm.producer("enqueue", messages, "--wait", "--json").out)["job"] != first["job"]


@pytest.mark.slow
def test_a_producer_killed_in_the_middle_is_continued_by_the_next(
    bare_farm: Farm, four_times: Path, tmp_path: Path
) -> None:
    farm = bare_farm
    output = tmp_path / "out.csv"
    words = ("enqueue", four_times, "--output", output, "--batch-bytes", 2_000)
    process = farm.popen(*words)
    job = only_job(farm)
    until(lambda: farm.ledger.progress(job).batches > 10, 30)  # there are no workers, so it waits for room at 16
    process.kill()
    process.communicate()
    assert not farm.ledger.progress(job).sealed
    farm.start_worker("worker", concurrency=2)
    run = farm.producer(*words, "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out)["job"] == job
    killed = output.read_bytes()
    assert farm.producer(*words, "--again").code == 0
    assert killed == output.read_bytes()
    assert killed.count(b"\n") == 48_001
    assert [file.name for file in tmp_path.iterdir() if "partial" in file.name] == []


def test_collecting_frees_the_server_and_a_second_file_is_a_copy(farm: Farm, messages: Path, tmp_path: Path) -> None:
    run = farm.producer("enqueue", messages)
    assert run.code == 0
    job = run.out.strip()
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    assert farm.producer("collect", job, "--output", one).code == 0
    assert farm.server.redis.keys(f"nightshift:job:{job}:*:[0-9]*") == []
    assert farm.producer("collect", job, "--output", two).code == 0
    assert one.read_bytes() == two.read_bytes()
    scored = one.read_bytes()
    one.unlink()
    two.unlink()
    again = farm.producer("collect", job, "--output", one)
    assert again.code == 0, again.err
    assert "is not there as it was written: messages.csv is scored again" in again.err
    assert one.read_bytes() == scored
    one.write_bytes(scored[:-1])
    messages.unlink()
    gone = farm.producer("collect", job, "--output", one)
    assert gone.code == 1
    assert "is gone or has changed, so it can't be scored again" in gone.err
    assert one.read_bytes() == scored[:-1], "left alone"


def test_status_lists_jobs_and_shows_one_by_the_beginning_of_its_id(farm: Farm, messages: Path) -> None:
    job = json.loads(farm.producer("enqueue", messages, "--wait", "--json").out)["job"]
    listed = [json.loads(line) for line in farm.producer("status", "--json").out.splitlines()]
    assert job in {receipt["job"] for receipt in listed}
    shown = farm.producer("status", job[:-3])
    assert shown.code == 0
    assert "counts agree" in shown.out
    assert farm.producer("status", "nonsense").code == 1
