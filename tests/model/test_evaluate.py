"""Evaluating a model as a user does, and that published figures are reached on messages no model saw."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from tensorflow.compat import v1

from model import corpus
from model.cli import main
from model.errors import ModelError
from model.graph import frozen
from model.quality import evaluate
from model.quality.metrics import metrics
from model.training import choice, train
from tests.model.conftest import ROOT
from tests.support.model_room import complaint, succeed

SHIPPED = ROOT / "data" / "spam.pb"
COLLECTIONS = ROOT.parent / "shared" / "data"

# Right, wrong, wrong, right, and a wrong one whose bytes would repaint a terminal: some as they are, some not UTF-8.
HOSTILE = b"see you \x1b[2J\xe2\x80\xae [red]at lunch\xff"
MESSAGES = [
    (b"ham", b"see you at lunch, then"),
    (b"ham", b"Claim your FREE cash prize, reply YES"),
    (b"spam", b"home by six"),
    (b"spam", b"WIN a free prize now, claim your cash"),
    (b"spam", HOSTILE),
]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.tsv"
    path.write_bytes(b"".join(label + b"\t" + text + b"\n" for label, text in MESSAGES))
    return path


def test_json_has_every_figure(mixed: Path) -> None:
    found = json.loads(succeed("evaluate", SHIPPED, mixed, "--json"))
    assert (found["messages"], found["true_positives"], found["false_positives"]) == (5, 1, 1)
    assert (found["accuracy"], found["precision"], found["recall"]) == (0.4, 0.5, 0.333333)
    assert found["tcr_9"] == pytest.approx(3 / (9 + 2), abs=1e-6)
    assert {"mcc", "roc_auc", "average_precision", "brier", "calibration_error", "tcr_999"} <= found.keys()
    assert {"threshold", "why", "blocked", "precision", "recall", "tcr_9"} <= found["thresholds"][0].keys()
    assert sum(each["messages"] for each in found["calibration"]) == 5
    assert found["curve"][-1]["true_positives"] == 3
    assert [each["message"] for each in found["errors"] if each["kind"] == "false_positive"] == [2]


def test_json_is_json_whatever_is_not_defined(tmp_path: Path) -> None:
    """NaN and Infinity are Python's; other parsers stop at them."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    one = tmp_path / "ham.tsv"
    one.write_text("ham\thome by six\n")
    found = json.loads(succeed("evaluate", SHIPPED, one, "--json"), parse_constant=refuse)
    assert (found["roc_auc"], found["recall"], found["false_positive_rate"]) == (None, None, 0)


def test_people_are_told_what_the_figures_mean(mixed: Path) -> None:
    printed = succeed("evaluate", SHIPPED, mixed)
    assert "precision             0.5000  0.0945–0.9055  of what it blocks, spam" in printed
    assert "5 messages, 3 of them spam; blocked from score 0.5" in printed
    assert "ham that would be blocked: 1" in printed
    assert "      2  Claim your FREE cash prize, reply YES" in printed


def test_a_message_cannot_repaint_the_terminal(mixed: Path) -> None:
    printed = succeed("evaluate", SHIPPED, mixed)
    assert r"see you \x1b[2J\u202e [red]at lunch\xff" in printed
    assert "\x1b" not in printed
    assert "\u202e" not in printed


def test_errors_are_written_with_their_own_bytes(mixed: Path, tmp_path: Path) -> None:
    path = tmp_path / "errors.csv"
    assert f"written: {path}" in succeed("evaluate", SHIPPED, mixed, "--errors", path)
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = list(csv.DictReader(file))
    assert [(row["kind"], row["message"]) for row in rows if row["kind"] == "false_positive"] == [
        ("false_positive", "2")
    ]
    assert {row["text"].encode("utf-8", "surrogateescape") for row in rows} == {MESSAGES[1][1], MESSAGES[2][1], HOSTILE}
    distances = [abs(float(row["score"]) - (row["kind"] == "false_negative")) for row in rows]
    assert distances == sorted(distances, reverse=True)


def test_the_labelled_file_is_not_overwritten_by_its_errors(mixed: Path) -> None:
    before = mixed.read_bytes()
    result = CliRunner().invoke(main, ["evaluate", str(SHIPPED), str(mixed), "--errors", str(mixed)])
    assert (result.exit_code, mixed.read_bytes()) == (2, before)


def test_folds_say_how_far_to_trust_the_figures(labelled: Path) -> None:
    found = json.loads(succeed("evaluate", SHIPPED, labelled, "--folds", 4, "--json"))
    assert found["folds"] == 4
    assert found["spread"]["accuracy"]["mean"] == pytest.approx(found["accuracy"], abs=1e-6)
    assert "over 4 stratified parts of the messages; nothing retrained" in succeed(
        "evaluate", SHIPPED, labelled, "--folds", 4
    )


