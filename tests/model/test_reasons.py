"""Why a message has its score: exact shares of pieces of its text, whatever bytes it is of."""

import random
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from formats.reason_cells import cell
from graphs import ngram_sums
from model.graph import freeze, frozen
from model.reasons import anatomy
from model.reasons.anatomy import Anatomy, Explained
from model.training import spam
from tests.support import ROOT

MIX = [int(each) for each in spam._MIX]
LIKE_LETTERS = bytes.maketrans(b"01l3457", b"oiieast")
CHARACTERS = "abcdeé ÜМир你好奖、무료쿠폰 \n\t;\\\u3000\u200b😀1£"


class Explainer:
    """A graph in one session, and what explains it."""

    def __init__(self, graph: tf.Graph) -> None:
        found = anatomy.find(graph.as_graph_def(), "score")
        assert found is not None
        self.anatomy: Anatomy = found
        self._run = v1.Session(graph=graph).make_callable(
            [frozen.tensor(graph, name) for name in found.fetches], feed_list=[f"{found.sum.text}:0"]
        )

    def __call__(self, texts: list[bytes], most: int = 3) -> Explained:
        fed = np.empty(len(texts), object)
        fed[:] = texts
        return Explained.of(self.anatomy, fed, self._run(fed), most)


@pytest.fixture(scope="module")
def explain(shipped_graph: tf.Graph) -> Explainer:
    return Explainer(shipped_graph)


@pytest.fixture(scope="module")
def weights(shipped: bytes) -> list[int]:
    graph_def = frozen.parse(shipped)
    [table] = [node for node in graph_def.node if node.name == "weights_fixed"]
    return tf.make_ndarray(table.attr["value"].tensor).tolist()


def some_texts(count: int, seed: int) -> list[bytes]:
    """Real messages, random bytes, random characters, blanks and NULs, short and long."""
    chance = random.Random(seed)
    lines = (ROOT / "data" / "messages.csv").read_bytes().split(b"\n")
    makers = [
        lambda: chance.choice(lines),
        lambda: chance.randbytes(chance.choice([1, 2, 3, 7, 8, 60, 300])),
        lambda: "".join(chance.choices(CHARACTERS, k=chance.randrange(80))).encode(),
        lambda: bytes(chance.choices(b" \n\t\0x\xe3\x80", k=chance.randrange(20))),
        lambda: chance.choice([b"", b" ", b"x" * 500, b"free " * 200, b"\xe4\xbd" * 100]),
    ]
    return [chance.choice(makers)() for _ in range(count)]


def check_sums(explained: Explained) -> None:
    sums = np.zeros(len(explained.texts), np.int64)
    np.add.at(sums, explained.spans.texts, explained.spans.shares)
    assert sums.tolist() == (explained.margin * explained.parts).tolist()


def test_the_shares_of_a_texts_pieces_are_its_margin_whatever_its_bytes(explain: Explainer) -> None:
    """Else a reason would be a guess, and people who are asked for it could not stand by it."""
    texts = some_texts(6000, 1)
    for start in range(0, len(texts), 1000):
        explained = explain(texts[start : start + 1000])
        check_sums(explained)
        read = [text for text, laid in zip(texts[start : start + 1000], explained.aligned.laid, strict=True) if laid]
        pieces = explained.pieces(np.arange(len(explained.spans.begins)))
        assert b"".join(pieces) == b"".join(read), "each byte is in one piece"


@pytest.mark.slow
def test_the_shares_of_100_000_texts_pieces_are_their_margins(explain: Explainer) -> None:
    for seed in range(100):
        check_sums(explain(some_texts(1000, 1000 + seed)))


