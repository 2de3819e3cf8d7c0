"""Texts become the ids that the Python original makes of them, in whatever script, and the graph's scores follow.

The originals are restated here as their authors wrote them: tf.contrib is gone, and Keras need not be installed.
"""

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tensorflow.compat import v1

from model.errors import ModelError
from model.graph import frozen
from model.text import tokens
from model.text.prepend import Recipe, prepend
from model.text.vocabulary import KERAS_FILTERS, Vocabulary, read
from tests.support.model_room import complaint, succeed
from worker.runtimes.tensorflow import TensorFlow

PROCESSOR = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", re.UNICODE)
WORDS = {
    "latin": [
        "free",
        "Prize",
        "CLAIM",
        "don't",
        "e-mail",
        "HelloWorld",
        "ABCd",
        "Über",
        "naïve",
        "İstanbul",
        "x2y",
        "iPhone7",
    ],
    "cyrillic": ["привет", "Бесплатно", "ВЫИГРАЙ", "приз", "ещё"],
    "chinese": ["免费", "中奖了", "点击这里", "你好"],
    "korean": ["무료", "쿠폰", "지금확인", "안녕하세요"],
}
BETWEEN = [
    " ",
    "  ",
    ", ",
    "! ",
    "\u00a0",
    "\u3000",
    "\u2028",
    "\t",
    "\n",
    "…",
    " 🙂 ",
    "e\u0301 ",
    ".",
    "、",
    "-",
    "_",
    "'",
]


