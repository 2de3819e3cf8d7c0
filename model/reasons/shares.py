"""How much of a score's sum each piece of a text has: whole numbers, which make up all of the sum.

An n-gram's weight is divided among its bytes, and so among the pieces that these are in. It is counted in such a
fraction that nothing is rounded. What an n-gram has before a text's first byte, or behind its last, counts with that.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from graphs.ngram_sums import Anywhere, InOrder, NgramSum
from model.errors import ModelError
from model.reasons.units import Units

Integers = npt.NDArray[np.int64]


class Seen(NamedTuple):
    """What was fetched of N texts: the tensors of an NgramSum."""

    margin: Integers  # [N]
    first: Integers  # [N]
    end: Integers  # [N]
    grams: Sequence[npt.NDArray[Any]]  # each [P]
    norm: npt.NDArray[np.float64]  # [N]
    laid: npt.NDArray[np.object_] | None  # [N]: the texts (bytes) as the graph lays them; None: as they are
    starts: Integers | None  # [N]: where these are in the graph's bytes; None: one behind the other

    @classmethod
    def of(cls, anatomy: NgramSum, arrays: Sequence[npt.NDArray[Any]]) -> "Seen":
        """From the arrays of `anatomy.tensors`, in their order."""
        margin, first, end, *rest = arrays
        sizes = len(anatomy.grams)
        grams, rest = rest[:sizes], rest[sizes:]
        norm = rest.pop(0) if anatomy.norm else np.ones(len(margin))
        whole = np.int64
        laid, starts = None, None
        if isinstance(anatomy.laid, Anywhere):
            octets, starts, lengths = rest
            laid, starts = _cut_out(octets, starts.astype(whole), lengths.astype(whole)), starts.astype(whole)
        elif rest:
            [laid] = rest
        return cls(
            margin.astype(whole), first.astype(whole), end.astype(whole), grams, norm.astype(np.float64), laid, starts
        )


def _cut_out(octets: npt.NDArray[np.uint8], starts: Integers, lengths: Integers) -> npt.NDArray[np.object_]:
    if ((starts < 0) | (lengths < 0) | (starts + lengths > len(octets))).any():
        raise ModelError("the graph has texts where it has no bytes")
    data = octets.tobytes()
    found = np.empty(len(starts), object)
    found[:] = [data[start : start + length] for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)]
    return found


def parts(anatomy: NgramSum) -> int:
    """Into how many parts one of the sum is divided, so that shares are whole numbers of them."""
    return math.lcm(*(size for _, size in anatomy.grams))


def shares(anatomy: NgramSum, seen: Seen, lengths: Integers, units: Units) -> Integers:
    """Each unit's share: [U], in `parts` of the sum. Those of a text sum to its margin, exactly.

    `lengths` [N] are those of the texts as the graph lays them one behind the other. Raises ModelError if the graph
    does not do as it seems to.
    """
    if isinstance(anatomy.laid, InOrder):
        lead, gap = anatomy.laid.lead, anatomy.laid.gap
        starts = lead + np.cumsum(lengths + gap) - lengths - gap  # in the graph's bytes
    else:
        assert seen.starts is not None  # noqa: S101 -- see `Seen.of`
        starts = seen.starts
    whole = parts(anatomy)
    begin, end = seen.first * anatomy.block, seen.end * anatomy.block
    positions = min(map(len, seen.grams))
    widest = max(size for _, size in anatomy.grams)
    if ((begin > starts - (widest - 1)) | (end < starts + lengths) | (begin < 0) | (end > positions)).any():
        raise ModelError("the graph sums other n-grams than those of a text")
    inner = np.delete(np.arange(len(units.begins)), units.heads)  # those before which there is another of the text
    offsets = starts - (np.cumsum(lengths) - lengths)  # from places in the texts to those in the graph's bytes
    places = units.begins[inner] + offsets[units.texts[inner]]
    before, total = np.zeros(len(inner), np.int64), np.zeros(len(lengths), np.int64)
    for (_, size), found in zip(anatomy.grams, seen.grams, strict=True):
        running = np.zeros(positions + 1, np.int64)  # of the n-grams before each place
        np.cumsum(found[:positions], out=running[1:])
        at_begin = running[begin]
        # What n-grams of this size have in the bytes before a place, of a text's first n-gram on.
        reach = running[places]
        for back in range(1, size):
            reach += running[places - back]
        before += reach * (whole // size) - (at_begin * whole)[units.texts[inner]]
        total += (running[end] - at_begin) * whole
    if not np.array_equal(total, seen.margin * whole):
        raise ModelError("the graph's sum is not that of its n-grams")
    if total[lengths == 0].any():
        raise ModelError("the graph counts something where there is no text")
    return _differences(before, total, units)


def _differences(before: Integers, total: Integers, units: Units) -> Integers:
    """From the sums before the units that are not a text's first, and the texts' sums, to each unit's own."""
    edges = np.zeros(len(units.begins) + 1, np.int64)
    inner = np.ones(len(units.begins), bool)
    inner[units.heads] = False
    edges[:-1][inner] = before
    behind = edges[1:].copy()
    if len(units.heads):
        behind[np.append(units.heads[1:], len(units.begins)) - 1] = total[units.texts[units.heads]]
    found: Integers = behind - edges[:-1]
    return found
