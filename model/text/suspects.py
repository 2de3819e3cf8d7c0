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
SEPARATORS = "\\x00-\\x0f\\x20-\\x2f"  # controls, space and punctuation: two bits tell them
_LEAST = 4  # letters that stand alone, one behind the other; a power of two


def any_of_them() -> str:
    """What matches a message that is to be folded."""
    return "|".join([letter(), entity(), spaced()])


def letter() -> str:
    """What matches where a letter may stand for another, or for nothing."""
    alike = letters.charset(letters.lookalikes())
    return f"[{letters.charset(letters.folded())}]|[A-Za-z]\\C*[{alike}]|[{alike}]\\C*[A-Za-z]"


def entity() -> str:
    """What matches an HTML entity that stands for something else than markup."""
    return f"&(?:#[xX]?[0-9A-Fa-f]|(?:{'|'.join(sorted(letters.entities()))});)"


def spaced() -> str:
    """What matches letters that stand alone, with the same sign between each two."""
    same = (f"\\x{code:02x}" for code in (*range(0x10), *range(0x20, 0x30)))
    runs = "|".join(f"(?:{each}[^{SEPARATORS}]){{{_LEAST - 1}}}" for each in same)
    return f"(?:^|[{SEPARATORS}])[^{SEPARATORS}0-9](?:{runs})(?:[{SEPARATORS}]|$)"


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
    inner = words[_LEAD // _BYTES : -_LEAD // _BYTES]

    # An ampersand, less it and 1, has its highest bit; so have bytes that are not ASCII, and some behind an ampersand.
    odd = _ones(_and(_or(inner, _xor(inner, _AMPERSAND) - _ONE), _HIGH))

    # Counts are taken eight by eight, too: this is several times as fast as bytes.
    last = (tf.size(odd) - 1) // _BYTES * _BYTES
    both = _words(alone[:last]) + _words(alone[1 : last + 1])
    crowds = _and(both, _bytes(256 - _LEAST))  # its bits from _LEAST on
    is_found = tf.reshape(tf.bitcast(_or(crowds, _words(odd[:last])), tf.uint8), [-1])
    found = tf.where(is_found)[:, 0]
    is_crowd = tf.gather(tf.reshape(tf.bitcast(crowds, tf.uint8), [-1]), found) > 0
    found += _LEAD // _BYTES
    found = tf.boolean_mask(found, is_crowd | _tell(octets, found * _BYTES))
    # It is the last message that begins before the end of the word, or, with letters in both, before that of the next.
    ends = tf.concat([found, found + 1], axis=0) * _BYTES + (_BYTES - 1)
    owners = tf.searchsorted(start, ends, side="right", out_type=tf.int64) - 1
    return tf.unique(owners).y


def _tell(octets: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Whether one of the eight pairs of bytes from each place on may be of a disguise."""
    table = np.zeros(1 << 16, bool)
    for code in (*letters.folded(), *letters.lookalikes()):
        encoded = chr(code).encode()
        at = 1 if len(encoded) == 3 else 0  # of three bytes the last two: quotes and dashes share the first two
        table[encoded[at] << 8 | encoded[at + 1]] = True
    for first in "#", *(name[0] for name in letters.entities()):
        table[ord("&") << 8 | ord(first)] = True
    window = tf.cast(tf.gather(octets, places[:, tf.newaxis] + tf.range(_BYTES + 1, dtype=tf.int64)), tf.int32)
    pairs = window[:, :-1] * 256 + window[:, 1:]
    return tf.reduce_any(tf.gather(tf.constant(table), pairs), axis=1)


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
