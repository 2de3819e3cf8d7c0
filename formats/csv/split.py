"""A block cut into records: where each begins and ends, and what lies between them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from formats.csv.grammar import Grammar
from formats.csv.line_ends import CR, LF, LineEnds, find
from formats.csv.parsing import values
from formats.csv.quoting import Extent, spans

MANY = 4096  # gaps, from which on it is cheaper to look at each byte


@dataclass(slots=True)
class Split:
    """A block cut into records, fields not looked at yet. Positions are relative to the block."""

    data: bytes
    end: int  # where the next block starts; behind `data` if the last record is a huge one
    line_ends: LineEnds
    grammar: Grammar
    broken: list[tuple[int, int, Extent]]  # starts, ends and extents of the records that pyarrow must not see
    quoted: NDArray[np.int64] | None = None  # where the quotes are; None: nobody has looked yet
    scanned: NDArray[np.int64] | None = None  # spans of the other records; None if they follow from the quotes
    comments: Sequence[tuple[int, int]] = ()  # their extents, without line ends

    @property
    def quotes(self) -> NDArray[np.int64]:
        """Where the quotes are: int64, in order."""
        if self.quoted is None:
            self.quoted = self.grammar.find_quotes(self.data)
        return self.quoted

    @property
    def octets(self) -> NDArray[np.uint8]:
        return np.frombuffer(self.data, dtype=np.uint8)[: self.end]

    def spans(self) -> NDArray[np.int64]:
        """Starts and ends of the well-quoted records: int64, shape (records, 2)."""
        if self.scanned is None:
            self.scanned = spans(self.octets, self.quotes, self.line_ends)
        return self.scanned

    def starts(self) -> NDArray[np.int64]:
        """Starts of all records, in order."""
        return np.sort(np.append(self.spans()[:, 0], [at for at, _, _ in self.broken]))

    def counts(self) -> tuple[int, int]:
        """How many records the block has, and how many line ends before its end, or the end of `data`."""
        octets, quotes = self.octets, self.quotes
        if self.scanned is not None or self.line_ends.lone_cr or not self.end:
            return len(self.starts()), self.line_ends.count(self.data, 0, self.end)
        feeds = find(octets, LF)
        quoted = np.searchsorted(feeds, quotes[1::2]) - np.searchsorted(feeds, quotes[0::2])
        distances = np.diff(feeds, prepend=-1)
        blank = feeds[distances <= 2]
        blank = blank[(distances[distances <= 2] == 1) | (octets[blank - 1] == CR)]
        blank = blank[np.searchsorted(quotes, blank) % 2 == 0]
        return len(feeds) - int(quoted.sum()) - len(blank) + int(octets[-1] != LF), len(feeds)

    def blank_lines(self, lines: int, records: int, columns: Sequence[pa.Array]) -> int:
        """How many of the block's `lines` line ends are those of blank lines; `columns` are some of its values."""
        octets = self.octets
        if not self.line_ends.lone_cr and self.end <= len(octets):
            others = lines + int(octets[-1] != LF) - records  # each record has one
            if others <= 0 or others == sum(self.line_ends.count(values(column)) for column in columns):
                return 0  # the others are all in quoted values, and needn't be looked for
        blank = self.line_ends.blank_lines(octets)
        if self.scanned is None:
            return int(np.count_nonzero(np.searchsorted(self.quotes, blank) % 2 == 0))
        ends = np.sort(np.append(self.spans()[:, 1], [end for _, end, _ in self.broken]))
        # Behind an escaped line end a record's own one looks like a blank line.
        at = blank - ((octets[blank] == LF) & (octets.take(blank - 1, mode="clip") == CR) & (blank > 0))
        begun, ended = np.searchsorted(self.starts(), at, side="right"), np.searchsorted(ends, at, side="left")
        return int(np.count_nonzero(begun == ended))

    def without(self, gaps: NDArray[np.int64]) -> bytes | memoryview:
        """The block's bytes but for comments and some records (int64, shape (records, 2): starts and ends), whose line
        ends stay as blank lines."""
        comments = np.array(self.comments, dtype=np.int64).reshape(-1, 2)
        if not len(gaps) and not len(comments):
            return memoryview(self.data)[: self.end]
        gaps = np.concatenate([gaps, comments])
        if len(gaps) > MANY:
            steps = np.zeros(len(self.octets) + 1, dtype=np.int8)
            np.add.at(steps, np.minimum(gaps[:, 0], len(self.octets)), 1)
            np.add.at(steps, np.minimum(gaps[:, 1], len(self.octets)), -1)
            left: NDArray[np.uint8] = self.octets[np.cumsum(steps[:-1], dtype=np.int8) == 0]
            return left.tobytes()
        edges = [0, *(edge for gap in sorted(gaps.tolist()) for edge in gap), self.end]
        return b"".join([self.data[first:last] for first, last in zip(edges[::2], edges[1::2], strict=True)])
