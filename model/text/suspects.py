"""Which messages may be in disguise: found fast, so that all others pay next to nothing.

Eight bytes at a time say which messages cannot be; an expression decides about the rest. What the first lets through
decides nothing, so a message's verdict depends on no other message.
"""

import numpy as np
import tensorflow as tf

from model.text import letters

_GAP = b"\0" * 16  # so wide that two words of 8 bytes, side by side, have bytes of one message only
_BYTES = 8


def _bytes(value: int) -> np.int64:
    """A byte eight times."""
    return np.frombuffer(bytes([value]) * _BYTES, np.int64)[0]


_HIGH = _bytes(0x80)
_SEPARATORS = "\\x00-\\x0f\\x20-\\x2f"  # controls, space and punctuation: two bits tell them
_SPACED = (
    f"(?:^|[{_SEPARATORS}])[^{_SEPARATORS}](?:(?:[{_SEPARATORS}][^{_SEPARATORS}]){{3}}"
    f"|(?:[{_SEPARATORS}]{{1,3}}[^{_SEPARATORS}]){{6}})(?:[{_SEPARATORS}]|$)"
)
_DIGITS = "(?:[A-Za-z][013457-9][A-Za-z]\\C*){2}"


def rows(texts: tf.Tensor) -> tf.Tensor:
    """The row numbers, int64 [S] and in no order, of those of texts [N] that are to be folded."""
    suspects = _rows(texts)
    is_disguised = tf.strings.regex_full_match(tf.gather(texts, suspects), _expression())
    return tf.boolean_mask(suspects, is_disguised)


def _expression() -> str:
    alike = letters.charset(letters.lookalikes())
    parts = [
        f"[{letters.charset(letters.folded())}]",
        f"[A-Za-z]\\C*[{alike}]",
        f"[{alike}]\\C*[A-Za-z]",
        f"&(?:#[xX]?[0-9A-Fa-f]|(?:{'|'.join(sorted(letters.entities()))});)",
        _SPACED,
        _DIGITS,
    ]
    return f"\\C*(?:{'|'.join(parts)})\\C*"


def _rows(texts: tf.Tensor) -> tf.Tensor:
    """All that the expression could match, and more."""
    length = tf.cast(tf.strings.length(texts), tf.int64)
    start = tf.cumsum(length + len(_GAP), exclusive=True) + len(_GAP)
    flat = tf.strings.join([_GAP, tf.strings.reduce_join(texts, axis=0, separator=_GAP), _GAP])
    octets = tf.io.decode_raw(flat, tf.uint8)
    end = (tf.size(octets) - _BYTES) // _BYTES * _BYTES

    def words(of: tf.Tensor, behind: int) -> tf.Tensor:
        """The bytes that are so far behind each byte, as int64."""
        return tf.bitcast(tf.reshape(of[behind : end + behind], [-1, _BYTES]), tf.int64)

    def octets_of(of: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.bitcast(of, tf.uint8), [-1])

    whole = tf.bitcast(tf.reshape(octets[: end + _BYTES], [-1, _BYTES]), tf.int64)
    # The highest bit of each byte says what it is, and what the others become is of no concern.
    letter = tf.bitwise.left_shift(whole, np.int64(1))  # bit 6
    odd = tf.bitwise.left_shift(whole, np.int64(3))  # bit 4
    visible = tf.bitwise.bitwise_or(letter, odd)  # neither: it separates
    visible_octets, letter_octets = octets_of(visible), octets_of(letter)
    apart = tf.bitwise.bitwise_or(words(visible_octets, 0), words(visible_octets, 2))
    alone = _and(_and(words(visible_octets, 1), tf.bitwise.invert(apart)), _HIGH)
    count = tf.raw_ops.PopulationCount(x=alone)
    crowd = count[:-1] + count[1:] >= np.uint8(4)

    digit = _and(words(octets_of(odd), 1), tf.bitwise.invert(words(letter_octets, 1)))
    inside = _and(_and(words(letter_octets, 0), words(letter_octets, 2)), digit)
    ampersand = tf.bitwise.bitwise_xor(whole, _bytes(ord("&")))
    ampersand = _and(ampersand - _bytes(1), tf.bitwise.invert(ampersand))
    other = tf.bitwise.bitwise_or(tf.bitwise.bitwise_or(whole, ampersand)[:-1], inside)
    found = tf.where(tf.not_equal(_and(other, _HIGH), np.int64(0)))[:, 0]
    crowds = tf.where(crowd)[:, 0]
    places = tf.concat([found, crowds, crowds + 1], axis=0)
    owners = tf.searchsorted(start, places * _BYTES + (_BYTES + 1), side="right", out_type=tf.int64) - 1
    return tf.unique(tf.maximum(owners, 0)).y


def _and(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    return tf.bitwise.bitwise_and(one, other)
