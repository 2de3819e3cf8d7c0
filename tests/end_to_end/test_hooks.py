"""The outside is told of a job that somebody follows to its end, by the command as a user types it."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.support import until
from tests.support.checkout import MESSAGES
from tests.support.farm import Farm
from tests.support.receiver import receiving

SECRET = "whsec"  # noqa: S105 -- for the test alone


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    """The sample input, under a name of the test's own: another job."""
    return Path(shutil.copy2(MESSAGES, tmp_path / "messages.csv"))


def test_late_and_complete_are_told_once_each_with_the_receipt(farm: Farm, messages: Path, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    code = "import os, sys; open(sys.argv[1], 'a').write(os.environ['NIGHTSHIFT_EVENT'] + '\\n')"
    command = f"'{sys.executable}' -c \"{code}\" '{heard}'"
    words = ("enqueue", messages, "--wait", "--deadline", "2026-01-02T06:00+00:00", "--json")
    with receiving(500) as receiver:
        hooks = {"NIGHTSHIFT_HOOK_URL": receiver.url, "NIGHTSHIFT_HOOK_SECRET": SECRET}
        hooks["NIGHTSHIFT_HOOK_COMMAND"] = command
        run = farm.producer(*words, **hooks)
        assert run.code == 0, run.err
        again = farm.producer(*words, **hooks)
        assert json.loads(again.out) == json.loads(run.out)
    receipt = json.loads(run.out)
    assert receipt["late"] is True
    assert f"{receipt['job']} " in run.err
    assert ", wanted 2026-01-02 " in run.err
    assert heard.read_text() == "late\ncomplete\n"
    assert receiver.events == ["late", "late", "complete"]
    assert all(request.genuine(SECRET) for request in receiver.requests)
    late, complete = (request.json() for request in receiver.requests[1:])
    assert ", wanted 2026-01-02 " in late["text"]
    assert complete["receipt"] == receipt
    assert complete["text"].startswith(f"{receipt['job']} is complete: 12,000 of 12,000 records scored, in ")
    assert SECRET not in run.out + run.err


def test_failed_is_told_once_and_cancelled_is_not(bare_farm: Farm, messages: Path) -> None:
    farm = bare_farm
    with receiving() as receiver:

        def producer(*words: object, code: int = 0) -> str:
            run = farm.producer(*words, NIGHTSHIFT_HOOK_URL=receiver.url)
            assert run.code == code, run.err
            return run.out.strip() or run.err.strip()

        job = producer("enqueue", messages)
        farm.ledger.fail(farm.ledger.job(job).life, "the model can't do it")
        collect = ("collect", job, "--output", messages.with_name("out.csv"), "--quiet")
        assert producer(*collect, code=1) == f"producer: {job} failed: the model can't do it"
        producer(*collect, code=1)
        assert receiver.events == ["failed"]
        document = receiver.requests[0].json()
        assert document["text"] == f"{job} failed: the model can't do it"
        assert document["receipt"]["state"] == "failed"
        producer("enqueue", messages)  # anew
        farm.ledger.cancel(farm.ledger.job(job).life, "by the test")
        producer(*collect, code=1)
        assert receiver.events == ["failed"]


def test_a_receiver_that_hangs_holds_up_neither_scores_nor_receipt(farm: Farm, messages: Path) -> None:
    with receiving() as receiver:
        receiver.open.clear()
        process = farm.popen("enqueue", messages, "--output", messages.with_name("out.csv"), "--max-rejects", "0",
                             NIGHTSHIFT_HOOK_URL=receiver.url)  # fmt: skip
        assert process.stdout
        line = process.stdout.readline()  # the receipt's
        assert ": complete" in line
        assert len(messages.with_name("out.csv").read_text().splitlines()) == 12_001
        assert process.poll() is None
        until(lambda: bool(receiver.requests), 5)
        receiver.open.set()
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "hook" not in err


@pytest.mark.slow
def test_of_two_who_collect_one_tells_and_one_who_only_enqueues_tells_nothing(
    farm: Farm, tmp_path: Path, xy_model: Path
) -> None:
    points = tmp_path / "points.csv"
    points.write_text("x,y\n1,2\nno,2\n")
    with receiving() as receiver:
        enqueued = farm.producer("enqueue", points, "--model", xy_model, NIGHTSHIFT_HOOK_URL=receiver.url)
        job = enqueued.out.strip()
        assert receiver.events == []
        words = ("collect", job, "--output", tmp_path / "out.csv", "--quiet")
        both = [farm.popen(*words, NIGHTSHIFT_HOOK_URL=receiver.url) for _ in range(2)]
        for process in both:
            _, err = process.communicate(timeout=60)
            assert process.returncode == 0, err
        assert receiver.events == ["complete"]
    assert "1 of 2 records scored, 1 rejected (1 bad_value)" in receiver.requests[0].json()["text"]


def test_a_wrong_url_is_one_line_before_anything_is_enqueued(farm: Farm, messages: Path) -> None:
    run = farm.producer("enqueue", messages, NIGHTSHIFT_HOOK_URL="mailto:s3cr3t@example.invalid")
    assert run.code == 1
    assert run.err == "producer: NIGHTSHIFT_HOOK_URL must be an http:// or https:// URL\n"
