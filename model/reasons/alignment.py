"""The way back from what a graph made of a text, before it looked at it, to the text as it was."""

from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np
import numpy.typing as npt

_LONGEST = 512  # bytes that differ between two texts: of more the places in between are estimated


class Aligned:
    """Texts [N] as a graph lays them one behind the other, and as they were."""

    def __init__(self, laid: npt.NDArray[np.object_], texts: npt.NDArray[np.object_]) -> None:
        self.laid, self._texts = laid, texts
        lengths = np.fromiter(map(len, laid), np.int64, len(laid))
        self._starts = (np.cumsum(lengths) - lengths).tolist()
        self._places: dict[int, list[int]] = {}
        self.changed = np.zeros(len(laid), bool)  # [N]: whether the graph laid another text
        if laid is not texts:
            self.changed[:] = [one != other for one, other in zip(laid, texts, strict=True)]

    def place(self, text: int, begin: int, end: int) -> tuple[int, int]:
        """Where the bytes of a text are, from which to before which, that a span of what the graph made of it is of.
        The span's places are among all texts."""
        start = self._starts[text]
        if not self.changed[text]:
            return begin - start, end - start
        if text not in self._places:
            self._places[text] = places(self.laid[text], self._texts[text])
        return self._places[text][begin - start], self._places[text][end - start]


def places(laid: bytes, text: bytes) -> list[int]:
    """For each place in `laid`, its end too, the place in `text` that it came from; ascending, and a character's."""
    one, other = laid.lower(), text.lower()
    head = _common(one, other)
    tail = _common(one[head:][::-1], other[head:][::-1])
    inner, outer = one[head : len(one) - tail], other[head : len(other) - tail]
    found = [*range(head), *(head + place for place in _between(inner, outer))]
    found += range(len(text) - tail + 1, len(text) + 1)
    found[0] = 0  # what is left out before the first byte, or behind the last, is with that
    return [*(_snapped(text, place) for place in found[:-1]), len(text)]


def _between(one: bytes, other: bytes) -> list[int]:
    """The places of `one`, its end too, in `other`."""
    blocks = [(0, 0, 0)]
    if len(one) + len(other) <= _LONGEST:
        blocks += SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    blocks.append((len(one), len(other), 0))
    found: list[int] = []
    for (a, b, size), (a_next, b_next, _) in pairwise(blocks):
        found += range(b, b + size)
        gap, other_gap = a_next - a - size, b_next - b - size
        found += (b + size + place * other_gap // gap for place in range(gap))
    return [*found, len(other)]


def _snapped(text: bytes, place: int) -> int:
    """Back to where a character begins, in UTF-8."""
    for back in range(4):
        if place - back <= 0 or place - back >= len(text) or not 0x80 <= text[place - back] < 0xC0:
            return place - back
    return place


def _common(one: bytes, other: bytes) -> int:
    """How many bytes are the same from the beginning on."""
    least = min(len(one), len(other))
    differ = np.frombuffer(one, np.uint8, least) != np.frombuffer(other, np.uint8, least)
    return int(differ.argmax()) if differ.any() else least
