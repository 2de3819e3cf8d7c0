"""The spam classifier's graph: one string placeholder `text`, one output `score`, all text processing inside.

Logistic regression on hashed byte n-grams. Bytes need no tokenizer and no language; they see through much obfuscation.

A micro-batch becomes one flat byte vector, each message on its own 8-byte blocks, so nothing is padded to the longest
message and no length is too long. The weights are fixed-point integers: integer sums are exact in any order, so a
message's score is the same to the last bit whatever it was batched with.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.compat import v1

ORDERS = (3, 5)  # n-gram sizes in bytes; a third size cost a gather each and gained nothing measurable
TABLE_BITS = 18  # 2^18 int32 weights are 1 MB: they stay in the cache
START = b"\x02"  # opens each message, so that its first n-grams differ from the same ones inside
BLOCK = 8  # bytes; a message starts on a block and owns whole blocks
TAIL = max(ORDERS) - 1  # NULs after each message: no n-gram reaches from one into the next

WEIGHT_ONE = 1 << 16  # the fixed-point 1.0
WEIGHT_LIMIT = 1 << 10  # largest |weight|: a block's int32 sum cannot overflow, and training stays far below
LOGIT_ONE = 1 << 10  # scores have this many steps per unit of logit
LOGIT_LIMIT = 16  # beyond it float32 scores are 0 or 1 to six digits

_MULTIPLIER = np.int32(-1640531535)  # 2654435761 mod 2^32, Knuth's multiplicative hash (TAOCP vol. 3, 6.4)
_SPREAD = np.int32(-2048144789)  # 2246822507, the first multiplier of MurmurHash3's finaliser


class Spam(NamedTuple):
    """The graph's named parts. N is the number of messages, any from 0."""

    text: tf.Tensor  # placeholder, string [N]: the raw bytes of each message, of any length
    score: tf.Tensor  # float32 [N] in [0, 1]: the probability of spam, from the fixed-point weights
    logits: tf.Tensor  # float32 [N]: the same from the float weights, differentiable; for training only
    weights: tf.Variable  # float32 [2**TABLE_BITS]
    quantise: tf.Operation  # copies the float weights into the fixed-point ones; run it before saving


class _Features(NamedTuple):
    buckets: list[tf.Tensor]  # for each n-gram order, int32 [P]: the table row of the n-gram that starts at each byte
    counts: tf.Tensor  # int32 [P]: 1 where a message's byte is, 0 at padding
    ends: tf.Tensor  # int64 [N]: index of the block after each message's last
    blocks: tf.Tensor  # int64 [N]: how many blocks each message owns
    norm: tf.Tensor  # float64 [N]: the root of the message's n-gram count


def build() -> Spam:
    """Add the classifier to the default graph: the node `text`, the node `score`, and what training needs.

    Checkpoints keep all four variables; `score` depends on the fixed-point ones alone, so freezing drops the others.
    """
    text = v1.placeholder(tf.string, [None], name="text")
    weights = v1.get_variable("weights", [1 << TABLE_BITS], tf.float32, v1.zeros_initializer())
    bias = v1.get_variable("bias", [], tf.float32, v1.zeros_initializer())
    weights_fixed = v1.get_variable(
        "weights_fixed", [1 << TABLE_BITS], tf.int32, v1.zeros_initializer(), trainable=False
    )
    bias_fixed = v1.get_variable("bias_fixed", [], tf.int32, v1.zeros_initializer(), trainable=False)

    with tf.name_scope("features"):
        features = _features(text)
    with tf.name_scope("logits"):
        margin = _sum_per_message(features, weights, tf.float64)
        logits = tf.cast(margin / features.norm, tf.float32) + bias
    with tf.name_scope("fixed"):
        margin_fixed = tf.cast(_sum_per_message(features, weights_fixed, tf.int64), tf.float64)
        logits_fixed = (margin_fixed / features.norm + tf.cast(bias_fixed, tf.float64)) / WEIGHT_ONE
        scores = _sigmoid(logits_fixed)
    score = tf.identity(scores, name="score")
    with tf.name_scope("quantise"):
        assignments = [weights_fixed.assign(_to_fixed(weights)), bias_fixed.assign(_to_fixed(bias))]
    return Spam(text, score, logits, weights, tf.group(*assignments, name="quantised"))


