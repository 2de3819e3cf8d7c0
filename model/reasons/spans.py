"""Joins units of a text to spans that people read: neighbours that move the score the same way, and about as much."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.reasons.shares import Integers
from model.reasons.units import Units

ALIKE = 3  # neighbours of the same sign are joined if neither has more than so many times the other's share
LONGEST = 40  # bytes of a span, up to which another unit is joined


class Spans(NamedTuple):
    """Of N texts, one behind the other: each byte is in one span."""

    begins: Integers  # [S], ascending
    ends: Integers  # [S]
    texts: Integers  # [S]: the text that it is of
    shares: Integers  # [S]


def join(units: Units, shares: Integers, size: int) -> Spans:
    """From the units of texts, of `size` bytes together, and their shares [U]."""
    if not len(units.begins):
        nothing = np.zeros(0, np.int64)
        return Spans(nothing, nothing, nothing, nothing)
    amounts = np.abs(shares)
    times = ALIKE * amounts
    begins = np.ones(len(shares), bool)
    begins[1:] = ((shares[1:] > 0) != (shares[:-1] > 0)) | (times[1:] < amounts[:-1]) | (times[:-1] < amounts[1:])
    begins[units.heads] = True
    # Those that are too long begin again.
    run = np.flatnonzero(begins)
    offset = units.begins - np.repeat(units.begins[run], np.diff(run, append=len(shares)))
    part = offset // LONGEST
    begins[1:] |= part[1:] != part[:-1]
    run = np.flatnonzero(begins)
    return Spans(
        units.begins[run], np.append(units.begins[run[1:]], size), units.texts[run], np.add.reduceat(shares, run)
    )


def top(spans: Spans, most: int) -> npt.NDArray[np.int64]:
    """Of each text, the spans with the largest shares, at most so many and none of 0: the largest first, of equal ones
    the first, the texts in order. What this takes grows with `most`: sorting all would take longer than a few rounds.
    """
    amounts = np.abs(spans.shares)
    heads = np.flatnonzero(np.diff(spans.texts, prepend=-1))
    counts = np.diff(heads, append=len(amounts))
    ordinals = np.repeat(np.arange(len(heads)), counts)
    chosen = np.full((len(heads), most), -1)
    for rank in range(most if len(heads) else 0):
        largest = np.maximum.reduceat(amounts, heads)
        if not largest.any():
            break
        places = np.flatnonzero((amounts == np.repeat(largest, counts)) & (amounts > 0))
        places = places[np.diff(ordinals[places], prepend=-1) != 0]
        chosen[ordinals[places], rank] = places
        amounts[places] = 0
    found: npt.NDArray[np.int64] = chosen[chosen >= 0]
    return found
