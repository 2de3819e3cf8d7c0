"""Which messages may be in disguise: found fast, so that all others pay next to nothing.

Eight bytes at a time say which messages cannot be; an expression decides about the rest. What the first lets through
decides nothing, so a message's verdict depends on no other message.
"""

import numpy as np
import tensorflow as tf

from model.text import letters

_BYTES = 8  # of a word
_LEAD = 64  # bytes before the first message: TensorFlow copies slices that begin elsewhere than at a multiple of it


def _bytes(value: int) -> np.int64:
    """A byte eight times."""
    return np.int64(int.from_bytes(bytes([value]) * _BYTES, "little", signed=True))


_HIGH, _BIT_6, _ONE, _AMPERSAND = _bytes(0x80), _bytes(0x40), _bytes(1), _bytes(ord("&"))
_SEPARATORS = "\\x00-\\x0f\\x20-\\x2f"  # controls, space and punctuation: two bits tell them
_LEAST = 4  # letters that stand alone, one behind the other; a power of two
_SPACED = (
    f"(?:^|[{_SEPARATORS}])[^{_SEPARATORS}](?:(?:[{_SEPARATORS}][^{_SEPARATORS}]){{3}}"
    f"|(?:[{_SEPARATORS}]{{1,3}}[^{_SEPARATORS}]){{6}})(?:[{_SEPARATORS}]|$)"
)
_DIGITS = "[A-Za-z][013457-9][A-Za-z]\\C*[A-Za-z][013457-9][A-Za-z]"  # twice: a postcode has one


def any_of_them() -> str:
    """What matches a message that is to be folded."""
    return "|".join([letter(), entity(), _SPACED, _DIGITS])


def letter() -> str:
    """What matches where a letter may stand for another, or for nothing."""
    alike = letters.charset(letters.lookalikes())
    return f"[{letters.charset(letters.folded())}]|[A-Za-z]\\C*[{alike}]|[{alike}]\\C*[A-Za-z]"


def entity() -> str:
    """What matches an HTML entity that stands for something else than markup."""
    return f"&(?:#[xX]?[0-9A-Fa-f]|(?:{'|'.join(sorted(letters.entities()))});)"


def rows(texts: tf.Tensor, joined: tf.Tensor, gap: int) -> tf.Tensor:
    """The row numbers, int64 [S] and in no order, of those of texts [N] that are to be folded. `joined` is all of them,
    with `gap` NULs between two."""
    suspects = _rows(texts, joined, gap)
    return tf.boolean_mask(suspects, matches(tf.gather(texts, suspects), any_of_them()))


def matches(texts: tf.Tensor, expression: str) -> tf.Tensor:
    """Whether the expression matches anywhere in each of texts [R]: bool [R]."""
    return tf.strings.regex_full_match(texts, f"\\C*(?:{expression})\\C*")


def _rows(texts: tf.Tensor, joined: tf.Tensor, gap: int) -> tf.Tensor:
    """All that the expression could match, and more."""
    if gap < _BYTES:
        raise ValueError("a word would have bytes of several messages")
    start = tf.cumsum(tf.cast(tf.strings.length(texts), tf.int64) + gap, exclusive=True) + _LEAD
    flat = tf.strings.join([b"\0" * _LEAD, joined, b"\0" * (4 * _LEAD)])
    octets = tf.io.decode_raw(flat, tf.uint8)
    end = tf.size(octets) // _BYTES * _BYTES
    words = _words(octets[:end])

    # Bit 6 of each byte says whether it is more than a separator, and what the others become is of no concern.
    twice = words + words
    visible = tf.reshape(tf.bitcast(_or(words, twice + twice), tf.uint8), [-1])  # bit 4 has become bit 6
    here, before, behind = (_words(visible[_LEAD + at : end - _LEAD + at]) for at in (0, -1, 1))
    beside = _or(before, behind)
    alone = _ones(_and(_xor(_or(here, beside), beside), _BIT_6))
    # In the words themselves it tells letters: from a visible byte that is none, between two.
    left, right = (_words(octets[_LEAD + at : end - _LEAD + at]) for at in (-1, 1))
    inner = words[_LEAD // _BYTES : -_LEAD // _BYTES]
    digits = _and(_and(_and(left, right), _xor(inner, here)), _BIT_6)

    # An ampersand, less it and 1, has its highest bit; so have bytes that are not ASCII, and some behind an ampersand.
    odd = _ones(_or(_and(_or(inner, _xor(inner, _AMPERSAND) - _ONE), _HIGH), digits))

    # Counts are taken eight by eight, too: this is several times as fast as bytes.
    last = (tf.size(odd) - 1) // _BYTES * _BYTES
    both = _words(alone[:last]) + _words(alone[1 : last + 1])
    is_found = _or(_and(both, _bytes(256 - _LEAST)), _words(odd[:last]))  # a crowd: its bits from _LEAST on
    found = tf.where(tf.reshape(tf.bitcast(is_found, tf.uint8), [-1]))[:, 0] + _LEAD // _BYTES
    # It is the last message that begins before the end of the word, or, with letters in both, before that of the next.
    ends = tf.concat([found, found + 1], axis=0) * _BYTES + (_BYTES - 1)
    owners = tf.searchsorted(start, ends, side="right", out_type=tf.int64) - 1
    return tf.unique(owners).y


def _words(octets: tf.Tensor) -> tf.Tensor:
    return tf.bitcast(tf.reshape(octets, [-1, _BYTES]), tf.int64)


def _ones(words: tf.Tensor) -> tf.Tensor:
    """How many bits are set, uint8."""
    return tf.raw_ops.PopulationCount(x=words)


def _and(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    return tf.bitwise.bitwise_and(one, other)


def _or(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    return tf.bitwise.bitwise_or(one, other)


def _xor(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
    return tf.bitwise.bitwise_xor(one, other)
