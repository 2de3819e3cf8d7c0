"""Splitting texts into tokens, in TensorFlow ops: each preset gives the tokens that its Python original gives.

Expressions are RE2's, which knows no look-ahead, and whose `\\w` is ASCII: what Python means is spelled out here.
"""

import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import tensorflow as tf

from model.errors import ModelError

# They mark places in a text, and are taken out of it before: as in Python, they separate words.
_BEGIN, _END, _UPPER, _CAPITAL, _TURN = "\x02", "\x03", "\x04", "\x05", "\x06"
_MARKS = "[\x02-\x06]"
_NO_CHARACTER = "\ufdd0"  # Unicode promises never to make one of it
Tokens = Any  # a RaggedTensor of strings, [texts, (tokens)]


def valid(texts: tf.Tensor) -> tf.Tensor:
    """The texts as UTF-8: what is none becomes U+FFFD, as Python's `errors="replace"` makes it."""
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")


def lower(texts: tf.Tensor) -> tf.Tensor:
    """Lower case, by TensorFlow's tables of Unicode."""
    # What is behind a NUL would be lost: meanwhile a code point that no text has stands in its place.
    texts = tf.strings.regex_replace(texts, "\\x{0}", _NO_CHARACTER)
    return tf.strings.regex_replace(tf.strings.lower(texts, encoding="utf-8"), _NO_CHARACTER, "\x00")


def of_keras(texts: tf.Tensor, filters: str, split: str) -> Tokens:
    """What `text_to_word_sequence` gives: each of `filters` becomes `split`, and there the text is cut."""
    if filters:
        texts = tf.strings.regex_replace(texts, f"[{_escaped(filters)}]", _rewrite(split))
    return _without_empty(tf.strings.split(texts, split) if split != " " else _cut(texts, " "))


def of_vocabulary_processor(texts: tf.Tensor) -> Tokens:
    """What the tokenizer of `tf.contrib.learn.preprocessing.VocabularyProcessor` gives.

    Its expression is [A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\\'\\w\\-]+. Instead of looking ahead, upper-case letters
    are marked by what follows them, and so is the turn from a lower-case letter to an upper-case one.
    """
    word = f"'\\-{_class(_is_word)}"
    texts = tf.strings.regex_replace(texts, f"[^{word}]+", " ")
    texts = tf.strings.regex_replace(texts, "([A-Z])", rf"{_UPPER}\1")
    texts = tf.strings.regex_replace(texts, f"{_UPPER}([A-Z][a-z])", rf"{_CAPITAL}\1")
    texts = tf.strings.regex_replace(texts, f"([a-z])([{_UPPER}{_CAPITAL}])", rf"\1{_TURN}\2")
    one = f"(?:{_UPPER}[A-Z]){{2,}}|{_CAPITAL}[A-Z][a-z]+{_TURN}|[{word}{_UPPER}{_CAPITAL}{_TURN}]+"
    texts = tf.strings.regex_replace(texts, f"({one})", r"\1 ")
    return _without_empty(_cut(tf.strings.regex_replace(texts, f"[{_UPPER}{_CAPITAL}{_TURN}]", ""), " "))


def of_whitespace(texts: tf.Tensor) -> Tokens:
    """What `str.split()` gives."""
    return _without_empty(_cut(tf.strings.regex_replace(texts, f"[{_class(str.isspace)}]+", " "), " "))


def of_characters(texts: tf.Tensor) -> Tokens:
    """The text's characters, that is, its code points."""
    return tf.strings.unicode_split(texts, "UTF-8")


def of_regex(texts: tf.Tensor, pattern: str) -> Tokens:
    """All matches of an expression of RE2's, from left to right; empty ones are none."""
    texts = tf.strings.regex_replace(texts, _MARKS, " ")
    marked = tf.strings.regex_replace(texts, f"({pattern})", rf"{_END}{_BEGIN}\1{_END}")
    parts = _cut(marked, _END)
    is_match = tf.strings.regex_full_match(parts.flat_values, f"(?s){_BEGIN}.+")
    found = tf.ragged.boolean_mask(parts, parts.with_flat_values(is_match))
    return found.with_flat_values(tf.strings.substr(found.flat_values, 1, -1))


def check_regex(pattern: str) -> None:
    """Raise ModelError, with RE2's reason, if it takes no such expression."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        try:
            session.run(tf.strings.regex_replace(["a"], f"({pattern})", r"\1"))
        except (tf.errors.InvalidArgumentError, ValueError) as error:
            reason = str(getattr(error, "message", error)).splitlines()[0]
            raise ModelError(f"RE2 does not take the expression {pattern!r}: {reason}") from None


def _cut(texts: tf.Tensor, separator: str) -> Tokens:
    """`text.split(separator)`, of one character."""
    return tf.strings.split(texts, separator)


def _without_empty(tokens: Tokens) -> Tokens:
    return tf.ragged.boolean_mask(tokens, tokens.with_flat_values(tf.not_equal(tokens.flat_values, "")))


def _escaped(characters: str) -> str:
    return "".join(f"\\x{{{ord(character):x}}}" for character in characters)


def _rewrite(text: str) -> str:
    return text.replace("\\", "\\\\")


def _is_word(character: str) -> bool:
    return re.fullmatch(r"\w", character) is not None


@lru_cache
def _class(holds: Callable[[str], bool]) -> str:
    """The characters of which Python says so, as the inside of a class of RE2's."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if 0xD800 <= code < 0xE000 or not holds(chr(code)):  # half a surrogate is no character
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in ranges)
