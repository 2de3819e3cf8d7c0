"""Reasons of many texts as cells, without a Python object a piece: what formats/reason_cells.py writes, at once."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from formats.reason_cells import BLANKS, RULE, Rules, cell
from model.reasons.shares import Integers

_LARGEST = 9_999  # hundredths of a logit that are written at once
_BLANK, _ODD, _WIDE = 1, 2, 4
_KINDS = np.zeros(256, np.uint8)
_KINDS[:0x20] = _KINDS[0x7F] = _KINDS[ord(";")] = _KINDS[ord("\\")] = _ODD
_KINDS[0x80:] = _WIDE
_IS_BLANK = np.zeros(256, bool)
_IS_BLANK[list(BLANKS)] = True


def cells(
    data: npt.NDArray[np.uint8],
    begins: Integers,
    ends: Integers,
    hundredths: Integers,
    owners: Integers,
    rules: Sequence[Rules],
) -> pa.Array:
    """`binary` [N]: a cell for each of N texts. Pieces [S] are bytes of `data` from `begins` to before `ends`, with
    their shares in hundredths of a logit, and the texts that they are of, ascending; `rules` [N]."""
    edges = np.searchsorted(owners, np.arange(len(rules) + 1))
    begins, ends = _stripped(data, begins, ends)
    sizes = ends - begins
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    octets = data[np.repeat(begins - offsets[:-1], sizes) + np.arange(offsets[-1])]
    pieces = pa.Array.from_buffers(pa.binary(), len(sizes), [None, pa.py_buffer(offsets), pa.py_buffer(octets)])
    numbers = _numbers().take(pa.array(np.clip(hundredths, -_LARGEST, _LARGEST) + _LARGEST))
    entries = pc.binary_join_element_wise(pieces, numbers, b"")
    found = pc.binary_join(pa.ListArray.from_arrays(pa.array(edges.astype(np.int32)), entries), b"; ")
    # What is not so simple is made once more.
    odd = _odd(pieces, octets, offsets) | (np.abs(hundredths) > _LARGEST)
    again = np.zeros(len(rules), bool)
    again[owners[odd]] = True
    again[[place for place, held in enumerate(rules) if held]] = True
    rows = np.flatnonzero(again)
    if not len(rows):
        return found
    made = []
    for row in rows.tolist():
        here = range(edges[row], edges[row + 1])
        made.append(
            cell([data[begins[i] : ends[i]].tobytes() for i in here], [int(hundredths[i]) for i in here], rules[row])
        )
    return pc.replace_with_mask(found, pa.array(again), pa.array(made, pa.binary()))


def _stripped(data: npt.NDArray[np.uint8], begins: Integers, ends: Integers) -> tuple[Integers, Integers]:
    """Without the blanks around, unless there is nothing else."""
    first, last = begins.copy(), ends.copy()
    while (blank := _IS_BLANK[data[last - 1]] & (last > first)).any():
        last -= blank
    while (blank := _IS_BLANK[data[np.minimum(first, len(data) - 1)]] & (last > first)).any():
        first += blank
    nothing = first == last
    return np.where(nothing, begins, first), np.where(nothing, ends, last)


def _odd(pieces: pa.Array, octets: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Which pieces [S] don't stand in a cell as they are; none is empty."""
    if not len(pieces):
        return np.zeros(0, bool)
    kinds = np.bitwise_or.reduceat(_KINDS[octets], offsets[:-1])
    odd = kinds & _ODD != 0
    odd |= octets[offsets[:-1]] == ord(" ")  # nothing but blanks
    looked_at = kinds == _WIDE
    looked_at |= octets[offsets[:-1]] == ord(RULE[0])
    places = np.flatnonzero(looked_at & ~odd)
    # One call decodes all: there are no line ends in them. A byte that is not UTF-8 is not printable.
    whole = pc.binary_join(pa.ListArray.from_arrays([0, len(places)], pieces.take(pa.array(places))), b"\n")[0].as_py()
    text = whole.decode("utf-8", "surrogateescape").replace("\u3000", "x").replace("\xa0", "x")  # wide blanks, shown
    texts = text.split("\n") if len(places) else []
    odd[places] = [not text.isprintable() or text.startswith(RULE) for text in texts]
    return np.asarray(odd)


@lru_cache(maxsize=1)
def _numbers() -> pa.Array:
    """Hundredths from the least to the largest, each behind a blank."""
    return pa.array([b" %+.2f" % (each / 100) for each in range(-_LARGEST, _LARGEST + 1)], pa.binary())
