"""`model evaluate` for somebody who has to defend a threshold: costs, intervals, another model, groups, reviews."""

import json
import math
from pathlib import Path

import pytest
import tensorflow as tf
from click.testing import CliRunner
from tensorflow.compat import v1

from model.cli import main
from tests.support.model_room import complaint, succeed

WIDTH = 80  # a terminal's

# Text, label, channel; the score is the number in the text.
ROWS = [
    *[(f"0.{number:02}", "ham", "sms") for number in range(1, 41)],
    *[(f"0.{number}", "spam", "sms") for number in range(60, 100)],
    ("0.45", "spam", "chat"), ("0.6", "ham", "chat"), ("0.93", "ham", "chat"), ("0.7", "spam", "chat"),
    ("0.05", "ham", ""), ("0.15", "ham", ""),
]  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose score is the number in the text, `this.pb`, and one that blocks nothing, `other.pb`."""
    folder = tmp_path_factory.mktemp("models")
    for name, factor in (("this", 1.0), ("other", 0.5)):
        with v1.Graph().as_default() as graph:
            text = v1.placeholder(tf.string, [None], name="text")
            tf.multiply(tf.strings.to_number(text), factor, name="score")
        (folder / f"{name}.pb").write_bytes(graph.as_graph_def().SerializeToString())
    return folder


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labelled") / "labelled.csv"
    path.write_text("channel,label,text\n" + "".join(f"{channel},{label},{text}\n" for text, label, channel in ROWS))
    return path


def test_json_has_all_of_it(models: Path, labelled: Path) -> None:
    words = "--cost", "ham=9", "--review", 0.5, "--spam", 0.9, "--against", models / "other.pb", "--by", "channel"
    found = json.loads(succeed("evaluate", models / "this.pb", labelled, *words, "--json"))
    assert set(found["intervals"]) == {
        "accuracy", "precision", "recall", "false_positive_rate", "f1", "roc_auc", "calibration_error",
    }  # fmt: skip
    for name, (low, high) in found["intervals"].items():
        assert 0 <= low <= found[name] <= high <= 1
        assert low < high
    assert found["bootstrap"] == {"samples": 1000, "seed": 0}
    costs = {why: each for each in found["cost"]["thresholds"] for why in each["why"]}
    assert found["cost"]["ham"] == 9
    assert (costs["calibrated"]["threshold"], costs["calibrated"]["cost"]) == (0.9, 9 + 32)
    assert costs["calibrated"]["false_positives"] == 1
    assert (costs["best"]["threshold"], costs["best"]["cost"]) == (0.61, 9 + 2)  # lower, a second ham
    assert costs["nothing blocked"]["threshold"] is None
    assert [(each["verdict"], each["messages"], each["spam"], each["ham"]) for each in found["verdicts"]] == [
        ("ham", 43, 1, 42), ("review", 32, 31, 1), ("spam", 11, 10, 1),
    ]  # fmt: skip
    other = found["against"]
    assert (other["model"], other["true_positives"]) == (str(models / "other.pb"), 0)
    assert other["differences"]["all"]["only_this"] == 41
    assert other["differences"]["ham"]["only_other"] == 2
    assert other["differences"]["all"]["p"] < 1e-6
    assert [each["messages"] for each in other["verdicts"]] == [86, 0, 0]
    assert [(each["value"], each["messages"]) for each in found["by"]["channel"]] == [("sms", 80), ("chat", 4), ("", 2)]
    assert found["by"]["channel"][1]["recall"] == 0.5
    assert found["by"]["channel"][2]["intervals"]["recall"] == [None, None]


def test_json_has_the_names_where_nothing_was_asked_for(models: Path, labelled: Path) -> None:
    found = json.loads(succeed("evaluate", models / "this.pb", labelled, "--json"))
    assert (found["cost"], found["verdicts"], found["against"], found["by"]) == (None, None, None, {})


def test_people_see_it_on_eighty_columns(models: Path, labelled: Path) -> None:
    words = "--cost", "ham=9", "--review", 0.5, "--spam", 0.9, "--against", models / "other.pb", "--by", "channel"
    said = succeed("evaluate", models / "this.pb", labelled, *words)
    assert "recall               0.9762  0.8768–0.9958  of the spam, blocked" in said
    assert "cost, where a blocked ham message costs as much as 9 passed spam\n" in said
    assert "from calibrated scores\n" in said
    assert "the cheapest here\n" in said
    assert "From calibrated scores: 9 / (1 + 9), right as far as scores are probabilities;" in said
    assert "verdicts: from 0.5 on for review, from 0.9 on spam\n" in said
    assert "review    0.5        32  37.2%" in said
    assert "against other.pb, at the same threshold\n" in said
    assert "chat            4     2  ~0.500 (0.095–0.905)  ~1.000 (0.342–1.000)\n" in said
    assert "(empty)         2     0               no spam  ~0.000 (0.000–0.658)\n" in said
    assert "~ of so few messages that the 95 % interval is wider than 0.1" in said
    asked = said[said.index("cost, where") : said.index("ham that would be blocked")]
    assert [line for line in asked.splitlines() if len(line) > WIDTH] == []


def test_the_threshold_is_the_spam_level_of_a_review_unless_that_is_said(models: Path, labelled: Path) -> None:
    for words in (("--threshold", 0.9), ("--spam", 0.9)):
        found = json.loads(succeed("evaluate", models / "this.pb", labelled, "--review", 0.5, *words, "--json"))
        assert [each["from"] for each in found["verdicts"]] == [0, 0.5, 0.9]


def test_each_value_of_two_files_is_of_its_own_message(models: Path, labelled: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    more.write_bytes(b'label,text,channel\r\nspam,0.9,"a ""b"",\r\nc"\r\nham,0.1,\xff\r\nham,0.1\r\n')
    found = json.loads(succeed("evaluate", models / "this.pb", labelled, more, "--by", "channel", "--json"))
    values = {each["value"]: each for each in found["by"]["channel"]}
    assert [values[name]["messages"] for name in ("sms", 'a "b",\r\nc', r"\xff", "")] == [80, 1, 1, 3]
    assert values['a "b",\r\nc']["true_positives"] == 1


def test_a_column_that_is_not_there_is_named(models: Path, labelled: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.tsv"
    bare.write_text("ham\t0.1\nspam\t0.9\n")
    assert "has no column 'language' (channel, label, text)" in complaint(
        "evaluate", models / "this.pb", labelled, "--by", "language"
    )
    assert f"{bare} has no column 'channel' (it has no header)" in complaint(
        "evaluate", models / "this.pb", labelled, bare, "--by", "channel"
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--cost", "9"), "is not NAME=VALUE"),
        (("--cost", "spam=9"), "'spam=9' is not ham=N"),
        (("--cost", "ham=0"), "'ham=0' is not ham=N"),
        (("--cost", "ham=inf"), "'ham=inf' is not ham=N"),
        (("--cost", "ham=nan"), "'ham=nan' is not ham=N"),
        (("--spam", "0.9"), "--spam is for --review"),
        (("--review", "0.9", "--spam", "0.5"), "--review 0.9 is above 0.5"),
        (("--review", "0.9"), "--review 0.9 is above 0.5"),
    ],
)
def test_what_makes_no_sense_is_said_before_any_work(
    models: Path, labelled: Path, words: tuple[str, ...], reason: str
) -> None:
    result = CliRunner().invoke(main, ["evaluate", str(models / "this.pb"), str(labelled), *words])
    assert result.exit_code == 2
    assert reason in result.stderr


def test_messages_of_one_label_are_measured_as_far_as_it_goes(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "ham.csv"
    path.write_text("label,text\n" + "ham,0.2\n" * 30)
    words = "--cost", "ham=9", "--review", 0.1, "--against", models / "other.pb", "--by", "label"
    said = succeed("evaluate", models / "this.pb", path, *words)
    assert "no spam" in said
    found = json.loads(succeed("evaluate", models / "this.pb", path, *words, "--json"))
    assert found["intervals"]["recall"] == [None, None]
    assert found["intervals"]["false_positive_rate"][1] == pytest.approx(0.1135, abs=1e-4), "none of 30 is not 0 %"
    assert not math.isnan(found["cost"]["thresholds"][0]["cost"])
