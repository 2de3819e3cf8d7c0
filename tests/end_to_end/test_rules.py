"""Rules in a model's graph, from a file of rules to the scores that real workers write."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support import ROOT
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
