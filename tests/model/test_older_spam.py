"""Older models go on working: a job may name one, and a user may have kept one. So its graph must load and score.

Not a copy of the first model shipped: its construction in short, n-grams of 3 bytes in a small table of weights made
up here, with the ops that it used. The scores are computed a second time, in Python.
"""

import math

import numpy as np
import tensorflow as tf
from tensorflow.compat import v1

from model.graph import frozen
from model.quality import evaluate

BITS, BLOCK, ONE = 10, 8, 1 << 16
WEIGHTS = (np.arange(1 << BITS) * 40503 % 65536 - 32768).astype(np.int32)
MIX = 2654435761


def older() -> bytes:
    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None], name="text")
        length = tf.strings.length(text)
        padding = tf.gather(
            [b"\0" * (2 + extra) for extra in range(BLOCK)], tf.bitwise.bitwise_and(5 - length, BLOCK - 1)
        )
        messages = tf.strings.join([tf.fill(tf.shape(text), b"\x02"), text, padding])
        blocks = tf.cast(tf.strings.length(messages) // BLOCK, tf.int64)
        flat = tf.strings.reduce_join(tf.concat([messages, [b"\0" * BLOCK]], axis=0), axis=0)
        codes = tf.cast(tf.io.decode_raw(flat, tf.uint8), tf.int32)
        size = tf.size(codes) - BLOCK
        grams = codes[:size] * 65536 + codes[1 : size + 1] * 256 + codes[2 : size + 2]
        top = tf.bitwise.right_shift(grams * np.int32(MIX - (1 << 32)), np.int32(32 - BITS))
        found = tf.gather(WEIGHTS, tf.bitwise.bitwise_and(top, (1 << BITS) - 1)) * tf.minimum(codes[:size], 1)
        sums = tf.cumsum(tf.cast(tf.reduce_sum(tf.reshape(found, [-1, BLOCK]), axis=1), tf.int64))
        running = tf.concat([tf.zeros([1], tf.int64), sums], axis=0)
        ends = tf.cumsum(blocks)
        margin = tf.cast(tf.gather(running, ends) - tf.gather(running, ends - blocks), tf.float64)
        logits = margin / tf.sqrt(tf.cast(length + 1, tf.float64)) / ONE
        tf.identity(tf.cast(tf.sigmoid(logits), tf.float32), name="score")
    content: bytes = graph.as_graph_def().SerializeToString()
    return content


def expected(text: bytes) -> float:
    padded = b"\x02" + text + b"\0\0"
    rows = [
        (int.from_bytes(padded[at : at + 3], "big") * MIX % (1 << 32)) >> (32 - BITS) for at in range(len(text) + 1)
    ]
    logit = sum(int(WEIGHTS[row]) for row in rows) / math.sqrt(len(text) + 1) / ONE
    return 1 / (1 + math.exp(-logit))


def test_a_graph_built_as_the_first_model_was_loads_and_scores() -> None:
    texts = [b"", b"see you at lunch", b"claim your free prize now! " * 9, "무료 쿠폰".encode()]
    scores = evaluate.score(frozen.load(older()), np.array(texts, dtype=object))
    np.testing.assert_allclose(scores, [expected(text) for text in texts], rtol=1e-6)
