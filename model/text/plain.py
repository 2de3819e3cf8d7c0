"""Texts without disguise: full-width, mathematical and look-alike letters, entities, what nobody sees, spaced letters,
digits in place of letters.

What is found in few messages is done for these alone, in code points. All is whole numbers, and each message is treated
by itself. A message in which none is found keeps its bytes, whatever they are.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from model.text import letters, suspects

_BAD = 0xFFFD
_LARGEST = 0x10FFFF
_DIGITS = 8  # of an entity's number at most
_WINDOW = 12  # characters of an entity at most: &#x, its digits, and a semicolon
_GAP = 3  # characters between spaced letters at most
_LOOKALIKE_DIGITS = "oi?eas?tbg"  # by digit
_INSIDE = 2  # digits between two letters each, in a text where they stand for letters
_MANY = 3  # digits between two letters, from where on they stand for letters in words of hardly any letters, too
_LINKS = 3  # between spaced letters, one behind the other, at least


class _Text(NamedTuple):
    """The characters of R texts, one behind the other."""

    codes: tf.Tensor  # int32 [C]
    rows: tf.Tensor  # int64 [C]: which text's they are, ascending

    def keep(self, is_kept: tf.Tensor) -> "_Text":
        return _Text(tf.boolean_mask(self.codes, is_kept), tf.boolean_mask(self.rows, is_kept))


class Disguised(NamedTuple):
    """Those of N texts that are read as something else, in no order."""

    rows: tf.Tensor  # int64 [R]: which they are
    texts: tf.Tensor  # string [R]: without disguise


def disguised(texts: tf.Tensor, joined: tf.Tensor, gap: int) -> Disguised:
    """Find them in texts [N], any bytes. `joined` is all of them, with `gap` NULs between two."""
    rows = suspects.rows(texts, joined, gap)
    found = tf.cond(tf.size(rows) > 0, lambda: folded(tf.gather(texts, rows)), lambda: tf.zeros([0], tf.string))
    return Disguised(rows, found)


def folded(texts: tf.Tensor) -> tf.Tensor:
    """Texts [R] without disguise: of those that were found to have one."""
    count = tf.size(texts, out_type=tf.int64)
    has_entities = tf.reduce_any(suspects.matches(texts, suspects.entity()))
    has_letters = has_entities | tf.reduce_any(suspects.matches(texts, suspects.letter()))
    text = _decoded(texts)
    text = _if(has_entities, _without_entities, text)
    text = _if(has_letters, lambda text: _without_lookalikes(_with_plain_letters(text), count), text)
    text = _without_digits(_without_spacing(text), count)
    splits = tf.searchsorted(text.rows, tf.range(count + 1), out_type=tf.int64)
    return tf.raw_ops.UnicodeEncode(
        input_values=text.codes, input_splits=splits, output_encoding="UTF-8", errors="replace"
    )


def _if(is_there: tf.Tensor, change: Callable[[_Text], _Text], text: _Text) -> _Text:
    """Changed, if there is anything to change. Few messages have disguises of several kinds: they pay for theirs."""
    return _Text(*tf.cond(is_there, lambda: tuple(change(text)), lambda: tuple(text)))


def _decoded(texts: tf.Tensor) -> _Text:
    """A byte that is no UTF-8 is the character that it is in Latin-1."""
    decoded = tf.raw_ops.UnicodeDecodeWithOffsets(input=texts, input_encoding="UTF-8", errors="replace")
    codes = decoded.char_values
    places = tf.range(tf.size(codes, out_type=tf.int64))
    rows = tf.searchsorted(decoded.row_splits, places, side="right", out_type=tf.int64) - 1
    starts = tf.cumsum(tf.cast(tf.strings.length(texts), tf.int64), exclusive=True)
    octets = tf.io.decode_raw(tf.strings.join([tf.strings.reduce_join(texts, axis=0), b"\0"]), tf.uint8)
    octets = tf.cast(tf.gather(octets, tf.gather(starts, rows) + decoded.char_to_byte_starts), tf.int32)
    is_bad = tf.equal(codes, _BAD) & tf.not_equal(octets, 0xEF)  # U+FFFD itself begins with that byte
    return _Text(tf.where(is_bad, octets, codes), rows)


def _without_entities(text: _Text) -> _Text:
    begin = tf.where(tf.equal(text.codes, ord("&")))  # int64 [E, 1]
    places = begin + tf.range(_WINDOW, dtype=tf.int64)
    size = tf.size(text.codes, out_type=tf.int64)
    inner = tf.minimum(places, size - 1)
    rows = tf.gather(text.rows, inner)
    is_mine = (places < size) & tf.equal(rows, rows[:, :1])
    window = tf.where(is_mine, tf.gather(text.codes, inner), 0)

    is_number = tf.equal(window[:, 1], ord("#"))
    is_hex = is_number & tf.equal(tf.bitwise.bitwise_or(window[:, 2], 32), ord("x"))
    number, length, going = tf.zeros_like(window[:, 0], tf.int64), 2 + tf.cast(is_hex, tf.int32), is_number
    shifted = tf.where(is_hex[:, tf.newaxis], window[:, 3:], window[:, 2:-1])
    base = tf.where(is_hex, np.int64(16), np.int64(10))
    first = length
    for at in range(_DIGITS):
        code = shifted[:, at]
        lower = tf.bitwise.bitwise_or(code, 32)
        letter = is_hex & (lower >= ord("a")) & (lower <= ord("f"))
        going &= letter | ((code >= ord("0")) & (code <= ord("9")))
        digit = tf.cast(tf.where(letter, lower - (ord("a") - 10), code - ord("0")), tf.int64)
        number = tf.where(going, number * base + digit, number)
        length += tf.cast(going, tf.int32)
    is_number &= length > first
    is_character = (number > 0) & (number <= _LARGEST) & ((number < 0xD800) | (number >= 0xE000))
    number = tf.where(is_character, number, np.int64(_BAD))
    ends = tf.gather(window, tf.minimum(length, _WINDOW - 1), batch_dims=1)
    length += tf.cast(tf.equal(ends, ord(";")), tf.int32)

    names = sorted((_packed(name), len(name), code) for name, code in letters.entities().items())
    keys, sizes, values = (np.array(each) for each in zip(*names, strict=True))
    name, going = tf.zeros_like(window[:, 0], tf.int64), tf.ones_like(is_number)
    is_named = tf.zeros_like(is_number)
    for at in range(1, letters.ENTITY_LENGTH + 1):
        code = window[:, at]
        is_semicolon = tf.equal(code, ord(";"))
        is_going = going & ~is_semicolon & (code > 0) & (code < 128)
        name = tf.where(is_going, name * 128 + tf.cast(code, tf.int64), name)
        is_named |= going & is_semicolon
        going = is_going
    found = tf.minimum(tf.searchsorted(tf.constant(keys, tf.int64), name), len(keys) - 1)
    is_named &= tf.equal(tf.gather(tf.constant(keys, tf.int64), found), name)
    number = tf.where(is_named, tf.gather(tf.constant(values, tf.int64), found), number)
    length = tf.where(is_named, tf.gather(tf.constant(sizes + 2, tf.int32), found), length)

    is_entity = is_named | is_number
    begin, length = tf.boolean_mask(begin, is_entity), tf.boolean_mask(length, is_entity)
    codes = tf.tensor_scatter_nd_update(text.codes, begin, tf.cast(tf.boolean_mask(number, is_entity), tf.int32))
    behind = tf.range(1, _WINDOW)
    rest = tf.boolean_mask(begin + tf.cast(behind, tf.int64), behind < length[:, tf.newaxis])
    return _Text(codes, text.rows).keep(_all_but(rest, codes))


def _packed(name: str) -> int:
    number = 0
    for character in name:
        number = number * 128 + ord(character)
    return number


def _without_spacing(text: _Text) -> _Text:
    """Letters that stand alone are joined, if the same sign is between them; farther apart than others, a word ends."""
    is_between = (text.codes < 128) & tf.equal(tf.bitwise.bitwise_and(text.codes, 0x50), 0)  # as in `suspects`
    starts = tf.concat([[True], tf.not_equal(text.rows[1:], text.rows[:-1])], axis=0)[: tf.size(text.rows)]
    ends = _next(starts, True)
    is_alone = ~is_between & (starts | _previous(is_between, True)) & (ends | _next(is_between, True))
    alone = tf.where(is_alone)[:, 0]
    gap = _next(alone, np.int64(0)) - alone - 1
    rows = tf.gather(text.rows, alone)
    sign = tf.gather(text.codes, tf.minimum(alone + 1, tf.size(text.codes, out_type=tf.int64) - 1))
    is_linked = tf.equal(rows, _next(rows, np.int64(-1))) & (gap > 0) & (gap <= _GAP)  # to the next one
    begins = ~_previous(is_linked, False) | tf.not_equal(sign, _previous(sign, 0))  # else "It's 3 p.m." would be joined
    runs = tf.cumsum(tf.cast(begins, tf.int32)) - 1
    is_letter = ~_is_digit(tf.gather(text.codes, alone))
    links, all_letters = _sums([is_linked, is_linked & is_letter], runs, tf.size(runs))
    is_linked &= (links >= _LINKS) & (all_letters >= _LINKS - 1)
    gap = tf.where(is_linked, gap, _GAP + 1)
    is_tight = (gap <= _previous(gap, np.int64(_GAP + 1))) & (gap <= _next(gap, np.int64(_GAP + 1)))
    behind = tf.range(1, _GAP + 1, dtype=tf.int64)
    is_gone = is_linked[:, tf.newaxis] & (behind <= gap[:, tf.newaxis]) & (is_tight[:, tf.newaxis] | (behind > 1))
    return text.keep(_all_but(tf.boolean_mask(alone[:, tf.newaxis] + behind, is_gone), text.codes))


def _words(text: _Text, is_in_word: tf.Tensor) -> tf.Tensor:
    """Numbers of words, int32 [C]; what is in none has the number of the word before."""
    begins = is_in_word & ~(_previous(is_in_word, False) & tf.equal(text.rows, _previous(text.rows, np.int64(-1))))
    return tf.cumsum(tf.cast(begins, tf.int32))


def _sums(parts: list[tf.Tensor], segments: tf.Tensor, count: tf.Tensor) -> list[tf.Tensor]:
    """How many of the characters of each one's segment are so."""
    numbers = tf.stack([tf.cast(part, tf.int32) for part in parts], axis=1)
    found = tf.gather(tf.math.unsorted_segment_sum(numbers, segments, count), segments)
    return list(tf.unstack(found, axis=1))


