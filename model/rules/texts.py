"""Texts as expressions see them."""

import tensorflow as tf

_UTF8 = r"[\x{0}-\x{D7FF}\x{E000}-\x{10FFFF}]*"


def utf8(texts: tf.Tensor) -> tf.Tensor:
    r"""Strings [N] in which what is not UTF-8 is U+FFFD, as Python's `errors="replace"` makes it.

    RE2's `.` and its classes match no other bytes: one of them would hide what is beside it.
    """
    is_valid = tf.strings.regex_full_match(texts, _UTF8)
    broken = tf.where(is_valid, tf.constant(""), texts)  # the others are not looked at, which saves most of the time
    return tf.where(is_valid, texts, tf.strings.unicode_transcode(broken, "UTF-8", "UTF-8", errors="replace"))
