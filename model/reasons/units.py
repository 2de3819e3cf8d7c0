"""Cuts texts into the least pieces that a reader takes for one: words, and the characters of scripts without blanks."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from formats.reason_cells import BLANKS

LONGEST = 64  # characters of a unit: a long address is one

_BLANK, _INSIDE, _ALONE = 1, 2, 4
_KINDS = np.zeros(256, np.uint8)
_KINDS[list(BLANKS)] = _BLANK
_KINDS[0x80:0xC0] = _INSIDE  # of a character, in UTF-8
_KINDS[0xE3:0xEA] = _ALONE  # U+3000 to U+9FFF, in three bytes: Chinese and Japanese have no blanks between words


class Units(NamedTuple):
    """Of N texts, one behind the other: each byte is in one unit; a word's goes on to where the next begins."""

    begins: npt.NDArray[np.int64]  # [U]: the place of a unit's first byte, ascending
    texts: npt.NDArray[np.int64]  # [U]: the text that it is of
    heads: npt.NDArray[np.int64]  # the units that begin a text: empty texts have none

    def ends(self, size: int) -> npt.NDArray[np.int64]:
        """Where each ends; `size` is that of all texts together."""
        return np.append(self.begins[1:], size)


def cut(data: npt.NDArray[np.uint8], lengths: npt.NDArray[np.int64]) -> Units:
    """From the bytes of texts, one behind the other, and their lengths [N]."""
    starts = np.cumsum(lengths) - lengths
    first = starts[lengths > 0]  # of texts that are not empty
    kinds = _KINDS[data]
    blank, alone = kinds == _BLANK, kinds == _ALONE
    begins = np.empty(len(data), bool)
    begins[:1] = True
    np.greater(blank[:-1], blank[1:], out=begins[1:])  # a word behind a blank
    if alone.any():
        begins |= alone
        behind = kinds & (_INSIDE | _BLANK) == 0  # what may begin behind such a character
        for place in range(3):  # one that another text breaks off in
            behind[np.minimum(first + place, len(data) - 1)] = False
        begins[3:] |= alone[:-3] & behind[3:]
    begins[first] = True
    if blank[first].any():  # what is blank before a text's first word is the word's
        places = np.flatnonzero(begins)
        behind = np.searchsorted(places, first[blank[first]]) + 1
        begins[np.setdiff1d(places[behind[behind < len(places)]], first)] = False
    places = np.flatnonzero(begins)
    sizes = np.diff(places, append=len(data))
    if len(sizes) and sizes.max() > LONGEST:
        long = sizes > LONGEST
        begins[_inner(places[long], sizes[long], kinds)] = True
        places = np.flatnonzero(begins)
    texts = np.searchsorted(first, places, "right") - 1
    heads = np.flatnonzero(np.diff(texts, prepend=-1))
    return Units(places, np.flatnonzero(lengths > 0)[texts], heads)


def _inner(
    places: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64], kinds: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int64]:
    """Where units that are too long begin again: at characters, where there are such."""
    found = []
    for begin, size in zip(places.tolist(), sizes.tolist(), strict=True):
        characters = np.flatnonzero(kinds[begin : begin + size] != _INSIDE)
        if len(characters) * 4 < size:  # no UTF-8
            characters = np.arange(size)
        part = characters // LONGEST
        found.append(begin + characters[1:][part[1:] > part[:-1]])
    return np.concatenate(found)
