"""The spam classifier's graph: one string placeholder `text`, one output `score`, all text processing inside.

Logistic regression on hashed byte n-grams: of two bytes, which disguise hardly touches, and of four and six, which hold
words. Bytes need no tokenizer and no language. Case makes no difference, nor does a digit in place of the letter that
it looks like.

A micro-batch becomes one flat byte vector with gaps of NULs between the messages, so nothing is padded to the longest
message and no length is too long. The weights are fixed-point integers: integer sums are exact in any order, so a
message's score is the same to the last bit whatever it was batched with.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.compat import v1

from model.text import plain

SIZES = (2, 4, 6)  # of the n-grams in bytes; each is made of pairs
TABLE_BITS = 16  # 2^16 int32 weights, 256 KB, stay in the cache; pairs have them all, the rest is hashed over them
BLOCK = 8  # bytes; n-grams are summed by blocks first
REACH = max(SIZES) - 1  # bytes before a message where its first n-gram starts, and after it where its last one ends
# Before, between and after messages, so wide that no block has n-grams of two messages: a message owns the blocks that
# have its n-grams, and all else in them is NULs, which weigh nothing.
GAP = b"\0" * (REACH + BLOCK - 1)

WEIGHT_ONE = 1 << 16  # the fixed-point 1.0
WEIGHT_LIMIT = 1 << 10  # largest |weight|: a block's int32 sum cannot overflow, and training stays far below
LOGIT_ONE = 1 << 10  # scores have this many steps per unit of logit
LOGIT_LIMIT = 16  # beyond it float32 scores are 0 or 1 to six digits

# Digits that commonly stand for letters; one of them for two, so these are one.
_LIKE = bytes.maketrans(b"01l3457", b"oiieast")

# Odd numbers that mix bits well: Knuth's multiplicative hash (TAOCP vol. 3, 6.4), and MurmurHash3's finaliser.
_MIX = (np.int32(-1640531535), np.int32(-2048144789))


class Spam(NamedTuple):
    """The graph's named parts. N is the number of messages, any from 0."""

    text: tf.Tensor  # placeholder, string [N]: the raw bytes of each message, of any length
    score: tf.Tensor  # float32 [N] in [0, 1]: the probability of spam, from the fixed-point weights
    margins: tf.Tensor  # float32 [N]: uncalibrated logits from the trained weights, differentiable; for training only
    squares: tf.Tensor  # float32 []: the sum of the squared weight of each n-gram in the messages; for training only
    intercept: tf.Variable  # float32 []: what is added to each margin; for training only
    ratios: tf.Variable  # float32 [2**TABLE_BITS]: what the trained weights are multiplied by; 1 unless assigned
    average: tf.Operation  # takes the trained weights into their running mean; run it where a pass ends
    quantise: tf.Operation  # derives the fixed-point weights from the float ones; run it before saving


class Serving(NamedTuple):
    """How the weights that are served follow from those that are trained: float32 scalars.

    A score is the logistic function of `scale` times the margin plus `shift`. They calibrate it, and become part of the
    fixed-point weights: serving does nothing for them.
    """

    scale: tf.Tensor | float = 1.0
    shift: tf.Tensor | float = 0.0
    rate: tf.Tensor | float = 1.0  # of the trained weights in their running mean, when `average` takes them into it
    share: tf.Tensor | float = 1.0  # of the trained weights in the served ones; the rest is the running mean


_AS_TRAINED = Serving()


class Features(NamedTuple):
    """The n-grams of a micro-batch. P is the number of its bytes, gaps counted; a multiple of BLOCK."""

    rows: list[tf.Tensor]  # for each n-gram size, int32 [P]: the table row of the n-gram at each byte; 0 in a gap
    first: tf.Tensor  # int64 [N]: index of the first block that each message owns
    end: tf.Tensor  # int64 [N]: index after that of the last
    norm: tf.Tensor  # float64 [N]: the root of the message's n-gram count


