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
_AT_ONCE = 1 << 18  # masks as large as a block would have new pages each time, which cost more than all the rest


def find(octets: NDArray[np.uint8], octet: int) -> NDArray[np.int64]:
    """Where a byte that is not frequent stands: what `np.flatnonzero` gives, in half the time."""
    whole = len(octets) // 8 * 8
    hit = np.empty(whole // 8, dtype=bool)  # of eight bytes, whether one is that byte
    for start in range(0, whole, _AT_ONCE):
        equal = octets[start : min(start + _AT_ONCE, whole)] == octet
        np.not_equal(equal.view(np.uint64), 0, out=hit[start // 8 : start // 8 + len(equal) // 8])
    words = np.flatnonzero(hit)
    places = np.flatnonzero(octets[:whole].view(np.uint64)[words].view(np.uint8) == octet)
    found = words[places >> 3] * 8 + (places & 7)
    return np.append(found, whole + np.flatnonzero(octets[whole:] == octet))


@dataclass(frozen=True, slots=True)
class LineEnds:
    """What ends a line: LF and CRLF, and a lone CR too if `lone_cr`."""

    lone_cr: bool
    blank: re.Pattern[bytes] = field(init=False)  # line ends, one behind the other
    one: re.Pattern[bytes] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "blank", re.compile(rb"[\r\n]+" if self.lone_cr else rb"(?:\r?\n)+"))
        object.__setattr__(self, "one", re.compile(rb"\r\n|[\r\n]" if self.lone_cr else rb"\r?\n"))

    def count(self, data: bytes | memoryview, start: int = 0, end: int | None = None) -> int:
        """How many line ends `data[start:end]` has, quoted ones too."""
        octets = np.frombuffer(data, dtype=np.uint8)[start:end]
        lines = 0
        for at in range(0, len(octets), _AT_ONCE):
            lines += int(np.count_nonzero(octets[at : at + _AT_ONCE] == LF))
        if self.lone_cr and (returns := octets == CR).any():
            lines += int(np.count_nonzero(returns)) - int(np.count_nonzero(returns[:-1] & (octets[1:] == LF)))
        return lines

    def places(self, data: bytes | memoryview) -> NDArray[np.int64]:
        """The last bytes of all line ends, quoted ones too: `count` of what lies before one is its index."""
        octets = np.frombuffer(data, dtype=np.uint8)
        if not self.lone_cr:
            return find(octets, LF)
        ends = (octets == LF) | (octets == CR)
        ends[:-1] &= ~((octets[:-1] == CR) & (octets[1:] == LF))  # the \r of a \r\n
        return np.flatnonzero(ends)

    def last(self, data: bytes, limit: int) -> int:
        """The position behind the last line end in `data[:limit]`; 0 if there is none."""
        cut = data.rfind(b"\n", 0, limit) + 1
        return max(cut, data.rfind(b"\r", cut, limit) + 1) if self.lone_cr else cut

    def stray(self, data: bytes, end: int) -> NDArray[np.int64]:
        """Where in `data[:end]`, whole lines, a CR ends no line, quoted ones too."""
        if self.lone_cr or data.find(b"\r", 0, end) < 0:  # hundreds of times faster than looking at every byte
            return np.empty(0, dtype=np.int64)
        octets = np.frombuffer(data, dtype=np.uint8)[:end]
        found = [np.empty(0, dtype=np.int64)]
        for at in range(0, end, _AT_ONCE):
            part = octets[at : at + _AT_ONCE + 1]
            lone = part[:_AT_ONCE] == CR
            lone[: len(part) - 1] &= part[1:] != LF
            if lone.any():
                found.append(np.flatnonzero(lone) + at)
        return np.concatenate(found)

    def lines(self, octets: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each line ends, and where what ends it does; of lines without stray CRs, quoted line ends too."""
        if self.lone_cr:
            ends = np.flatnonzero((octets == LF) | (octets == CR))
            return ends, ends + 1  # of a \r\n each half is one: between them there is an empty line, and no harm
        feeds = find(octets, LF)
        return feeds - (octets.take(feeds - 1, mode="clip") == CR), feeds + 1

    def blank_lines(self, octets: NDArray[np.uint8]) -> NDArray[np.int64]:
        """The last bytes of the blank lines, quoted ones too; `octets` begin a line."""
        if self.lone_cr:
            ends = (octets == LF) | (octets == CR)
            ends[:-1] &= ~((octets[:-1] == CR) & (octets[1:] == LF))  # the \r of a \r\n
            at = np.flatnonzero(ends)
            begins = at - ((octets[at] == LF) & (octets.take(at - 1, mode="clip") == CR) & (at > 0))
            before = octets.take(begins - 1, mode="clip")
            empty: NDArray[np.bool_] = (begins == 0) | (before == LF) | (before == CR)
        else:
            at = find(octets, LF)
            distance = np.diff(at, prepend=-1)
            empty = distance == 1
            two = np.flatnonzero(distance == 2)
            empty[two] = octets[at[two] - 1] == CR
        blank: NDArray[np.int64] = at[empty]
        return blank


ANY_END = LineEnds(lone_cr=True)
LF_END = LineEnds(lone_cr=False)