def test_one_class_is_measured_as_far_as_it_goes(tmp_path: Path) -> None:
    """How much of our own mail would be lost? That needs no spam."""
    one = tmp_path / "ham.tsv"
    one.write_text("ham\thome by six\nham\tsee you at lunch, then\n")
    result = CliRunner().invoke(main, ["evaluate", str(SHIPPED), str(one)])
    assert result.exit_code == 0
    assert "roc auc              not defined" in result.stdout
    assert result.stderr == "all of them are ham, so what compares spam and ham is not defined\n"


def test_what_needs_both_classes_says_so(tmp_path: Path) -> None:
    one = tmp_path / "spam.tsv"
    one.write_text("spam\tWIN a free prize now\nspam\tfree cash\n")
    assert "all 2 messages are spam" in complaint("evaluate", SHIPPED, one, "--pictures", tmp_path / "pictures")
    assert "one label has 0" in complaint("evaluate", SHIPPED, one, "--folds", 2)


def text_model(path: Path, build: Callable[[tf.Tensor], tf.Tensor]) -> Path:
    with v1.Graph().as_default() as graph:
        v1.identity(build(v1.placeholder(tf.string, [None], name="text")), name="score")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda text: tf.strings.length(text), "has the score 22.0: not a probability of spam, in [0, 1]"),
        (lambda text: 0.0 / tf.cast(tf.strings.length(text) * 0, tf.float32), "message 1 has the score nan"),
        (lambda text: tf.fill([tf.size(text), 2], 0.5), "'score' has the shape [5, 2] for 5 texts, not one score each"),
        (lambda text: text, "'score' is string, not string and a number"),
        (lambda text: tf.strings.to_number(text), "the graph cannot score texts: "),
    ],
)
def test_a_graph_that_gives_no_probabilities_is_one_line(
    build: Callable[[tf.Tensor], tf.Tensor], reason: str, mixed: Path, tmp_path: Path
) -> None:
    assert reason in complaint("evaluate", text_model(tmp_path / "odd.pb", build), mixed)


def test_scores_in_a_column_are_scores(tmp_path: Path) -> None:
    """Keras ends in [N, 1]."""
    path = text_model(tmp_path / "keras.pb", lambda text: tf.fill([tf.size(text), 1], 0.25))
    found = evaluate.score(frozen.load(path.read_bytes()), np.array([b"a", b"b"], object))
    assert found.tolist() == [0.25, 0.25]


def test_a_graph_of_other_names_is_said(mixed: Path, tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph:
        v1.identity(v1.placeholder(tf.int32, name="x"), name="z")
    path = tmp_path / "xz.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    assert complaint("evaluate", path, mixed) == "model: the graph has no tensor 'text'"


def test_each_message_is_scored_by_a_model_that_never_saw_it(labelled: Path) -> None:
    """A message that contradicts all others is right only for a model trained on it."""
    data = corpus.read([labelled])
    odd = int(np.flatnonzero(data.labels)[0])
    data.labels[odd] = False
    scores = evaluate.cross_validate(data, [choice.Chosen(train.Plan(epochs=20))] * 2)
    assert scores[odd] > 0.5
    assert metrics(scores, data.labels).accuracy > 0.8


def test_no_messages_have_no_scores(shipped_graph: tf.Graph) -> None:
    assert evaluate.score(shipped_graph, np.zeros(0, object)).tolist() == []
    with pytest.raises(ModelError, match="no tensor 'text'"):
        evaluate.score(v1.Graph(), np.zeros(0, object))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "messages", "accuracy", "f1", "calibration_error"),
    [
        ("sms_spam_collection.tsv", 5574, 0.9925, 0.971, 0.02),
        ("youtube_spam_collection.tsv", 1951, 0.955, 0.955, 0.03),
    ],
)
def test_five_folds_of_public_collections(
    file: str, messages: int, accuracy: float, f1: float, calibration_error: float
) -> None:
    """The promise of the model card, to those who train on their own messages: one trainer for corpora of any kind."""
    path = COLLECTIONS / file
    if not path.exists():
        pytest.skip(f"there is no ../{path.relative_to(ROOT.parent)}")
    found = json.loads(succeed("train", path, "--folds", 5, "--json"))
    assert found["messages"] == messages
    assert found["accuracy"] >= accuracy
    assert found["f1"] >= f1
    assert found["calibration_error"] <= calibration_error
    assert found["errors"] <= 1.25 * found["fewest_errors"] + 3