def _is_latin(codes: tf.Tensor) -> tf.Tensor:
    lower = tf.bitwise.bitwise_or(codes, 32)
    return (lower >= ord("a")) & (lower <= ord("z"))


def _is_digit(codes: tf.Tensor) -> tf.Tensor:
    return (codes >= ord("0")) & (codes <= ord("9"))


def _with_plain_letters(text: _Text) -> _Text:
    """Letters that mean Latin ones wherever they stand become those, and what nobody sees goes."""
    changes = {code: (to - code if to != letters.DELETED else -_LARGEST - 1) for code, to in letters.folded().items()}
    codes = text.codes + _look_up(changes, text.codes)
    return text._replace(codes=codes).keep(codes >= 0)


def _without_lookalikes(text: _Text, count: tf.Tensor) -> _Text:
    """Letters of other scripts become Latin ones in words with Latin letters, and in those made of nothing but what is
    hardly told from Latin, where the message has Latin letters and no word that can only be of another script."""
    alike = _look_up(letters.lookalikes(), text.codes)
    latin = tf.bitwise.bitwise_and(alike, letters.SAME - 1)
    is_same, is_foreign = (tf.bitwise.bitwise_and(alike, flag) > 0 for flag in (letters.SAME, letters.FOREIGN))
    is_latin = _is_latin(text.codes)
    words = _words(text, is_latin | is_foreign | _is_digit(text.codes))
    mixed, other = _sums([is_latin, is_foreign & ~is_same], words, tf.size(words) + 1)
    is_really_foreign = is_foreign & tf.equal(mixed, 0) & (other > 0)
    latins, really = _sums([is_latin, is_really_foreign], text.rows, count)
    is_meant = (mixed > 0) | ((latins > 0) & tf.equal(really, 0))
    return text._replace(codes=tf.where((latin > 0) & is_meant, latin, text.codes))


