"""Rules in a model's graph, from a file of rules to the scores that real workers write."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.support import ROOT, until
from tests.support.farm import Farm
from tests.support.model_room import model
from tests.support.tables import read

RULES = """
[thresholds]
review = 0.5
spam = 0.9
[[allow]]
name = "friends"
senders = ["mum@example.org"]
[[deny]]
name = "prizes"
phrases = ["free prize"]
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "rules.toml").write_text(RULES)
    result = model("rules", folder / "rules.toml", "--on", ROOT / "data" / "spam.pb", "--output", folder / "guarded.pb")
    assert result.exit_code == 0, result.output
    return folder / "guarded.pb"


def test_workers_write_verdicts_beside_the_models_own_scores(farm: Farm, guarded: Path, tmp_path: Path) -> None:
    messages = [
        ("1", "x@example.net", b"home by six"),
        ("2", "Mum <mum@example.org>", b"you won a free prize"),
        ("3", "x@example.net", b"you won a FREE\xffPRIZE"),
        ("4", "x@example.net", b"\xffyou won a FREE  PRIZE\xff"),
        ("5", "", b"WIN cash now! Claim your FREE bonus, call 09061701461 or text CLAIM to 87121"),
    ]
    rows = b"".join(
        b"%s,%s,%s\n" % (id.encode(), sender.encode(), text.replace(b",", b";")) for id, sender, text in messages
    )
    night = tmp_path / "night.csv"
    night.write_bytes(b"id,sender,text\n" + rows)
    shutil.copy(night, tmp_path / "bare.csv")
    words = ("--encoding", "utf-8")
    for file, graph in ((night, guarded), (tmp_path / "bare.csv", ROOT / "data" / "spam.pb")):
        run = farm.producer("enqueue", file, "--model", graph, "--wait", *words)
        assert run.code == 0, run.err
    found, bare = read(tmp_path / "night.scores.csv"), read(tmp_path / "bare.scores.csv")
    assert [row["score"] for row in found] == [row["score"] for row in bare]
    assert [(row["verdict"], row["rule"]) for row in found] == [
        ("ham", ""), ("ham", "friends"), (found[2]["verdict"], ""), ("spam", "prizes"), ("spam", "")
    ]  # fmt: skip
    receipts = [json.loads((tmp_path / f"{name}.scores.receipt.json").read_text()) for name in ("night", "bare")]
    assert [each["receipt"]["rows"] for each in receipts] == ["exact", "exact"]


def messages(count: int) -> bytes:
    """A night in which each rule decides now and then, and bytes that are not UTF-8 stand in texts."""
    texts = [
        b"home by six", b"you won a free prize", b"\xffa FREE  PRIZE\xff", b"see you at %d", b"free\xc3prize",
        b"WIN cash now! Claim your bonus or text CLAIM to 87121",
    ]  # fmt: skip
    senders = [b"x@example.net", b"Mum <mum@example.org>", b"", b"MUM@EXAMPLE.ORG"]
    rows = [
        b"%d,%s,%s %d\n" % (row, senders[row % 4], texts[row % 6].replace(b"%d", b"five"), row) for row in range(count)
    ]
    return b"id,sender,text\n" + b"".join(rows)


@pytest.mark.slow
def test_verdicts_of_a_job_whose_worker_and_command_were_killed_are_those_of_an_undisturbed_one(
    farm: Farm, guarded: Path, tmp_path: Path
) -> None:
    """They are of other workers, other batches and two commands."""
    night = tmp_path / "night.csv"
    night.write_bytes(messages(30_000))
    words = ("enqueue", night, "--model", guarded, "--encoding", "utf-8", "--json", "--wait")
    small = ("--output", tmp_path / "killed.csv", "--batch-bytes", 2_000)
    before = set(farm.ledger.job_ids())

    victim = farm.start_worker("victim").ready()
    for worker in farm.workers[:-1]:
        os.killpg(worker.process.pid, signal.SIGSTOP)
    try:
        killed = farm.popen(*words, *small)
        until(lambda: bool({*farm.ledger.job_ids()} - before), 60)
        [job] = {*farm.ledger.job_ids()} - before
        until(lambda: farm.ledger.progress(job).done > 5, 60, pause=0.002)
        os.killpg(victim.process.pid, signal.SIGKILL)
        killed.kill()
        killed.communicate()
        victim.process.wait()
    finally:
        farm.workers.remove(victim)
        for worker in farm.workers:
            os.killpg(worker.process.pid, signal.SIGCONT)
    left = farm.ledger.progress(job)
    assert 5 < left.done < 500, "killed in the middle"
    assert left.state == "running"

    resumed = farm.producer(*words, *small)
    assert resumed.code == 0, resumed.err
    receipt = json.loads(resumed.out)
    assert (receipt["job"], receipt["scored"], receipt["agrees"]) == (job, 30_000, True)
    undisturbed = farm.producer(*words, "--output", tmp_path / "undisturbed.csv", "--again")
    assert undisturbed.code == 0, undisturbed.err
    assert json.loads(undisturbed.out)["job"] != job
    assert (tmp_path / "killed.csv").read_bytes() == (tmp_path / "undisturbed.csv").read_bytes()
    assert {row["rule"] for row in read(tmp_path / "killed.csv")} == {"", "friends", "prizes"}
