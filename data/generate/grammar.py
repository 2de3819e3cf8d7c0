"""Templates with slots, compiled once into functions that write a different text each time they are called.

A slot is written in braces:

    {friend}     one of the words listed under that name, which may hold slots of its own
    {3-18}       an integer from 3 to 18
    {####}       as many random digits
    {****}       as many lower-case letters and digits, as in a short link
    {^^^^}       as many capitals, as in a booking reference

Chance comes from a ``draw`` function that returns floats in [0, 1). ``random.Random(seed).random`` gives the same ones
on every Python version and machine, which ``choice`` and ``randint`` do not promise; it is also several times faster.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Draw = Callable[[], float]
Writer = Callable[[Draw], str]

_SLOT = re.compile(r"\{([^{}]+)\}")
_RANGE = re.compile(r"(\d+)-(\d+)")
# Without the characters people confuse, as real short links and references are.
_LINK_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_ALPHABETS = {"#": string.digits, "*": _LINK_CHARACTERS, "^": "ABCDEFGHJKLMNPQRSTUVWXYZ"}

_Item = TypeVar("_Item")


def pick(items: Sequence[_Item], draw: Draw) -> _Item:
    """Return one of the items, each as likely as the others."""
    return items[int(draw() * len(items))]


class Grammar:
    """The words a template's slots may name, and the templates compiled so far."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self._words = words
        self._slots: dict[str, Writer] = {}
        self._open: list[str] = []

    def compile(self, template: str) -> Writer:
        """Return the function that fills the template; ValueError for a slot that is not defined or holds itself."""
        compiled = self._compile(template)
        return (lambda _: compiled) if isinstance(compiled, str) else compiled

    def _compile(self, template: str) -> str | Writer:
        # split() alternates literal text and slot names: text, slot, text, slot, text.
        pieces = _SLOT.split(template)
        if len(pieces) == 1:
            return template
        writers = [self._slot(name) for name in pieces[1::2]]
        if len(writers) == 1 and pieces[0] == pieces[2] == "":
            return writers[0]
        frame = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
        return lambda draw: frame % tuple([write(draw) for write in writers])

    def _slot(self, name: str) -> Writer:
        if name not in self._slots:
            if name in self._open:
                raise ValueError(f"the slot {{{name}}} holds itself: {' > '.join([*self._open, name])}")
            self._open.append(name)
            self._slots[name] = self._word(name) if name in self._words else _pattern(name)
            self._open.pop()
        return self._slots[name]

    def _word(self, name: str) -> Writer:
        alternatives = [self._compile(template) for template in self._words[name]]
        count = len(alternatives)

        def write(draw: Draw) -> str:
            chosen = alternatives[int(draw() * count)]
            return chosen if chosen.__class__ is str else chosen(draw)  # type: ignore[operator]

        return write


def _pattern(name: str) -> Writer:
    if bounds := _RANGE.fullmatch(name):
        low, high = int(bounds[1]), int(bounds[2])
        span = high - low + 1
        return lambda draw: str(low + int(draw() * span))
    length, kind = len(name), name[0]
    if kind not in _ALPHABETS or name != kind * length:
        raise ValueError(f"no word list or pattern is called {{{name}}}")
    if kind == "#":
        bound, digits = 10**length, f"%0{length}d"
        return lambda draw: digits % int(draw() * bound)
    alphabet = _ALPHABETS[kind]
    size = len(alphabet)
    return lambda draw: "".join([alphabet[int(draw() * size)] for _ in range(length)])
