"""The spam model: what it says, and that a message's score is the message's alone."""

import hashlib
import re
from collections.abc import Iterator
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.compat import v1

from model import inspection
from tests.model.conftest import ROOT

LONG = b"Dear winner, " * 8000  # 104 kB

Scores = npt.NDArray[np.float32]


class Model:
    """The shipped model in one session, as a worker holds it."""

    def __init__(self, graph: tf.Graph) -> None:
        self.run = v1.Session(graph=graph).make_callable("score:0", feed_list=["text:0"])

    def __call__(self, *texts: bytes | str) -> Scores:
        encoded = [text.encode() if isinstance(text, str) else text for text in texts]
        scores: Scores = self.run(np.array(encoded, dtype=object))
        return scores


@pytest.fixture(scope="module")
def model(shipped_graph: tf.Graph) -> Iterator[Model]:
    return Model(shipped_graph)


@pytest.mark.parametrize(
    "text",
    [
        "CONGRATULATIONS! You have WON a FREE £500 gift card. Text CLAIM to 80082 now, T&Cs apply",
        "URGENT: your account is suspended. Verify your password at http://secure-login.example.com/id",
        "[광고] 무료 쿠폰 당첨! 지금 바로 클릭하세요 http://bit.example.com/abc",
        "恭喜您中奖！免费领取大礼，请点击链接 http://prize.example.com 领取奖金",
    ],
)
def test_obvious_spam_scores_high(model: Model, text: str) -> None:
    assert model(text)[0] > 0.9


@pytest.mark.parametrize(
    "text",
    [
        "I'm on the bus, be home in twenty minutes. Need anything from the shop?",
        "The meeting moved to Thursday at three, see you there",
        "엄마 나 오늘 조금 늦어요. 저녁 먼저 드세요",
        "我到家了，你明天几点下班？一起吃饭吧",
        "ok",
    ],
)
def test_ordinary_messages_score_low(model: Model, text: str) -> None:
    assert model(text)[0] < 0.5


# What people send, what they should not, and bytes that mean something to the graph's own layout.
messages = st.one_of(
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
    st.sampled_from([b"", b"\0", b"\0\0\0\0", b"\x02", b"\x02free", b"free\0", b"WIN cash", b"x" * 7, b"x" * 8]),
)


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(messages, min_size=1, max_size=40), random=st.randoms(use_true_random=False), size=st.integers(1, 9)
)
def test_a_score_depends_on_the_message_alone(model: Model, texts: list[bytes], random: Random, size: int) -> None:
    """To the last bit: alone, in any order, in batches of any size. Else a job's file would depend on its workers."""
    alone = np.concatenate([model(text) for text in texts])

    order = list(range(len(texts)))
    random.shuffle(order)
    shuffled = model(*(texts[row] for row in order))
    np.testing.assert_array_equal(shuffled, alone[order])

    batches = [model(*texts[start : start + size]) for start in range(0, len(texts), size)]
    np.testing.assert_array_equal(np.concatenate(batches), alone)


def test_a_score_does_not_depend_on_a_neighbour_however_large(model: Model) -> None:
    ordinary = b"see you at lunch"
    assert model(LONG, ordinary, LONG * 20, ordinary, b"")[[1, 3]].tolist() == model(ordinary, ordinary).tolist()


@pytest.mark.parametrize("lengths", [range(17), range(16, -1, -1)])
def test_a_message_of_any_length_has_its_score_between_any_others(model: Model, lengths: range) -> None:
    """The gap between two messages holds at every place in a block."""
    texts = [b"free cash!"[:length] + b"x" * (length - 10) for length in lengths]
    assert model(*texts).tolist() == [model(text)[0] for text in texts]


def test_upper_and_lower_case_score_the_same(model: Model) -> None:
    assert model("FREE entry AZ")[0] == model("free ENTRY az")[0]


@pytest.mark.parametrize(
    "text", [b"", b"\0", b"\0" * 1000, b"\xff\xfe\xfd", "무료".encode()[:-1], LONG, b"A", "🎁".encode() * 500]
)
def test_any_bytes_have_a_score(model: Model, text: bytes) -> None:
    (score,) = model(text)
    assert score.dtype == np.float32
    assert 0 <= score <= 1


def test_the_end_of_a_long_message_counts(model: Model) -> None:
    spam, filler = b"claim your free prize now! ", b"see you at lunch then, love. "
    assert model(filler * 100)[0] < model(filler * 100 + spam * 300)[0]


@pytest.mark.parametrize(
    "disguised",
    [
        "You have W O N a F R E E £500 gift card. Text C L A I M to 80082 now, T&Cs apply",
        "Y0u h4v3 w0n 4 fr33 £500 g1ft c4rd. T3xt cl41m t0 80082 n0w, T&Cs 4pply",
        "Yоu hаvе wоn а frее £500 gift саrd. Техt сlаim tо 80082 nоw, T&Cs аррlу",
        "You ha.ve w-o-n a f*r*e*e £500 g_i_f_t c.a.r.d. Te.xt cl.a.im to 80082 now, T&Cs apply",
    ],
)
def test_spam_in_disguise_scores_high(model: Model, disguised: str) -> None:
    assert model(disguised)[0] > 0.9


def test_no_messages_have_no_scores(model: Model) -> None:
    scores = model()
    assert (scores.shape, scores.dtype) == ((0,), np.float32)


def test_the_model_card_is_about_the_model_we_ship(shipped: bytes) -> None:
    card = (ROOT / "data" / "spam.md").read_text(encoding="utf-8")
    assert re.findall(r"\b[0-9a-f]{64}\b", card)[0] == hashlib.sha256(shipped).hexdigest()


def test_the_shipped_model_is_small_and_acceptable(shipped: bytes) -> None:
    found = inspection.inspect(shipped)
    assert found.refused == []
    assert found.placeholders == [inspection.TensorInfo("text", "string", [-1])]
    assert found.outputs == [inspection.TensorInfo("score", "float32", [-1])]
    assert found.bytes <= 4_200_000
