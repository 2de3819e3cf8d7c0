"""How spammers disguise the words that filters look for: the bait stays readable to people and changes its bytes.

Links are left alone, since a disguised link would no longer open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from data.generate.grammar import Draw, pick

_LINK = re.compile(r"(\S*\w\.(?:com|net|org|example)\b\S*)")

_LEET = str.maketrans("aeiostAEIOST", "4310$743105+")
# Cyrillic and Greek letters that most fonts draw like the Latin ones.
_HOMOGLYPHS = str.maketrans("aceiopxyABEHKMOPTX", "асеіорхуАВЕНКМОРТХ")
_FULL_WIDTH = str.maketrans({chr(code): chr(code + 0xFEE0) for code in (*range(0x30, 0x3A), *range(0x41, 0x5B))})
_FULL_WIDTH_DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")
# Zero width space, non-joiner, word joiner and soft hyphen: all invisible.
_INVISIBLE = ["\u200b", "\u200c", "\u2060", "\u00ad"]
_SEPARATORS = [" ", ".", "-", "*", "_", "·"]

Disguise = Callable[[str, Draw], str]


def leet(word: str, draw: Draw) -> str:  # noqa: ARG001 - every disguise is called alike
    """Digits and signs for letters: fr33."""
    return word.translate(_LEET)


def homoglyphs(word: str, draw: Draw) -> str:  # noqa: ARG001
    """Letters of another script that look the same."""
    return word.translate(_HOMOGLYPHS)


def full_width(word: str, draw: Draw) -> str:  # noqa: ARG001
    """Digits and capitals as wide as a Chinese character: ＦＲＥＥ."""
    return word.upper().translate(_FULL_WIDTH)


def zero_width(word: str, draw: Draw) -> str:
    """An invisible character between the letters."""
    return pick(_INVISIBLE, draw).join(word)


def spaced_out(word: str, draw: Draw) -> str:
    """The letters kept apart: f r e e, 대.출."""
    return pick(_SEPARATORS, draw).join(word)


def shouted(word: str, draw: Draw) -> str:  # noqa: ARG001
    """Capitals."""
    return word.upper()


# The likelier ones stand twice.
_LATIN: list[Disguise] = [leet, homoglyphs, homoglyphs, full_width, zero_width, zero_width, spaced_out, shouted]
_OTHER: list[Disguise] = [zero_width, spaced_out]


class Obfuscator:
    """The disguises of one language: its bait words, and the lookalikes that only its readers would recognise."""

    def __init__(self, bait: Sequence[str], lookalikes: Mapping[str, Sequence[str]]) -> None:
        longest_first = sorted({*bait, *lookalikes}, key=lambda word: (-len(word), word))
        latin = any(word.isascii() for word in bait)
        # Whole words where the script puts spaces between words, anywhere where it does not.
        edge = r"\b" if latin else ""
        self._bait = re.compile(edge + "(?:" + "|".join(map(re.escape, longest_first)) + ")" + edge, re.IGNORECASE)
        self._lookalikes = lookalikes
        self._disguises = _LATIN if latin else _OTHER

    def __call__(self, text: str, draw: Draw) -> str:
        """Return the text with its bait disguised in one way throughout; without bait, its letters or digits."""
        disguise = pick(self._disguises, draw)
        prefers_lookalikes = draw() < 0.5

        def replace(match: re.Match[str]) -> str:
            word = match[0]
            lookalikes = self._lookalikes.get(word.lower())
            return pick(lookalikes, draw) if lookalikes and prefers_lookalikes else disguise(word, draw)

        pieces = _LINK.split(text)
        plain = range(0, len(pieces), 2)  # split() alternates plain text and links
        found = 0
        for position in plain:
            pieces[position], replaced = self._bait.subn(replace, pieces[position])
            found += replaced
        if not found:
            table = _HOMOGLYPHS if draw() < 0.5 else _FULL_WIDTH_DIGITS
            for position in plain:
                pieces[position] = pieces[position].translate(table)
        return "".join(pieces)