def byte_shares(text: bytes, weights: list[int]) -> list[int]:
    """What each byte has, in twelfths, in plain Python: n-grams are divided among their bytes, and what they have
    before the first, or behind the last, is with that."""
    low = text.lower().translate(LIKE_LETTERS)
    found = [0] * len(text)
    if not text:
        return found
    at = lambda place: low[place] if 0 <= place < len(low) else 0  # noqa: E731
    pair = lambda place: at(place) * 256 + at(place + 1)  # noqa: E731
    for place in range(-5, len(text)):
        fours = pair(place) * MIX[0] + pair(place + 2)
        sixes = fours * MIX[1] + pair(place + 4)
        rows = {2: pair(place), 4: fours % len(weights), 6: sixes % len(weights)}
        for size, row in rows.items():
            for each in range(place, place + size):
                found[min(max(each, 0), len(text) - 1)] += weights[row] * (12 // size)
    return found


def test_a_pieces_share_is_that_of_its_n_grams(explain: Explainer, weights: list[int]) -> None:
    """Computed a second time, byte by byte, from the weights alone."""
    texts = [text[:120] for text in some_texts(300, 2)]
    explained = explain(texts)
    assert explained.parts == 12
    expected = [share for text in explained.aligned.laid for share in byte_shares(text, weights)]
    for begin, end, share in zip(*explained.spans[:2], explained.spans.shares, strict=True):
        assert sum(expected[begin:end]) == share


def test_the_logit_and_the_score_are_those_of_the_graph(explain: Explainer, shipped_graph: tf.Graph) -> None:
    texts = some_texts(500, 3)
    fed = np.empty(len(texts), object)
    fed[:] = texts
    with v1.Session(graph=shipped_graph) as session:
        scores = session.run("score:0", {"text:0": fed})
    logits = explain(texts).logits
    np.testing.assert_allclose(1 / (1 + np.exp(-np.clip(logits, -16, 16))), scores, rtol=1e-3)


def test_reasons_are_a_texts_own_whatever_it_is_explained_with(explain: Explainer) -> None:
    """Batches are cut and merged as it happens: the bytes of a scores file must not depend on it."""
    texts = some_texts(300, 4)
    together = explain(texts).cells(3).to_pylist()
    apart = [explain([text]).cells(3)[0].as_py() for text in texts]
    assert together == apart
    assert explain(texts[::-1]).cells(3).to_pylist() == together[::-1]


@pytest.mark.parametrize("most", [1, 3, 20])
def test_cells_made_at_once_are_those_made_piece_by_piece(explain: Explainer, most: int) -> None:
    """Whatever is in the texts: separators, escapes, what does not print, what looks like a rule."""
    odd = [b"rule:x free", b"a; b\\c", b"\xff\xfe prize", b"    ", b"rules; rule: claim"]
    odd += [each.encode() for each in ("cl\u200baim \u3000now", "free\xa0prize", "\u3000x\u3000")]
    texts = [*some_texts(600, 7), *odd, *(text * 3 for text in odd)]
    explained = explain(texts)
    for row, (found, text) in enumerate(zip(explained.cells(most).to_pylist(), texts, strict=True)):
        mine = np.flatnonzero(explained.spans.texts == row)
        shares = np.rint(explained.shares(mine) * 100).astype(int)
        order = np.argsort(-np.abs(explained.spans.shares[mine]), kind="stable")[:most]
        order = order[shares[order] != 0]
        assert found == cell(explained.pieces(mine[order]), shares[order].tolist(), []), text


def pieces(explained: Explained) -> list[bytes]:
    return explained.pieces(np.arange(len(explained.spans.begins)))


def test_pieces_are_words_or_several_that_move_the_score_alike(explain: Explainer) -> None:
    found = [piece.strip() for piece in pieces(explain([b"hey, FREE prize! Claim it now at lunch tomorrow"]))]
    assert any(b"FREE prize!" in piece for piece in found), "as it is written, not in lower case"
    assert all(piece.strip() == piece for piece in found)
    assert b"".join(found).replace(b" ", b"") == b"hey,FREEprize!Claimitnowatlunchtomorrow"


def test_a_script_without_blanks_is_not_one_piece_and_no_character_is_cut(explain: Explainer) -> None:
    for text in (
        "恭喜您获得免费奖品，请点击链接领取大礼，明天见面吧",
        "お支払い方法に問題があります。カード情報を更新",
    ):
        found = pieces(explain([text.encode()]))
        assert len(found) > 1
        assert "".join(piece.decode() for piece in found) == text


def test_no_character_is_cut_where_a_word_is_very_long(explain: Explainer) -> None:
    for text in ("é" * 300, "สวัสดีครับ" * 20, "x" * 1000, "😀" * 100):
        found = pieces(explain([text.encode()]))
        assert len(found) > 1
        assert "".join(piece.decode() for piece in found) == text


def test_what_is_blank_belongs_to_a_word(explain: Explainer) -> None:
    assert pieces(explain([b"   \n hello"])) == [b"   \n hello"]
    assert pieces(explain([b"  ", b" x", b""])) == [b"  ", b" x"]


def smaller(sizes: tuple[int, ...] = (3,), normalise: bool = False, logistic: bool = True) -> tf.Graph:
    """A model of another version: n-grams of other sizes in a smaller table, no norm, other names and constants; that
    looks at something else than the text as it is, if asked to."""
    random_weights = np.random.default_rng(5).integers(-(1 << 15), 1 << 15, 1 << 12).astype(np.int64)
    random_weights[0] = 0
    with v1.Graph().as_default() as graph:
        message = v1.placeholder(tf.string, [None], name="message")
        text = tf.strings.regex_replace(message, "(\u200b|&shy;)", "") if normalise else message
        flat = tf.strings.join([b"\0" * 16, tf.strings.reduce_join(text, axis=0, separator=b"\0" * 20), b"\0" * 40])
        codes = tf.cast(tf.io.decode_raw(tf.strings.lower(flat), tf.uint8), tf.int64)
        positions = (tf.size(codes) - 8) // 4 * 4
        found = []
        for size in sizes:
            gram = codes[:positions]
            for place in range(1, size):
                gram = gram * 31 + codes[place : positions + place]
            found.append(tf.gather(tf.constant(random_weights), tf.math.floormod(gram, 1 << 12)))
        length = tf.cast(tf.strings.length(text), tf.int64)
        ends = tf.cumsum(length + 20)
        first, end = (ends - length - 10) // 4, (ends + 3) // 4
        summed = tf.reduce_sum(tf.reshape(tf.add_n(found), [-1, 4]), axis=1)
        running = tf.concat([tf.zeros([1], tf.int64), tf.cumsum(summed)], axis=0)
        margin = tf.cast(tf.gather(running, end) - tf.gather(running, first), tf.float64)
        logits = 0.25 + margin * (1.5 / (1 << 16))
        if not logistic:
            tf.identity(logits, name="score")
            return graph
        table = (1 / (1 + np.exp(-np.arange(-80, 81) / 10))).astype(np.float32)
        steps = tf.cast(tf.round(tf.clip_by_value(logits, -8, 8) * 10), tf.int32) + 80
        tf.identity(tf.gather(tf.constant(table), steps), name="score")
    return graph


@pytest.mark.parametrize("sizes", [(3,), (1, 5), (2, 3, 7)])
def test_a_model_of_another_version_is_known_by_its_graph(sizes: tuple[int, ...]) -> None:
    """No number of this version's code is in what explains it."""
    explain = Explainer(smaller(sizes))
    assert {size for _, size in explain.anatomy.sum.grams} == set(sizes)
    assert (explain.anatomy.sum.bias, explain.anatomy.sum.norm) == (0.25, "")
    check_sums(explain(some_texts(500, 6)))


def test_what_is_trained_today_is_explained(tmp_path: Path) -> None:
    """Whoever changes the classifier's graph hears of it here: else people would be told estimates from then on."""
    with v1.Graph().as_default(), v1.Session() as session:
        spam.build()
        session.run(v1.global_variables_initializer())
        for variable in v1.global_variables():
            if variable.name.startswith("weights_fixed"):
                values = np.random.default_rng(8).integers(-(1 << 16), 1 << 16, variable.shape[0])
                session.run(variable.assign(np.where(np.arange(len(values)) == 0, 0, values).astype(np.int32)))
        content = freeze.freeze(session)
    explain = Explainer(frozen.load(content))
    assert [size for _, size in explain.anatomy.sum.grams] == list(spam.SIZES)
    check_sums(explain(some_texts(300, 9)))


def test_what_a_graph_makes_of_a_text_is_told_as_the_text_has_it() -> None:
    """A model may look at texts without what is hidden in them: people are shown what was sent."""
    explain = Explainer(smaller(normalise=True))
    text = "fr\u200bee pri&shy;ze for you, cl\u200baim it".encode()
    explained = explain([b"plain words", text, b""])
    check_sums(explained)
    found = pieces(explained)
    assert b"".join(found) == b"plain words" + text
    words = [word for piece in found for word in piece.split()]
    assert b"pri&shy;ze" in words
    assert "cl\u200baim".encode() in words


def test_a_graph_that_is_something_else_is_a_foreign_one(shipped: bytes, shipped_graph: tf.Graph) -> None:
    assert anatomy.find(smaller(logistic=False).as_graph_def(), "score") is None, "no logistic function"
    assert anatomy.find(shipped_graph.as_graph_def(), "features/Sqrt") is None
    assert anatomy.find(shipped_graph.as_graph_def(), "no such node") is None

    def changed(name: str, change: str) -> v1.GraphDef:
        graph_def = frozen.parse(shipped)
        [node] = [node for node in graph_def.node if node.name == name]
        if change == "float weights":
            node.attr["dtype"].type = tf.float32.as_datatype_enum
        elif change == "another function":
            values = tf.make_ndarray(node.attr["value"].tensor).copy()
            values[len(values) // 3] = 0.9
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))
        else:
            node.op = change
        return graph_def

    for name, change in (
        ("weights_fixed", "float weights"),
        ("Const_2", "another function"),
        ("fixed/AddN", "Max"),
        ("fixed/Cumsum", "Cumprod"),
        ("features/mul_4", "MatMul"),
        ("score", "Tanh"),
    ):
        assert ngram_sums.find(changed(name, change), "score") is None, name


