"""Texts as expressions see them."""

from collections.abc import Callable

import tensorflow as tf

_UTF8 = r"[\x{0}-\x{D7FF}\x{E000}-\x{10FFFF}]*"


def utf8(texts: tf.Tensor) -> tf.Tensor:
    r"""Strings [N] in which what is not UTF-8 is U+FFFD, as Python's `errors="replace"` makes it.

    RE2's `.` and its classes match no other bytes: one of them would hide what is beside it.
    """
    return mended(texts, tf.strings.regex_full_match(texts, _UTF8), replaced)


def replaced(texts: tf.Tensor) -> tf.Tensor:
    """The same for each text, at thrice the cost where most are UTF-8."""
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")


def mended(texts: tf.Tensor, is_good: tf.Tensor, mend: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Strings [N], of which those that are not good, bool [N], went through `mend`, which sees no others."""
    rows = tf.where(tf.logical_not(is_good))[:, 0]
    every = tf.range(tf.size(texts))
    result = tf.dynamic_stitch([every, tf.cast(rows, tf.int32)], [texts, mend(tf.gather(texts, rows))])
    result.set_shape([None])
    return result