def _features(text: tf.Tensor) -> _Features:
    length = tf.strings.length(text)
    # START, the message, then NULs to a whole block, at least TAIL of them.
    spare = (-len(START) - TAIL) % BLOCK
    paddings = tf.constant([b"\0" * (TAIL + extra) for extra in range(BLOCK)])
    padding = tf.gather(paddings, tf.bitwise.bitwise_and(spare - length, BLOCK - 1))
    messages = tf.strings.join([tf.fill(tf.shape(text), START), text, padding])
    blocks = tf.cast(tf.strings.length(messages) // BLOCK, tf.int64)

    flat = tf.strings.reduce_join(tf.concat([messages, [b"\0" * BLOCK]], axis=0), axis=0)
    octets = tf.io.decode_raw(flat, tf.uint8)
    # 'A'..'Z' to lower case: in wrapping uint8, only they are below 26 once 'A' is taken away.
    is_upper = tf.cast(octets - np.uint8(ord("A")) < np.uint8(26), tf.uint8)
    codes = tf.cast(octets + is_upper * np.uint8(32), tf.int32)
    positions = tf.size(codes) - BLOCK

    buckets = []
    rolling = codes[:positions]
    for order in range(1, max(ORDERS) + 1):
        if order > 1:
            rolling = rolling * _MULTIPLIER + codes[order - 1 : positions + order - 1]
        if order in ORDERS:
            top_bits = tf.bitwise.right_shift((rolling + order) * _SPREAD, np.int32(32 - TABLE_BITS))
            buckets.append(tf.bitwise.bitwise_and(top_bits, np.int32((1 << TABLE_BITS) - 1)))
    # An n-gram that starts at padding may end in the next message: it does not count. Nor does a NUL in a message.
    counts = tf.minimum(codes[:positions], 1)
    norm = tf.sqrt(tf.cast(len(ORDERS) * (length + len(START)), tf.float64))
    return _Features(buckets, counts, tf.cumsum(blocks), blocks, norm)


def _sum_per_message(features: _Features, table: tf.Variable, dtype: tf.DType) -> tf.Tensor:
    """Sum `table` over each message's n-grams: `dtype` [N]. Exact, so independent of the batch, for integers."""
    per_byte = tf.add_n([tf.gather(table, bucket) for bucket in features.buckets])
    per_byte *= tf.cast(features.counts, table.dtype)
    per_block = tf.cast(tf.reduce_sum(tf.reshape(per_byte, [-1, BLOCK]), axis=1), dtype)
    running = tf.concat([tf.zeros([1], dtype), tf.cumsum(per_block)], axis=0)
    return tf.gather(running, features.ends) - tf.gather(running, features.ends - features.blocks)


def _to_fixed(values: tf.Tensor) -> tf.Tensor:
    limited = tf.clip_by_value(tf.cast(values, tf.float64), -WEIGHT_LIMIT, WEIGHT_LIMIT)
    return tf.cast(tf.round(limited * WEIGHT_ONE), tf.int32)


def _sigmoid(logits: tf.Tensor) -> tf.Tensor:
    """The logistic function by table: float64 [N] to float32 [N].

    `exp` differs in its last bit between a vector's body and its tail, and between processors; a table does not.
    """
    steps = np.arange(-LOGIT_LIMIT * LOGIT_ONE, LOGIT_LIMIT * LOGIT_ONE + 1)
    table = tf.constant((1 / (1 + np.exp(-steps / LOGIT_ONE))).astype(np.float32))
    step = tf.round(tf.clip_by_value(logits, -LOGIT_LIMIT, LOGIT_LIMIT) * LOGIT_ONE)
    return tf.gather(table, tf.cast(step, tf.int32) + LOGIT_LIMIT * LOGIT_ONE)