def _without_digits(text: _Text, count: tf.Tensor) -> _Text:
    """Where two stand between letters, digits in the text's words become the letters that they look like."""
    is_letter, is_digit = _is_latin(text.codes), _is_digit(text.codes)
    letter = tf.gather([ord(each) for each in _LOOKALIKE_DIGITS], tf.where(is_digit, text.codes - ord("0"), 2))
    is_alike = is_digit & tf.not_equal(letter, ord("?"))
    before = _previous(is_letter, False) & tf.equal(text.rows, _previous(text.rows, np.int64(-1)))
    after = _next(is_letter, False) & tf.equal(text.rows, _next(text.rows, np.int64(-1)))
    [inside] = _sums([is_alike & before & after], text.rows, count)
    words = _words(text, is_letter | is_digit)
    all_letters, all_digits = _sums([is_letter, is_digit], words, tf.size(words) + 1)
    is_word = (all_letters > 0) & ((all_digits <= all_letters) | (inside >= _MANY))
    return text._replace(codes=tf.where(is_alike & (inside >= _INSIDE) & is_word, letter, text.codes))


def _previous(values: tf.Tensor, first: object) -> tf.Tensor:
    return tf.concat([tf.constant([first], values.dtype), values], axis=0)[:-1]


def _next(values: tf.Tensor, last: object) -> tf.Tensor:
    return tf.concat([values, tf.constant([last], values.dtype)], axis=0)[1:]


def _all_but(places: tf.Tensor, of: tf.Tensor) -> tf.Tensor:
    """True at all places but these, which may be beyond the end: bool, shaped as `of`."""
    size = tf.size(of, out_type=tf.int64)
    places = tf.boolean_mask(places, places < size)
    counts = tf.scatter_nd(places[:, tf.newaxis], tf.ones_like(places), [size])
    return tf.equal(counts, 0)


def _look_up(values: dict[int, int], codes: tf.Tensor) -> tf.Tensor:
    places, pages = (tf.constant(each) for each in letters.table(values))
    begin = tf.gather(places, tf.bitwise.right_shift(codes, 8))
    return tf.gather(pages, begin + tf.bitwise.bitwise_and(codes, letters.PAGE - 1))