def test_a_graph_with_circles_is_told_in_no_time() -> None:
    """It comes from a stranger, and the producer looks at it before TensorFlow would refuse it."""
    graph_def = smaller().as_graph_def()
    for node in graph_def.node:
        if node.op in ("AddV2", "Mul", "Identity", "Cast", "AddN"):
            node.input[0] = node.name
            assert ngram_sums.find(graph_def, "score") is None


def test_rules_that_hold_are_reasons_too(tmp_path: Path) -> None:
    from tests.support.model_room import succeed

    rules = tmp_path / "rules.toml"
    rules.write_text(
        "[thresholds]\nspam = 0.9\n[[allow]]\nname = 'codes'\nphrases = ['your code']\n"
        "[[deny]]\nname = 'hosts'\ndomains = ['bad.example']\n"
        "[[points]]\nname = 'urgent'\npoints = 1.5\nphrases = ['act now']\n"
        "[[points]]\nname = 'kind'\npoints = -0.5\nphrases = ['best wishes']\n"
    )
    output = tmp_path / "guarded.pb"
    succeed("rules", rules, "--on", ROOT / "data" / "spam.pb", "--output", output)
    explain = Explainer(frozen.load(output.read_bytes()))
    texts = [
        b"your code is at bad.example",
        b"act now at bad.example. best wishes",
        b"nothing of it",
        b"act now, best wishes",
    ]
    explained = explain(texts, most=1)
    check_sums(explained)
    assert explained.rules == [
        [("codes", "allow")],
        [("hosts", "deny"), ("urgent", 1.5)],
        [],
        [("urgent", 1.5)],
    ]
    assert explained.cells(1)[1].as_py().startswith(b"rule:hosts deny; rule:urgent +1.50; ")
