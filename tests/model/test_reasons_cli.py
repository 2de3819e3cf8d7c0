"""`model explain` as a user types it, of models that it can explain exactly and of those that it can not."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from model.reasons import leaving_out
from tests.support import ROOT
from tests.support.model_room import complaint, model, succeed

SHIPPED = ROOT / "data" / "spam.pb"
MESSAGE = "WIN a FREE prize, see you at lunch"


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that nobody here made: free and prize are spam, lunch is ham, and a column `sender` may be."""
    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None], name="text")
        sender = v1.placeholder(tf.string, [None], name="sender")
        logits = tf.zeros_like(tf.strings.length(text), tf.float32) - 1
        for word, weight in (("free", 2.0), ("prize", 1.5), ("lunch", -0.75)):
            logits += weight * tf.cast(tf.strings.regex_full_match(text, f"(?i).*{word}.*"), tf.float32)
        logits += tf.cast(tf.equal(sender, "stranger"), tf.float32)
        tf.sigmoid(logits, name="score")
    path = tmp_path_factory.mktemp("foreign") / "foreign.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def explained(*words: object) -> list[dict[str, object]]:
    found = json.loads(succeed("explain", *words, "--json"))
    assert isinstance(found, list)
    return found


def test_what_is_said_sums_to_the_score(tmp_path: Path) -> None:
    """Whoever doubts it adds it up: in whole numbers, and in logits."""
    for top in (2, 100):
        [found] = explained(SHIPPED, "--text", MESSAGE, "--top", top)
        rest, pieces = found["rest"], found["pieces"]
        assert sum(piece["parts"] for piece in pieces) + rest["parts"] == found["margin"] * found["unit"]
        logit = sum(piece["share"] for piece in pieces) + rest["share"] + found["bias"]
        assert math.isclose(logit, found["logit"], abs_tol=1e-9)
        assert math.isclose(1 / (1 + math.exp(-logit)), found["score"], rel_tol=1e-3)
        assert found["exact"]
        for piece in pieces:
            assert MESSAGE[piece["begin"] : piece["end"]] == piece["text"]
    assert "".join(piece["text"] for piece in sorted(pieces, key=lambda piece: piece["begin"])) == MESSAGE


def test_people_see_the_pieces_and_what_strangers_wrote_does_nothing_to_their_terminal(tmp_path: Path) -> None:
    (tmp_path / "mail.txt").write_bytes(b"free \x1b[31mprize\xff now")
    shown = succeed("explain", SHIPPED, "--text", MESSAGE, "--file", tmp_path / "mail.txt", "--top", 1)
    first, second = shown.split("\n\n")
    assert first.startswith(f"{MESSAGE}\nscore ")
    assert "(whatever the text is)" in first
    assert "smaller pieces together" in first
    assert "\x1b" not in second
    assert "\\x1b[31mprize\\xff" in second


def test_a_tables_records_are_explained_by_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_text("id;mail\n" + "".join(f"{n};message {n}\n" for n in range(1, 60)))
    words = SHIPPED, "--csv", path, "--column", "mail"
    assert [each["text"] for each in explained(*words, "--record", 50, "--record", 3)] == ["message 50", "message 3"]
    assert [each["text"] for each in explained(*words, "--limit", 2)] == ["message 1", "message 2"]
    assert "no record 60" in complaint("explain", *words, "--record", 60)
    assert "has no column 'text'; it has id, mail" in complaint("explain", SHIPPED, "--csv", path)


def test_a_foreign_model_is_explained_by_leaving_words_out_and_that_is_said(foreign: Path) -> None:
    result = model("explain", foreign, "--text", MESSAGE, "--feed", "sender=mum")
    assert result.exit_code == 0, result.stderr
    assert "an approximation" in result.stderr
    [found] = explained(foreign, "--text", MESSAGE, "--feed", "sender=mum")
    shares = {piece["text"].strip(): round(piece["share"], 3) for piece in found["pieces"]}
    assert (shares["FREE"], shares["prize,"], shares["lunch"], shares["at"]) == (2.0, 1.5, -0.75, 0.0)
    assert [piece["text"].strip() for piece in found["pieces"]][:3] == ["FREE", "prize,", "lunch"]
    assert (found["exact"], found["margin"], found["logit"]) == (False, None, None)


def test_what_else_a_model_wants_is_fed_by_a_table_or_named(foreign: Path, tmp_path: Path) -> None:
    assert "the graph also wants 'sender': --feed sender=VALUE" in complaint("explain", foreign, "--text", "hi")
    path = tmp_path / "night.csv"
    path.write_text("sender,text\nstranger,free\nmum,free\n")
    stranger, mum = (each["score"] for each in explained(foreign, "--csv", path))
    assert stranger > mum


def test_a_long_text_is_left_out_in_a_bounded_number_of_pieces() -> None:
    """Otherwise a page of text would take thousands of runs of a model that is slow as it is."""
    seen: list[int] = []

    def score(texts: list[bytes]) -> np.ndarray:
        seen.append(len(texts))
        return np.array([len(text) / 1e5 for text in texts])

    text = b"word " * 5000
    whole, pieces = leaving_out.shares(text, score)
    assert (seen, len(pieces), whole) == ([65], 64, 0.25)
    assert b"".join(text[each.begin : each.end] for each in pieces) == text
    assert leaving_out.shares(b"", score)[1] == []


def test_rules_are_named(tmp_path: Path, foreign: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        "[[deny]]\nname = 'prizes'\nphrases = ['free prize']\n[[points]]\nname = 'urgent'\npoints = 1.5\n"
        "phrases = ['now']\n"
    )
    for model_path, feeds in ((SHIPPED, ()), (foreign, ("--feed", "sender=mum"))):
        output = tmp_path / "guarded.pb"
        succeed("rules", rules, "--on", model_path, "--output", output)
        [found] = explained(output, "--text", "free prize now", *feeds)
        assert found["rules"] == [{"name": "prizes", "did": "deny"}, {"name": "urgent", "did": 1.5}]
        shown = succeed("explain", output, "--text", "free prize now", *feeds)
        assert "rule 'prizes': deny\nrule 'urgent': +1.50 points\n" in shown


def test_what_can_not_be_explained_is_one_line(tmp_path: Path, foreign: Path) -> None:
    assert model("explain", SHIPPED).exit_code == 2
    assert model("explain", SHIPPED, "--text", "a", "--record", 1).exit_code == 2
    assert "--score says which node is" in complaint("explain", foreign, "--text", "a", "--score", "text")
    (tmp_path / "none.pb").write_bytes(b"none")
    assert "not a frozen graph" in complaint("explain", tmp_path / "none.pb", "--text", "a")
