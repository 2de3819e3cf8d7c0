"""Where lines end, in the two kinds of files that there are.

In most files a line ends in LF or CRLF, and a CR with no LF behind it ends none: where it is not quoted, it may have
been meant as a line end or as text, and nobody can tell which. In old files each line ends in a CR; there a CR, an LF
and a CRLF are all line ends. The end of the header tells which kind a file is.
"""

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LF, CR = b"\n\r"
_TWO_LF = int.from_bytes(b"\n\n", "little")  # both bytes are equal, so the machine's order does not matter


def positions(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where a mask of few trues is true: what `np.flatnonzero` gives, in half the time."""
    whole = len(mask) // 8 * 8
    words = np.flatnonzero(mask[:whole].view(np.uint64) != 0)
    places = np.flatnonzero(mask[:whole].view(np.uint64)[words].view(bool))
    found = words[places >> 3] * 8 + (places & 7)
    return found if whole == len(mask) else np.append(found, whole + np.flatnonzero(mask[whole:]))


@dataclass(frozen=True, slots=True)
class LineEnds:
    """What ends a line: LF and CRLF, and a lone CR too if `lone_cr`."""

    lone_cr: bool
    blank: re.Pattern[bytes] = field(init=False)  # line ends, one behind the other

    def __post_init__(self) -> None:
        object.__setattr__(self, "blank", re.compile(rb"[\r\n]+" if self.lone_cr else rb"(?:\r?\n)+"))

    def count(self, data: bytes, start: int = 0, end: int | None = None) -> int:
        """How many line ends `data[start:end]` has, quoted ones too."""
        octets = np.frombuffer(data, dtype=np.uint8)[start:end]
        lines = int(np.count_nonzero(octets == LF))
        if self.lone_cr and data.find(b"\r", start, end) >= 0:
            returns = octets == CR
            lines += int(np.count_nonzero(returns)) - int(np.count_nonzero(returns[:-1] & (octets[1:] == LF)))
        return lines

    def last(self, data: bytes, limit: int) -> int:
        """The position behind the last line end in `data[:limit]`; 0 if there is none."""
        cut = data.rfind(b"\n", 0, limit) + 1
        return max(cut, data.rfind(b"\r", cut, limit) + 1) if self.lone_cr else cut

    def stray(self, data: bytes, end: int) -> NDArray[np.int64]:
        """Where in `data[:end]`, whole lines, a CR ends no line, quoted ones too."""
        if self.lone_cr or data.find(b"\r", 0, end) < 0:  # hundreds of times faster than looking at every byte
            return np.empty(0, dtype=np.int64)
        octets = np.frombuffer(data, dtype=np.uint8)[:end]
        lone = octets == CR
        lone[:-1] &= octets[1:] != LF
        return positions(lone) if lone.any() else np.empty(0, dtype=np.int64)

    def lines(self, octets: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each line ends, and where what ends it does; of lines without stray CRs, quoted line ends too."""
        if self.lone_cr:
            ends = positions((octets == LF) | (octets == CR))
            return ends, ends + 1  # of a \r\n each half is one: between them there is an empty line, and no harm
        feeds = positions(octets == LF)
        return feeds - (octets.take(feeds - 1, mode="clip") == CR), feeds + 1

    def blank_lines(self, octets: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The last bytes of the blank lines, quoted ones too; `octets` begin a line."""
        first = np.flatnonzero(octets[:1] == LF)
        if self.lone_cr:
            ends = (octets == LF) | (octets == CR)
            ends[:-1] &= ~((octets[:-1] == CR) & (octets[1:] == LF))  # the \r of a \r\n
            at = positions(ends)
            begins = at - ((octets[at] == LF) & (octets.take(at - 1, mode="clip") == CR) & (at > 0))
            before = octets.take(begins - 1, mode="clip")
            empty: NDArray[np.int64] = at[(begins == 0) | (before == LF) | (before == CR)]
            return empty
        # Two bytes at a time, at even places and at odd ones: twice as fast as a byte and its neighbour.
        found = [first]
        for shift in (0, 1):
            pairs = octets[shift : shift + (len(octets) - shift) // 2 * 2].view("<u2") == _TWO_LF
            if pairs.any():
                found.append(positions(pairs) * 2 + shift + 1)
        returns = octets == CR
        if returns.any():
            at = positions(returns)
            at = at[(octets.take(at + 1, mode="clip") == LF) & ((at == 0) | (octets.take(at - 1, mode="clip") == LF))]
            found.append(at + 1)
        return np.sort(np.concatenate(found))


ANY_END = LineEnds(lone_cr=True)
LF_END = LineEnds(lone_cr=False)
