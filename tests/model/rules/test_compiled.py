"""A model with rules in it is one like any other: a worker takes it, and its score is the bare model's to the bit."""

import random
import string
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from graphs.outputs import terminal
from graphs.signature import Signature
from graphs.words import NOTHING
from model.errors import ModelError
from model.graph import frozen, row_class
from model.rules import compiling, joining, reading, stored
from model.rules.expressions import matching
from model.rules.meter import Meter
from tests.model.rules.conftest import Compiled
from tests.support.labelled import HAM, SPAM
from worker.runtimes.tensorflow import TensorFlow

RULES = """
[thresholds]
review = 0.5
spam = 0.9
[[allow]]
name = "friends"
senders = ["mum@example.org", "*@*.work.example"]
[[deny]]
name = "prizes"
phrases = ["free prize"]
domains = ["bit.ly"]
[[deny]]
name = "Korean"
phrases = ["무료"]
[[points]]
name = "caps"
points = 1.0
patterns = ['[A-Z]{4}', '\\d{5}']
"""


def compiled_on(data: bytes, rules_text: str, folder: Path, **nodes: str) -> compiling.Guarded:
    place = folder / "rules.toml"
    place.write_text(rules_text, encoding="utf-8")
    rules = reading.read(place)
    return compiling.compile(data, rules.policy, joining.join(rules).groups, **nodes)


def model_of(build: Callable[[], object]) -> bytes:
    with v1.Graph().as_default() as graph:
        build()
    content: bytes = graph.as_graph_def().SerializeToString()
    return content


@pytest.fixture(scope="module")
def guarded_model(shipped: bytes, tmp_path_factory: pytest.TempPathFactory) -> compiling.Guarded:
    return compiled_on(shipped, RULES, tmp_path_factory.mktemp("guarded"))