def original_keras(text: str, filters: str = KERAS_FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """keras_preprocessing.text.text_to_word_sequence."""
    if lower:
        text = text.lower()
    text = text.translate(str.maketrans(dict.fromkeys(filters, split)))
    return [word for word in text.split(split) if word]


ORIGINALS: dict[str, Callable[[str], list[str]]] = {
    "keras-tokenizer": original_keras,
    "vocabulary-processor": PROCESSOR.findall,
    "whitespace": str.split,
    "characters": list,
    "regex": re.compile(r"[a-zA-Z]+|[0-9]+|[^a-zA-Z0-9 \n]").findall,
}
PATTERN = r"[a-zA-Z]+|[0-9]+|[^a-zA-Z0-9 \n]"


def messages(count: int) -> list[str]:
    chance = random.Random(7)
    words = [word for script in WORDS.values() for word in script]
    made = []
    for _ in range(count):
        parts = [chance.choice(words) + chance.choice(BETWEEN) for _ in range(chance.randint(0, 12))]
        made.append(chance.choice(["", " "]) + "".join(parts))
    return made


def expected(preset: str, texts: list[str], vocabulary: Vocabulary, length: int) -> list[list[int]]:
    rows = []
    for text in texts:
        ids = [vocabulary.ids.get(word, vocabulary.unknown) for word in ORIGINALS[preset](text)]
        known = [number for number in ids if number is not None]
        filling = [vocabulary.padding] * (length - len(known))
        rows.append(filling + known[-length:] if preset == "keras-tokenizer" else (known + filling)[:length])
    return rows


def ids_graph(length: int | None) -> bytes:
    with v1.Graph().as_default() as graph:
        tf.identity(v1.placeholder(tf.int32, [None, length], name="input_x"), name="ids")
    data: bytes = graph.as_graph_def().SerializeToString()
    return data


def run(data: bytes, texts: list[str] | list[bytes], fetch: str = "ids") -> np.ndarray:
    """As a worker runs it."""
    opened = TensorFlow().open(data, 1)
    cells = np.array([text.encode() if isinstance(text, str) else text for text in texts], dtype=object)
    return np.asarray(opened.prepare(("text",), (fetch,))([cells])[0])


@pytest.mark.parametrize("preset", sorted(ORIGINALS))
def test_ten_thousand_messages_in_four_scripts_get_the_ids_of_the_original(preset: str, tmp_path: Path) -> None:
    texts = messages(10_000)
    known = sorted({word for text in texts[:500] for word in ORIGINALS[preset](text)} - {""})
    path = tmp_path / "vocab.txt"
    words = [word for word in known if "\n" not in word and "\r" not in word]
    path.write_text(
        "".join(f"{word}\n" for word in (["<PAD>", "<UNK>", *words] if preset != "keras-tokenizer" else words))
    )
    vocabulary = read(path, preset)
    recipe = Recipe(preset, 9, PATTERN if preset == "regex" else "", padding="post", truncating="post")
    if preset == "keras-tokenizer":
        recipe = recipe._replace(padding="pre", truncating="pre")
    found = run(prepend(ids_graph(9), vocabulary, recipe), texts)
    wanted = np.array(expected(preset, texts, vocabulary, 9))
    different = np.flatnonzero((found != wanted).any(axis=1))
    assert not len(different), (texts[different[0]], found[different[0]], wanted[different[0]])


@pytest.fixture(scope="module")
def split() -> Iterator[dict[str, Callable[[list[str]], list[list[str]]]]]:
    """What each preset's ops make of texts."""
    graph = v1.Graph()
    with graph.as_default():
        texts = v1.placeholder(tf.string, [None])
        sound = tokens.valid(texts)
        made = {
            "keras-tokenizer": tokens.of_keras(sound, KERAS_FILTERS, " "),
            "vocabulary-processor": tokens.of_vocabulary_processor(sound),
            "whitespace": tokens.of_whitespace(sound),
            "characters": tokens.of_characters(sound),
            "regex": tokens.of_regex(sound, PATTERN),
        }
    session = v1.Session(graph=graph)

    def splitter(preset: str) -> Callable[[list[str]], list[list[str]]]:
        def run(values: list[str]) -> list[list[str]]:
            cells = np.array([value.encode() for value in values], dtype=object)
            found = session.run(made[preset], {texts: cells})
            return [[token.decode() for token in row] for row in found.to_list()]

        return run

    yield {preset: splitter(preset) for preset in made}
    session.close()


anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x02\x03\x04\x05\x06"), max_size=12)
camel = st.text("ABCabc1_-' \u00e4\u00c4\u4e2d", max_size=14)


@settings(max_examples=300, deadline=None)
@given(st.lists(anything | camel, min_size=1, max_size=20))
@example(
    ["ABCd", "HeLLo", "HelloWorld", "AAb", "Ab", "AbC", "ABc", "aAbB", "A", "AA", "AbCdE-f", "AB1cD", "HTMLParser's"]
)
@pytest.mark.parametrize("preset", ["vocabulary-processor", "whitespace", "characters", "regex"])
def test_any_text_is_cut_as_python_cuts_it(
    split: dict[str, Callable[[list[str]], list[list[str]]]], preset: str, texts: list[str]
) -> None:
    assert split[preset](texts) == [ORIGINALS[preset](text) for text in texts]


@settings(max_examples=300, deadline=None)
@given(st.lists(anything, min_size=1, max_size=20))
def test_any_text_is_cut_as_keras_cuts_it(
    split: dict[str, Callable[[list[str]], list[list[str]]]], texts: list[str]
) -> None:
    assert split["keras-tokenizer"](texts) == [original_keras(text, lower=False) for text in texts]


def test_lower_case_is_pythons_but_for_letters_that_one_of_them_does_not_know() -> None:
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    with v1.Graph().as_default(), v1.Session() as session:
        found = session.run(tokens.lower(tf.constant([character.encode() for character in characters])))
    different = [each for each, other in zip(characters, found, strict=True) if each.lower() != other.decode()]
    assert len(different) < 60, "another Unicode"
    for text in ("ÜBER Straße", "A\x00B", "ΟΔΟΣ", "İstanbul", "ПРИВЕТ", "ＡＢＣ"):
        with v1.Graph().as_default(), v1.Session() as session:
            assert session.run(tokens.lower(tf.constant([text.encode()])))[0].decode() == text.lower()


def test_bytes_that_are_no_utf8_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("<UNK>\ncaf\ufffd\nok\n")
    data = prepend(ids_graph(2), read(path, "whitespace"), Recipe("whitespace", 2))
    assert run(data, [b"caf\xe9 ok", b""]).tolist() == [[1, 2], [0, 0]]


def test_the_same_command_gives_the_same_bytes_and_a_worker_takes_it(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("a\nb\n")
    made = [prepend(ids_graph(3), read(path, preset), Recipe(preset, 3)) for preset in ("whitespace",) * 2]
    assert made[0] == made[1]
    graph = frozen.load(made[0])
    assert [tensor.op.name for tensor in frozen.placeholders(graph)] == ["text"]


def test_a_keras_tokenizer_brings_its_own_settings(tmp_path: Path) -> None:
    config = {
        "num_words": 4, "filters": "!", "lower": False, "split": "|", "char_level": False, "oov_token": "<OOV>",
        "word_index": json.dumps({"<OOV>": 1, "Free": 2, "prize": 3, "rare": 4}),
    }  # fmt: skip
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"class_name": "Tokenizer", "config": config}))
    recipe = Recipe("keras-tokenizer", 4, padding="pre", truncating="pre")
    data = prepend(ids_graph(4), read(path, "keras-tokenizer"), recipe)
    assert run(data, ["Free|prize!rare|free", "prize"]).tolist() == [[2, 3, 1, 1], [0, 0, 0, 3]]
    path.write_text(json.dumps({"free": 1, "prize": 2}))
    data = prepend(ids_graph(4), read(path, "keras-tokenizer"), recipe)
    assert run(data, ["Free, unknown PRIZE!", ""]).tolist() == [[0, 0, 1, 2], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("content", "preset", "said"),
    [
        (b"", "whitespace", "has no word in it"),
        (b"a\nb\na\n", "whitespace", "the word 'a' twice, in line 3 again"),
        (b"\x80\x04\x95", "vocabulary-processor", "is a pickle"),
        (b"\xff\xfe", "whitespace", "is not UTF-8"),
        (b"cnumpy.core\nx\n", "whitespace", "is a pickle"),
        (b'{"a": 99999999999999999999}', "keras-tokenizer", "is no text, or its id"),
        (b'{"\\ud800": 1}', "keras-tokenizer", "is no text, or its id"),
        (b'{"a": []}', "keras-tokenizer", "is no word_index"),
        (b'{"config": {"char_level": true, "word_index": "{}"}}', "keras-tokenizer", "of characters"),
    ],
)
def test_what_is_no_vocabulary_is_one_line(tmp_path: Path, content: bytes, preset: str, said: str) -> None:
    path = tmp_path / "vocab"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=re.escape(said)):
        read(path, preset)


