"""Positions in several files, as if these lay one behind the other.

File k begins at the sum of the sizes before it. A position that is exactly there stands for the file's first record,
wherever its header ends: so whoever has the end of one file's last block reads on with the next file, and need not have
seen it. A file's own lines are counted on from LINES times its number, so that no line is before those of an earlier
file. Only records are numbered through: a source counts on from the number that it is given.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from formats.position import Position
from formats.source import Range

LINES = 1 << 36  # more than a file has; a hundred thousand files stay below 2^53, which any JSON can say


class Space:
    """Of files of these sizes, in bytes, none of them 0."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._bases = [0, *accumulate(sizes)]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._bases[-1]

    def file_from(self, offset: int) -> int:
        """The number, from 0, of the file in which reading goes on there; how many there are, at the end of all."""
        return bisect_right(self._bases, offset) - 1

    def file_to(self, offset: int) -> int:
        """The number of the file that has what ends there, -1 or how many there are if none has."""
        return bisect_left(self._bases, offset) - 1

    def outward(self, file: int, own: Position) -> Position:
        """From a position in a file to that among all. Raises ValueError if the file has no such place."""
        base = self._bases[file]
        if not 0 <= own.offset <= self._bases[file + 1] - base:
            raise ValueError(f"{own.offset} is beyond the file's {self._bases[file + 1] - base} bytes")
        return Position(base + own.offset, own.record, file * LINES + own.line)

    def inward(self, file: int, position: Position, first: Position) -> Position:
        """The other way; `first` is where the file's own first record is."""
        base = self._bases[file]
        if position.offset <= base:
            return Position(first.offset, position.record, first.line)
        return Position(position.offset - base, position.record, position.line - file * LINES)

    def range_outward(self, file: int, own: Range, start: Position, end: Position) -> Range:
        """A range of a file among all, which begins where the one before ended, and ends at `end`. Of its broken
        records only the offsets are others: a line that is said of one is always its file's."""
        return replace(_moved(own, self._bases[file]), start=start, end=end)

    def range_inward(self, file: int, found: Range, first: Position) -> Range:
        """The other way. Raises ValueError if there can be none such in the file."""
        start, end = self.inward(file, found.start, first), self.inward(file, found.end, first)
        return Range.decode(replace(_moved(found, -self._bases[file]), start=start, end=end).encode())


def _moved(found: Range, bytes: int) -> Range:
    """With its broken records so much further on."""
    broken = (
        each._replace(start=each.start + bytes, end=each.end + bytes, extent=each.extent + bytes)
        for each in found.broken
    )
    return replace(found, broken=tuple(broken))
