"""Texts in disguise are read as people read them; all others are what they were, to the byte."""

import re
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.compat import v1

from benchmarks import disguises
from model import inspection
from model.corpus import Labelled
from model.graph import freeze, frozen, row_class
from model.text import plain, suspects
from model.training import spam, train

Read = Callable[..., list[bytes]]
MESSAGE = "You have won a free £500 gift card. Text claim to 80082 now, T&Cs apply"


@pytest.fixture(scope="module")
def read() -> Iterator[Read]:
    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None])
        disguised = plain.disguised(text, tf.strings.reduce_join(text, axis=0, separator=spam.GAP), len(spam.GAP))
        found = tf.tensor_scatter_nd_update(text, disguised.rows[:, tf.newaxis], disguised.texts)
    with v1.Session(graph=graph) as session:
        run = session.make_callable(found, feed_list=[text])
        yield lambda *texts: list(
            run(np.array([each if isinstance(each, bytes) else each.encode() for each in texts], object))
        )


@pytest.mark.parametrize(
    "kind", ["Cyrillic", "other scripts", "mathematical", "entities", "zero width", "soft hyphens", "capitals"]
)
def test_a_disguise_of_every_word_is_seen_through(read: Read, kind: str) -> None:
    disguised = disguises.disguise(MESSAGE.encode(), 1, kind, share=1)
    assert disguised != MESSAGE.encode()
    assert read(disguised)[0].decode().lower() == MESSAGE.lower()


@pytest.mark.parametrize(
    ("disguised", "meant"),
    [
        ("Get F R E E cash", "Get FREE cash"),
        ("y o u   w o n   a   p r i z e", "you won a prize"),
        ("F.R.E.E money", "FREE money"),
        ("F-r-e-e money", "Free money"),
        ("무 료 쿠 폰 받으세요", "무료쿠폰 받으세요"),
        ("ｆｒｅｅ ８００８２", "free 80082"),
        ("𝐅𝐫𝐞𝐞 𝒎𝒐𝒏𝒆𝒚 𝟖𝟎", "free money 80"),
        ("ⓕⓡⓔⓔ 🅵🆁🅴🅴 ꜰʀᴇᴇ ᶠʳᵉᵉ 🇫🇷🇪🇪", "free free free free free"),
        ("fr\u0301e\u0308\u0336e", "free"),
        ("f\u200br\u2060e\ufeffe \u202efree", "free free"),
        ("&#102;&#x72;&#101&#X65; &eacute;&eacute;n fr&shy;ee&nbsp;now", "free één free now"),
        ("ЅЕХ nоw", "sex now"),
        ("clаіm уоur рrіzе", "claim your prize"),
    ],
)
def test_what_is_meant_is_read(read: Read, disguised: str, meant: str) -> None:
    assert read(disguised)[0].decode() == meant


@pytest.mark.parametrize(
    "text",
    [
        MESSAGE,
        "",
        "how r u? i c u 2nite, b4 8. It's 3 p.m. at www.example.com, call 0800-123-456 or 1 2 3 4 5 6",
        "K52a M227XY PO19 2EZ 150p/msg 16+, W1J 6HL or SE15LL b4u",
        "&lt;#&gt; Tom &amp; Jerry &copy; AT&T; & &&",
        "don’t “quote” — well… £5 €6",
        "Привет, как дела? Купи iPhone, а я с ним о СМС и WhatsApp в 5 часов",
        "оса и рот, а не хор",
        "Καλημέρα, πώς είσαι; Η TV είναι ανοιχτή και το WiFi",
        "恭喜您中奖！免费领取大礼，请点击链接 http://prize.example.com　你好",
        "엄마 나 오늘 조금 늦어요 ㅋㅋㅋ TV",
        "おはようございます、カタカナ ABC。",
        "Où est le café? L'été préféré. Mañana, señor. Größe, łza, kız. Tiếng Việt được",
        "שלום وعليكم السلام नमस्ते สวัสดี",
        "👍🎁 ok",
    ],
)
def test_what_is_no_disguise_keeps_its_bytes(read: Read, text: str) -> None:
    assert read(text) == [text.encode()]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.sampled_from("abcdeXYZ £éя,.!"), min_size=2, max_size=9).map(lambda each: each + "ab")))
def test_ordinary_words_are_the_same_as_before(read: Read, words: list[str]) -> None:
    text = " ".join("".join(each for each in word if each.isascii()) for word in words).encode()
    if not re.search(rb"(?s)(?:^|[\x00-\x0f\x20-\x2f])[^ -/](?:[ -/]{1,3}[^ -/]){3}(?:[ -/]|$)", text):
        assert read(text) == [text]


def test_digits_that_stand_for_letters_are_no_other_n_grams() -> None:
    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None])
        rows = spam.features(text).rows
    with v1.Session(graph=graph) as session:
        one, other, third = (
            session.run(rows, {text: np.array([each], object)})
            for each in (b"Win a Free prize, see it to-day", b"w1N 4 fr33 pr1ze, 533 17 70-d4y", b"Win a Free pride")
        )
    assert not all(np.array_equal(*each) for each in zip(one, third, strict=True))
    assert all(np.array_equal(*each) for each in zip(one, other, strict=True))


messages = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text(st.sampled_from("a b&#x1;3éаЯ\u200b\u0301𝐅Ｆ.-\0"), max_size=40).map(str.encode),
    st.sampled_from([b"", b"&", b"&#", b"&#x", b"\0", b"F R E E", b"\xef\xbc", b"&#55296;", b"&#99999999999;"]),
)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(messages, max_size=20), random=st.randoms(use_true_random=False))
def test_any_bytes_are_read_whatever_stands_beside_them(read: Read, texts: list[bytes], random: Random) -> None:
    alone = [read(text)[0] for text in texts]
    order = list(range(len(texts)))
    random.shuffle(order)
    assert read(*(texts[row] for row in order)) == [alone[row] for row in order]


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(messages, max_size=20))
def test_the_fast_look_misses_nothing_that_the_expression_finds(looks: Read, texts: list[bytes]) -> None:
    fast, all_of_them = looks(texts)
    assert set(fast) == set(all_of_them)


@pytest.fixture(scope="module")
def looks() -> Iterator[Callable[[list[bytes]], list[list[int]]]]:
    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None])
        found = suspects.rows(text, tf.strings.reduce_join(text, axis=0, separator=spam.GAP), len(spam.GAP))
        expected = tf.where(suspects.matches(text, suspects.any_of_them()))[:, 0]
    with v1.Session(graph=graph) as session:
        yield lambda texts: session.run([found, expected], {text: np.array(texts, object)})


def test_a_worker_takes_the_graph_and_finds_rows_exact() -> None:
    data = Labelled(np.array([b"free cash", b"see you"] * 4, object), np.array([True, False] * 4))
    with train.trained(data, train.Plan(epochs=1)) as result:
        content = freeze.freeze(result.session)
    found = inspection.inspect(content)
    assert (found.accepted, found.refused, found.why_not) == (True, [], None)
    graph = frozen.load(content)
    assert row_class.judge(graph, ["score"]).best == "exact"
    with v1.Session(graph=graph) as session:
        one, other = session.run(
            "score:0", {"text:0": [MESSAGE.encode(), disguises.disguise(MESSAGE.encode(), 1, "mathematical", 1)]}
        )
    assert one == other
    assert found.bytes < 1 << 21


def test_no_messages_have_no_n_grams() -> None:
    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None])
        found = spam.features(text)
    with v1.Session(graph=graph) as session:
        assert len(session.run(found.norm, {text: np.array([], object)})) == 0