def build(serving: Serving = _AS_TRAINED) -> Spam:
    """Add the classifier to the default graph: the node `text`, the node `score`, and what training needs.

    Checkpoints keep all variables; `score` depends on the fixed-point ones alone, so freezing drops the others.
    """
    text = v1.placeholder(tf.string, [None], name="text")
    weights, weights_mean = (_variable(name, [1 << TABLE_BITS]) for name in ("weights", "weights_mean"))
    bias, bias_mean = (_variable(name, []) for name in ("bias", "bias_mean"))
    ratios = v1.get_variable("ratios", [1 << TABLE_BITS], tf.float32, v1.ones_initializer(), trainable=False)
    weights_fixed = v1.get_variable(
        "weights_fixed", [1 << TABLE_BITS], tf.int32, v1.zeros_initializer(), trainable=False
    )
    bias_fixed = v1.get_variable("bias_fixed", [], tf.int32, v1.zeros_initializer(), trainable=False)

    with tf.name_scope("features"):
        grams = features(text)
    with tf.name_scope("margins"):
        # Row 0, where all NULs are, weighs nothing.
        found = [_look_up(weights, rows) * tf.cast(rows > 0, tf.float32) for rows in grams.rows]
        scaled = [each * _look_up(ratios, rows) for each, rows in zip(found, grams.rows, strict=True)]
        margins = tf.cast(_sum_per_message(grams, scaled, tf.float64) / grams.norm, tf.float32) + bias
        squared = _sum_per_message(grams, [tf.square(each) for each in found], tf.float64)
        squares = tf.cast(tf.reduce_sum(squared), tf.float32)
    with tf.name_scope("fixed"):
        found_fixed = [_look_up(weights_fixed, rows) for rows in grams.rows]
        total = tf.cast(_sum_per_message(grams, found_fixed, tf.int64), tf.float64)
        logits = (total / grams.norm + tf.cast(bias_fixed, tf.float64)) / WEIGHT_ONE
    tf.cast(logits, tf.float32, name="logit")  # a stable name, for those who build on this graph
    score = tf.identity(_sigmoid(logits), name="score")
    with tf.name_scope("mean"):
        pairs = [(weights, weights_mean), (bias, bias_mean)]
        average = tf.group(*(mean.assign_add((each - mean) * serving.rate) for each, mean in pairs), name="averaged")
    with tf.name_scope("quantise"):
        table, constant = (mean + (each - mean) * serving.share for each, mean in pairs)
        fixed = tf.concat([[0], _to_fixed((table * ratios)[1:] * serving.scale)], axis=0)
        shifted = _to_fixed(constant * serving.scale + serving.shift)
        quantise = tf.group(weights_fixed.assign(fixed), bias_fixed.assign(shifted), name="quantised")
    return Spam(text, score, margins, squares, bias, ratios, average, quantise)


def _variable(name: str, shape: list[int]) -> tf.Variable:
    return v1.get_variable(name, shape, tf.float32, v1.zeros_initializer(), trainable=not name.endswith("_mean"))


def features(text: tf.Tensor) -> Features:
    """Find the n-grams of texts: string [N]."""
    joined = tf.strings.reduce_join(text, axis=0, separator=GAP)
    with tf.name_scope("disguised"):
        disguised = plain.disguised(text, joined, len(GAP))
    read_as = tf.strings.reduce_join(disguised.texts, axis=0, separator=GAP)
    flat = tf.strings.join([GAP, joined, GAP, read_as, GAP + b"\0" * BLOCK])
    codes = tf.cast(_folded(tf.io.decode_raw(flat, tf.uint8)), tf.int32)
    positions = (tf.size(codes) - max(SIZES)) // BLOCK * BLOCK

    # The low bits of such a sum are a hash of all of its pairs.
    pairs = codes[: positions + 4] * np.int32(256) + codes[1 : positions + 5]
    fours = pairs[:positions] * _MIX[0] + pairs[2 : positions + 2]
    sixes = fours * _MIX[1] + pairs[4:]
    rows = [pairs[:positions], *(tf.bitwise.bitwise_and(each, (1 << TABLE_BITS) - 1) for each in (fours, sixes))]

    lengths = tf.cast(tf.concat([tf.strings.length(text), tf.strings.length(disguised.texts)], axis=0), tf.int64)
    ends = tf.cumsum(lengths + len(GAP))
    # A message in disguise is there twice, and counts as it is read.
    count = tf.size(text, out_type=tf.int64)
    behind = count + tf.range(tf.size(disguised.rows, out_type=tf.int64))
    which = tf.tensor_scatter_nd_update(tf.range(count), disguised.rows[:, tf.newaxis], behind)
    length, end = tf.gather(lengths, which), tf.gather(ends, which)
    first = (end - length - REACH) // BLOCK
    norm = tf.sqrt(tf.cast(sum(SIZES) - len(SIZES) + len(SIZES) * length, tf.float64))
    return Features(rows, first, (end - 1) // BLOCK + 1, norm)


def _folded(octets: tf.Tensor) -> tf.Tensor:
    """Bytes without capitals and without the digits that look like letters; the last one may be left out.

    They are looked up two by two: half of the time of looking up each.
    """
    table = np.frombuffer(bytes(range(256)).lower().translate(_LIKE), np.uint8).astype(np.uint16)
    both = table[:, np.newaxis] << 8 | table
    twos = tf.bitcast(tf.reshape(octets[: tf.size(octets) // 2 * 2], [-1, 2]), tf.uint16)
    found = tf.gather_nd(tf.constant(both.ravel()), tf.cast(twos, tf.int32)[:, tf.newaxis])
    return tf.reshape(tf.bitcast(found, tf.uint8), [-1])


def _look_up(table: tf.Variable, rows: tf.Tensor) -> tf.Tensor:
    return tf.gather_nd(table, rows[:, tf.newaxis])  # two thirds of the time of tf.gather, on single numbers


def _sum_per_message(grams: Features, found: list[tf.Tensor], dtype: tf.DType) -> tf.Tensor:
    """Sum the weights of each message's n-grams: `dtype` [N]. Exact, so independent of the batch, for integers."""
    per_block = tf.cast(tf.reduce_sum(tf.reshape(tf.add_n(found), [-1, BLOCK]), axis=1), dtype)
    running = tf.concat([tf.zeros([1], dtype), tf.cumsum(per_block)], axis=0)
    return tf.gather(running, grams.end) - tf.gather(running, grams.first)


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