def texts(count: int) -> np.ndarray:
    known = [*SPAM, *HAM, "free prize at bit.ly/x", "FREE PRIZE 12345", "CALL 54321 now", "\ud800 free prize"]
    result = np.empty(count, object)
    result[:] = [known[row % len(known)].encode("utf-8", "surrogatepass") + b" %d" % (row // 7) for row in range(count)]
    return result


def test_a_worker_gives_the_bare_models_scores_to_the_bit(shipped: bytes, guarded_model: compiling.Guarded) -> None:
    guarded = TensorFlow().open(guarded_model.content, 1)
    messages = texts(1000)
    senders = np.array([b"Mum <mum@example.org>", b"a@b.work.example", b"x@example.net", b""] * 250, object)
    score, verdict, rule = guarded.prepare(("text", "sender"), ("score", "verdict", "rule"))([messages, senders])
    [bare] = TensorFlow().open(shipped, 1).prepare(("text",), ("score",))([messages])
    with_points = np.array([b"FREE" in each or b"CALL" in each or b"54321" in each for each in messages])
    np.testing.assert_array_equal(score[~with_points], bare[~with_points])
    assert (score[with_points] > bare[with_points]).all()
    assert set(verdict) == {b"ham", b"review", b"spam"}
    assert {b"friends", b"prizes", b"Korean", b""} <= set(rule)
    assert set(verdict[rule == b"friends"]) == {b"ham"}
    assert set(verdict[rule == b"prizes"]) == {b"spam"}


def test_a_messages_outputs_do_not_depend_on_its_neighbours(guarded_model: compiling.Guarded) -> None:
    guarded = TensorFlow().open(guarded_model.content, 1)
    run = guarded.prepare(("text", "sender"), ("score", "verdict", "rule"))
    messages, senders = texts(200), np.array([b"mum@example.org", b"x", b"y", b"z"] * 50, object)
    together = run([messages, senders])
    order = np.random.default_rng(1).permutation(200)
    for whole, permuted in zip(together, run([messages[order], senders[order]]), strict=True):
        np.testing.assert_array_equal(whole[order], permuted)
    for row in range(0, 200, 23):
        alone = run([messages[row : row + 1], senders[row : row + 1]])
        assert [each[0] for each in alone] == [each[row] for each in together]
    assert [len(each) for each in run([messages[:0], senders[:0]])] == [0, 0, 0]


def test_nothing_in_it_is_refused_and_it_wants_what_the_rules_look_at(
    shipped: bytes, guarded_model: compiling.Guarded
) -> None:
    graph_def = frozen.parse(guarded_model.content)
    assert frozen.refusals(graph_def) == []
    assert terminal(graph_def) == ["score", "verdict", "rule"]
    signature = Signature.of(graph_def)
    assert [want.name for want in signature.needed_by(signature.fetches(NOTHING))] == ["text", "sender"]
    bare, graph = frozen.load(shipped), frozen.load(guarded_model.content)
    judged = row_class.judge(graph, ["score", "verdict", "rule"])
    assert judged == row_class.judge(bare, ["score"])


def test_without_senders_the_text_is_all_it_takes(shipped: bytes, tmp_path: Path) -> None:
    guarded = compiled_on(shipped, "[[deny]]\nname = 'a'\nphrases = ['free']\n", tmp_path)
    assert [tensor.op.name for tensor in frozen.placeholders(frozen.load(guarded.content))] == ["text"]


def test_thresholds_alone_are_a_policy(compile_rules: Callable[[str], Compiled]) -> None:
    for text, wanted in (
        ("", [b"ham", b"ham", b"spam", b"spam"]),
        ("[thresholds]\nreview = 0.1\nspam = 0.7\n", [b"ham", b"review", b"review", b"spam"]),
        ("[[deny]]\nname = 'a'\nphrases = []\n", [b"ham", b"ham", b"spam", b"spam"]),
        ("[[deny]]\nname = 'a'\ndomains_file = '/dev/null'\n", [b"ham", b"ham", b"spam", b"spam"]),
    ):
        scores = np.array([0.0, 0.3, 0.5, 0.7], np.float32)
        score, verdict, rule = compile_rules(text).run({"text": [b"free"] * 4}, scores)
        np.testing.assert_array_equal(score, scores)
        assert (list(verdict), set(rule)) == (wanted, {b""})


def test_an_empty_list_of_senders_still_takes_the_column(compile_rules: Callable[[str], Compiled]) -> None:
    """Tomorrow it may have entries, and the command that scores must not change."""
    rules = compile_rules("[[deny]]\nname = 'a'\nsenders = []\n")
    assert rules.policy.columns == ("sender",)
    _, verdict, _ = rules.run({"text": [b"x"], "sender": [b""]}, np.zeros(1, np.float32))
    assert list(verdict) == [b"ham"]


def test_lists_of_ten_thousand_and_more_are_looked_up(compile_rules: Callable[[str], Compiled], tmp_path: Path) -> None:
    (tmp_path / "hosts.txt").write_text("".join(f"host{number}.example\n" for number in range(2_000)))
    (tmp_path / "senders.txt").write_text("".join(f"+44{number}\n" for number in range(20_000)))
    rules = compile_rules(
        "[[allow]]\nname = 'ours'\nsenders_file = 'senders.txt'\n[[deny]]\nname = 'hosts'\ndomains_file = 'hosts.txt'\n"
    )
    hosts = [b"see host0.example", b"x.host1999.example/a", b"host77.example.", b"host2000.example", b"host7.example"]
    senders = [b"x", b"+4420000", b"", b"+4419999", b"+440"]
    _, verdict, rule = rules.run({"text": hosts, "sender": senders}, np.zeros(5, np.float32))
    assert list(rule) == [b"hosts", b"hosts", b"hosts", b"ours", b"ours"]
    assert list(verdict) == [b"spam", b"spam", b"spam", b"ham", b"ham"]


def test_an_expression_that_re2_has_no_memory_for_is_cut(tmp_path: Path) -> None:
    """As a whole it would take twenty times as long, and a worker's log would have a line for each message."""
    chance = random.Random(3)
    hosts = ["".join(chance.choices(string.ascii_lowercase, k=40)) + ".example" for _ in range(400)]
    place = tmp_path / "rules.toml"
    place.write_text(f"[[deny]]\nname = 'hosts'\ndomains = {hosts}\n")
    with Meter() as meter:
        assert meter.cost(matching("domains", hosts), hosts).overflows
    groups = joining.join(reading.read(place)).groups
    assert [entry for group in groups for part in group.parts for entry in part.entries] == hosts
    assert not any(group.cost.overflows for group in groups)
    assert len(groups) == 2


def test_the_same_policy_gives_the_same_bytes(shipped: bytes, tmp_path: Path) -> None:
    place = tmp_path / "rules.toml"
    place.write_text(RULES, encoding="utf-8")
    rules = reading.read(place)
    groups = joining.join(rules).groups
    first = compiling.compile(shipped, rules.policy, groups)
    assert compiling.compile(shipped, rules.policy, groups) == first
    assert stored.find(frozen.parse(first.content)) == rules.policy
    assert stored.find(frozen.parse(shipped)) is None


def test_a_graph_that_has_rules_takes_no_others(guarded_model: compiling.Guarded, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="take the model without any rules"):
        compiled_on(guarded_model.content, RULES, tmp_path)


def test_a_model_whose_nodes_are_called_as_ours(tmp_path: Path) -> None:
    """A stranger's graph: its `rule` and `verdict` are its own, its `sender` is ours too, its scores are a matrix."""

    def build() -> None:
        words, sender = (v1.placeholder(tf.string, [None], name=name) for name in ("words", "sender"))
        rule = tf.cast(tf.strings.length(words), tf.float64, name="rule")
        verdict = tf.cast(tf.strings.length(sender), tf.float64, name="verdict")
        tf.stack([(rule + verdict) / 100], axis=1, name="probability")

    text = RULES + "[[deny]]\nname = 'subjects'\ncolumn = 'subject'\nphrases = ['win']\n"
    guarded = compiled_on(model_of(build), text, tmp_path, text="words", score="probability")
    graph = frozen.load(guarded.content)
    assert [tensor.op.name for tensor in frozen.placeholders(graph)] == ["words", "sender", "subject"]
    fed = [np.array(each, object) for each in ([b"abc", b"free prize", b"x"], [b"de", b"", b""], [b"", b"", b"Win!"])]
    opened = TensorFlow().open(guarded.content, 1)
    outputs = opened.prepare(("words", "sender", "subject"), ("score", "verdict", "rule", "probability"))(fed)
    assert outputs[0].tolist() == [0.05, 0.1, 0.01]
    assert list(outputs[1]) == [b"ham", b"spam", b"spam"]
    assert list(outputs[2]) == [b"", b"prizes", b"subjects"]
    assert outputs[3].tolist() == [[0.05], [0.1], [0.01]]


def given(shape: list[int | None], name: str = "text") -> tf.Tensor:
    return v1.placeholder(tf.string, shape, name=name)


def lengths(shape: list[int | None]) -> tf.Tensor:
    return tf.cast(tf.strings.length(given(shape)), tf.float32)


UNFIT: dict[str, tuple[Callable[[], object], str]] = {
    "no texts": (
        lambda: tf.identity(v1.placeholder(tf.float32, [None], name="x"), name="score"),
        "no placeholder 'text' takes a text a record; --input says which: there are none",
    ),
    "one text for all": (lambda: tf.identity(lengths([]), name="score"), "no placeholder 'text' takes a text a record"),
    "texts": (lambda: tf.strings.lower(given([None]), name="low"), "'low' is no probability a record: it is string"),
    "classes": (
        lambda: tf.tile(lengths([None])[:, None], [1, 3], name="score"),
        "'score' is no probability a record: it is float32 of shape",
    ),
    "whole numbers": (lambda: tf.strings.length(given([None]), name="score"), "it is int32"),
    "two outputs": (
        lambda: (tf.identity(lengths([None]), name="a"), tf.identity(given([None], "b"), name="c")),
        "no placeholder 'text' takes|the graph has no tensor 'score'",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_model_that_gives_no_score_a_text_is_named(case: str, tmp_path: Path) -> None:
    build, complaint = UNFIT[case]
    with pytest.raises(ModelError, match=complaint):
        compiled_on(model_of(build), RULES, tmp_path)


def test_points_are_logits_and_never_leave_the_probabilities(compile_rules: Callable[[str], Compiled]) -> None:
    points = {"up": 30, "more": 30, "down": -1.25, "back": 1.25}
    rules = compile_rules(
        "".join(
            f"[[points]]\nname = '{word}'\npoints = {each}\nphrases = ['{word}']\n" for word, each in points.items()
        )
    )
    messages = [b"up", b"up more", b"down", b"down back", b"down up more", b"nothing"]
    for given in (0.0, 1e-6, 0.25, 0.5, 0.999, 1.0):
        scores = np.full(len(messages), given, np.float32)
        score, _, _ = rules.run({"text": messages}, scores)
        assert ((score >= 0) & (score <= 1)).all()
        assert score[3] == score[5] == np.float32(given)
        if 0 < given < 1:
            wide = float(np.float32(given))
            wanted = 1 / (1 + np.exp(-(np.log(wide / (1 - wide)) - 1.25)))
            assert score[2] == pytest.approx(wanted, rel=1e-6)
        else:
            assert set(score) == {np.float32(given)}
