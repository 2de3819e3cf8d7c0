"""Texts without disguise: full-width, mathematical and look-alike letters, entities, what nobody sees, spaced letters.
(Digits in place of letters are no matter of this: n-grams don't tell the two apart.)

What is found in few messages is done for these alone, in code points. All is whole numbers, and each message is treated
by itself. A message in which none is found keeps its bytes, whatever they are.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from model.text import letters, suspects
from model.text.suspects import SEPARATORS

_BAD = 0xFFFD
_LARGEST = 0x10FFFF
_DIGITS = 8  # of an entity's number at most
_WINDOW = 12  # characters of an entity at most: &#x, its digits, and a semicolon


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
    [found] = _only_if(tf.size(rows) > 0, lambda texts: (folded(texts),), tf.gather(texts, rows))
    return Disguised(rows, found)


def folded(texts: tf.Tensor) -> tf.Tensor:
    """Texts [R] without disguise: of those that were found to have one."""
    has_entities = tf.reduce_any(suspects.matches(texts, suspects.entity()))
    has_letters = tf.reduce_any(suspects.matches(texts, suspects.letter()))
    [read] = _only_if(has_entities | has_letters, lambda texts: (_by_characters(texts, has_entities),), texts)
    return _without_spacing(read)


def _by_characters(texts: tf.Tensor, has_entities: tf.Tensor) -> tf.Tensor:
    count = tf.size(texts, out_type=tf.int64)
    text = _decoded(texts)
    text = _Text(*_only_if(has_entities, lambda *text: _without_entities(_Text(*text)), *text))
    text = _without_lookalikes(_with_plain_letters(text), count)
    splits = tf.searchsorted(text.rows, tf.range(count + 1), out_type=tf.int64)
    return tf.raw_ops.UnicodeEncode(
        input_values=text.codes, input_splits=splits, output_encoding="UTF-8", errors="replace"
    )


def _only_if(is_so: tf.Tensor, change: Callable[..., tuple[tf.Tensor, ...]], *given: tf.Tensor) -> list[tf.Tensor]:
    """What is given, changed if that is so. (`tf.cond` makes functions, whose names tell how much was built before:
    the same graph would be other bytes the next time.)"""
    apart = [tf.raw_ops.Switch(data=each, pred=is_so) for each in given]
    changed = change(*(each.output_true for each in apart))
    return [
        tf.raw_ops.Merge(inputs=[each.output_false, other]).output for each, other in zip(apart, changed, strict=True)
    ]


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


def _without_spacing(texts: tf.Tensor) -> tf.Tensor:
    """In texts with spaced letters, all that stand alone are joined, and words are a space apart.

    Marks do it, of what Unicode has as no characters: expressions can't look at what is beside a match.
    """
    sign, letter, behind, begin, end = f"[{SEPARATORS}]", f"[^{SEPARATORS}]", "\ufdd0", "\ufdd1", "\ufdd2"
    joined = texts
    for expression, to in (
        (f"[{behind}{begin}{end}]", ""),
        (f"({sign})", f"\\1{behind}"),  # so that each letter has a border of its own before it
        (f"(^|{behind})({letter})({sign}|$)", f"{begin}\\2{end}\\3"),
        (f"{end}{sign}{begin}|[{behind}{begin}{end}]", ""),
        ("  +", " "),
    ):
        joined = tf.strings.regex_replace(joined, expression, to)
    return tf.where(suspects.matches(texts, suspects.spaced()), joined, texts)


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


def _previous(values: tf.Tensor, first: object) -> tf.Tensor:
    return tf.concat([tf.constant([first], values.dtype), values], axis=0)[:-1]


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
