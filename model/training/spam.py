"""The spam classifier's graph: one string placeholder `text`, one output `score`, all text processing inside.

Logistic regression on hashed byte n-grams: of two bytes, which disguise hardly touches, and of four and six, which hold
words. Bytes need no tokenizer and no language.

A micro-batch becomes one flat byte vector with gaps of NULs between the messages, so nothing is padded to the longest
message and no length is too long. The weights are fixed-point integers: integer sums are exact in any order, so a
message's score is the same to the last bit whatever it was batched with.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.compat import v1

SIZES = (2, 4, 6)  # of the n-grams in bytes; each is made of pairs
TABLE_BITS = 18  # 2^18 int32 weights are 1 MB; pairs have the first 2^16 rows, the rest is hashed over all of them
BLOCK = 8  # bytes; n-grams are summed by blocks first
REACH = max(SIZES) - 1  # bytes before a message where its first n-gram starts, and after it where its last one ends
# Before, between and after messages, so wide that no block has n-grams of two messages: a message owns the blocks that
# have its n-grams, and all else in them is NULs, which weigh nothing.
GAP = b"\0" * (REACH + BLOCK - 1)

WEIGHT_ONE = 1 << 16  # the fixed-point 1.0
WEIGHT_LIMIT = 1 << 10  # largest |weight|: a block's int32 sum cannot overflow, and training stays far below
LOGIT_ONE = 1 << 10  # scores have this many steps per unit of logit
LOGIT_LIMIT = 16  # beyond it float32 scores are 0 or 1 to six digits

# Odd numbers that mix bits well: Knuth's multiplicative hash (TAOCP vol. 3, 6.4), and MurmurHash3's finaliser.
_MIX = (np.int32(-1640531535), np.int32(-2048144789), np.int32(-1028477387))


class Spam(NamedTuple):
    """The graph's named parts. N is the number of messages, any from 0."""

    text: tf.Tensor  # placeholder, string [N]: the raw bytes of each message, of any length
    score: tf.Tensor  # float32 [N] in [0, 1]: the probability of spam, from the fixed-point weights
    logits: tf.Tensor  # float32 [N]: the same from the float weights, differentiable; for training only
    squares: tf.Tensor  # float32 []: the sum of the squared weight of each n-gram in the messages; for training only
    weights: tf.Variable  # float32 [2**TABLE_BITS]
    quantise: tf.Operation  # copies the float weights into the fixed-point ones; run it before saving


class _Features(NamedTuple):
    rows: list[tf.Tensor]  # for each n-gram size, int32 [P]: the table row of the n-gram at each byte; 0 in a gap
    first: tf.Tensor  # int64 [N]: index of the first block that each message owns
    end: tf.Tensor  # int64 [N]: index after that of the last
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
        # Row 0, where all NULs are, weighs nothing.
        found = [_look_up(weights, rows) * tf.cast(rows > 0, tf.float32) for rows in features.rows]
        logits = tf.cast(_sum_per_message(features, found, tf.float64) / features.norm, tf.float32) + bias
        squares = tf.add_n([tf.reduce_sum(tf.square(each)) for each in found])
    with tf.name_scope("fixed"):
        found_fixed = [_look_up(weights_fixed, rows) for rows in features.rows]
        margin = tf.cast(_sum_per_message(features, found_fixed, tf.int64), tf.float64)
        scores = _sigmoid((margin / features.norm + tf.cast(bias_fixed, tf.float64)) / WEIGHT_ONE)
    score = tf.identity(scores, name="score")
    with tf.name_scope("quantise"):
        fixed = tf.concat([[0], _to_fixed(weights[1:])], axis=0)
        assignments = [weights_fixed.assign(fixed), bias_fixed.assign(_to_fixed(bias))]
    return Spam(text, score, logits, squares, weights, tf.group(*assignments, name="quantised"))


def _features(text: tf.Tensor) -> _Features:
    length = tf.cast(tf.strings.length(text), tf.int64)
    flat = tf.strings.join([GAP, tf.strings.reduce_join(text, axis=0, separator=GAP), GAP + b"\0" * BLOCK])
    octets = tf.io.decode_raw(tf.strings.lower(flat), tf.uint8)  # lower: ASCII letters only, byte by byte
    codes = tf.cast(octets, tf.int32)
    positions = (tf.size(codes) - max(SIZES)) // BLOCK * BLOCK

    pairs = codes[: positions + 4] * np.int32(256) + codes[1 : positions + 5]
    fours = pairs[:positions] * _MIX[0] + pairs[2 : positions + 2]
    sixes = fours * _MIX[1] + pairs[4:]
    rows = [pairs[:positions], _top_bits(fours * _MIX[1]), _top_bits(sixes * _MIX[2])]

    end = tf.cumsum(length + len(GAP))
    first = (end - length - REACH) // BLOCK
    norm = tf.sqrt(tf.cast(sum(SIZES) - len(SIZES) + len(SIZES) * length, tf.float64))
    return _Features(rows, first, (end - 1) // BLOCK + 1, norm)


def _top_bits(hashed: tf.Tensor) -> tf.Tensor:
    unsigned = tf.bitcast(hashed, tf.uint32)  # else the sign would be shifted in
    return tf.bitcast(tf.bitwise.right_shift(unsigned, np.uint32(32 - TABLE_BITS)), tf.int32)


def _look_up(table: tf.Variable, rows: tf.Tensor) -> tf.Tensor:
    return tf.gather_nd(table, rows[:, tf.newaxis])  # two thirds of the time of tf.gather, on single numbers


def _sum_per_message(features: _Features, found: list[tf.Tensor], dtype: tf.DType) -> tf.Tensor:
    """Sum the weights of each message's n-grams: `dtype` [N]. Exact, so independent of the batch, for integers."""
    per_block = tf.cast(tf.reduce_sum(tf.reshape(tf.add_n(found), [-1, BLOCK]), axis=1), dtype)
    running = tf.concat([tf.zeros([1], dtype), tf.cumsum(per_block)], axis=0)
    return tf.gather(running, features.end) - tf.gather(running, features.first)


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
