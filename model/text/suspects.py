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
    return np.int64(int.from_bytes(bytes([value]) * _BYTES, "little", signed=True))


_HIGH, _BIT_6 = _bytes(0x80), _bytes(0x40)
_SEPARATORS = "\\x00-\\x0f\\x20-\\x2f"  # controls, space and punctuation: two bits tell them
_SPACED = (
    f"(?:^|[{_SEPARATORS}])[^{_SEPARATORS}](?:(?:[{_SEPARATORS}][^{_SEPARATORS}]){{3}}"
    f"|(?:[{_SEPARATORS}]{{1,3}}[^{_SEPARATORS}]){{6}})(?:[{_SEPARATORS}]|$)"
)
_DIGITS = "[A-Za-z][013457-9][A-Za-z]"


def rows(texts: tf.Tensor) -> tf.Tensor:
    """The row numbers, int64 [S] and in no order, of those of texts [N] that are to be folded."""
    suspects = _rows(texts)
    is_disguised = tf.strings.regex_full_match(tf.gather(texts, suspects), _expression())
    return tf.boolean_mask(suspects, is_disguised)


def _expression() -> str:
    alike = letters.charset(code for code, value in letters.lookalikes().items() if value & letters.FOREIGN)
    accented = letters.charset(code for code, value in letters.lookalikes().items() if value & letters.ACCENTED)
    parts = [
        f"[{letters.charset(letters.folded())}]",
        f"[A-Za-z]\\C*[{alike}]",
        f"[{alike}]\\C*[A-Za-z]",
        f"[{accented}][A-Za-z]*[{accented}]",
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
    # Bit 6 of each byte says what it is, and what the others become is of no concern.
    odd = tf.bitwise.left_shift(whole, np.int64(2))  # bit 4
    visible = octets_of(tf.bitwise.bitwise_or(whole, odd))  # neither: it separates
    inner = words(visible, 1)
    apart = tf.bitwise.bitwise_or(words(visible, 0), words(visible, 2))
    alone = tf.bitwise.bitwise_xor(tf.bitwise.bitwise_or(inner, apart), apart)
    count = tf.raw_ops.PopulationCount(x=_and(alone, _BIT_6))
    crowds = tf.where(tf.bitwise.bitwise_and(count[:-1] + count[1:], np.uint8(0xFC)))[:, 0]  # four or more

    digit = tf.bitwise.bitwise_xor(inner, words(octets, 1))
    inside = _and(_and(words(octets, 0), words(octets, 2)), _and(digit, _BIT_6))
    # An ampersand, less it and 1, has its highest bit; so have bytes that are not ASCII, and some behind an ampersand.
    ampersand = tf.bitwise.bitwise_xor(whole, _bytes(ord("&"))) - _bytes(1)
    high = _and(tf.bitwise.bitwise_or(whole, ampersand)[:-1], _HIGH)
    found = tf.where(tf.bitwise.bitwise_or(high, inside))[:, 0]
    places = tf.concat([found, crowds, crowds + 1], axis=0)
    owners = tf.searchsorted(start, places * _BYTES + (_BYTES + 1), side="right", out_type=tf.int64) - 1
    return tf.unique(tf.maximum(owners, 0)).y


def _and(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    return tf.bitwise.bitwise_and(one, other)