def test_ids_may_stand_beside_the_words(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("a\t7\nb c\t9\n")
    assert read(path, "whitespace").ids == {"a": 7, "b c": 9}
    path.write_text("a 7\nb\n")
    assert read(path, "whitespace").ids == {"a 7": 0, "b": 1}


def test_words_that_look_like_marks_are_words(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("<UNK>\nUNK\nPAD\n<PAD>\n")
    found = read(path, "vocabulary-processor")
    assert (found.unknown, found.padding) == (0, 0)
    assert read(path, "whitespace")[1:3] == (0, 3)
    path.write_text(json.dumps({"<OOV>": 1, "config": 2}))
    assert read(path, "keras-tokenizer").unknown == 1


def test_whatever_the_graph_calls_its_nodes(tmp_path: Path) -> None:
    """The ids' placeholder may be called text, and another node may wait for it; the outputs stay what they were."""
    path = tmp_path / "vocab.txt"
    path.write_text("a\nb\n")
    with v1.Graph().as_default() as graph:
        ids = v1.placeholder(tf.int64, [None, 2], name="text")
        with tf.control_dependencies([ids]):
            tf.identity(ids, name="ids")
    data = graph.as_graph_def().SerializeToString()
    for preset in ("whitespace", "characters"):
        whole = prepend(data, read(path, preset), Recipe(preset, 2))
        assert run(whole, ["b", "b" if preset == "characters" else "b x"]).tolist()[0] == [1, 0]
        assert [tensor.op.name for tensor in frozen.terminal_tensors(frozen.load(whole))] == ["ids"]


def cnn(folder: Path) -> Path:
    """A text CNN as one finds it: ids [None, 56], dropout_keep_prob, trained with plain tf.compat.v1, frozen."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        v1.set_random_seed(1)
        ids = v1.placeholder(tf.int32, [None, 56], name="input_x")
        labels = v1.placeholder(tf.float32, [None, 2], name="input_y")
        keep = v1.placeholder(tf.float32, name="dropout_keep_prob", shape=[])
        table = v1.get_variable("embedding", [40, 8], initializer=v1.random_normal_initializer(seed=1))
        kernel = v1.get_variable("kernel", [3, 8, 6], initializer=v1.random_normal_initializer(seed=2))
        weights = v1.get_variable("weights", [6, 2], initializer=v1.random_normal_initializer(seed=3))
        features = tf.reduce_max(tf.nn.relu(tf.nn.conv1d(tf.gather(table, ids), kernel, 1, "VALID")), axis=1)
        logits = tf.matmul(v1.nn.dropout(features, keep_prob=keep), weights)
        tf.nn.softmax(logits, name="output/scores")
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits), name="loss")
        step = v1.train.AdamOptimizer(0.01).minimize(loss)
        session.run(v1.global_variables_initializer())
        chance = np.random.default_rng(0)
        for _ in range(5):
            feeds = {ids: chance.integers(0, 40, (16, 56)), labels: np.eye(2)[chance.integers(0, 2, 16)], keep: 0.5}
            session.run(step, feeds)
        v1.train.Saver().save(session, str(folder / "runs" / "model"), global_step=5)
    succeed(
        "freeze",
        folder / "runs",
        "--output",
        folder / "ids.pb",
        "--node",
        "output/scores",
        "--set",
        "dropout_keep_prob=1",
    )
    return folder / "ids.pb"


def test_a_text_cnn_of_ones_own_scores_raw_texts(tmp_path: Path) -> None:
    texts = messages(10_000)
    words = sorted({word for text in texts for word in PROCESSOR.findall(text)})[:38]
    (tmp_path / "vocab.txt").write_text("<UNK>\n" + "".join(f"{word}\n" for word in words))
    model = cnn(tmp_path)
    options = ["--vocabulary", tmp_path / "vocab.txt", "--as", "vocabulary-processor", "--length", "56"]
    succeed("prepend", model, *options, "--output", tmp_path / "whole.pb")
    vocabulary = read(tmp_path / "vocab.txt", "vocabulary-processor")
    ids = np.array(expected("vocabulary-processor", texts, vocabulary, 56), np.int32)
    opened = TensorFlow().open(model.read_bytes(), 1)
    [wanted] = opened.prepare(("input_x",), ("output/scores",))([ids])
    found = run((tmp_path / "whole.pb").read_bytes(), texts, "output/scores")
    np.testing.assert_array_equal(found, wanted)
    assert len(np.unique(found)) > 10
    assert "takes 56 ids a record, not 50: --length 56" in complaint(
        "prepend", model, *options[:-1], "50", "--output", tmp_path / "x.pb"
    )
    assert "RE2 does not take" in complaint(
        "prepend", model, *options[:3], "regex=(?=a)", "--length", "56", "--output", tmp_path / "x.pb"
    )
    assert "it takes texts by itself" in complaint(
        "prepend", tmp_path / "whole.pb", *options, "--output", tmp_path / "x.pb"
    )
