"""Where the records of a CSV file end: no value is looked at.

A block is cut by its quotes alone, or, where the quoting is broken or unusual, record by record. What the cut of one
block needs to know of the rest of the file (a quote that is never closed, say) goes with its range, so that whoever
reads that range alone cuts it the same.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from formats.csv.file import CsvFile
from formats.csv.quoting import WELL_QUOTED, Extent, cut_before, find_quotes, records_fit, strictly_quoted
from formats.csv.split import Split
from formats.errors import InputError
from formats.position import Position
from formats.source import Broken, Range


class Splitter:
    """Of one file, in one process."""

    def __init__(self, file: CsvFile) -> None:
        self._file = file
        self._scanner = file.make_scanner(file.line_ends)

    def ranges(self, start: Position) -> Iterator[Range]:
        """The ranges from `start` to the end of the file: each has the records of one block."""
        file, first = self._file, start
        while start.offset < file.size:
            split = self.split(start)
            records, lines = split.counts()
            if split.end > len(split.data):
                lines = file.count_lines(start.offset, start.offset + split.end)
            broken = [self._described(split, start, *each) for each in split.broken]
            behind = Position(start.offset + split.end, start.record + records, start.line + lines)
            end, _ = file.behind_blank_lines(behind)
            if records:
                yield Range(first, end, behind.offset - first.offset, tuple(broken))
                first = end
            start = end

    def _described(self, split: Split, start: Position, at: int, end: int, extent: Extent) -> Broken:
        base = start.offset
        lines = 0
        if extent.code != "record_too_large":
            lines = self._file.line_ends.count(split.data, 0, extent.place - base)
        return Broken(base + at, base + end, extent.end, str(extent.code), start.line + lines)

    def split(self, start: Position) -> Split:
        """The block that begins at `start`."""
        data = self._file.read(start.offset, self._file.window)
        last = start.offset + len(data) == self._file.size
        if not last and data.endswith(b"\r"):
            data = data[:-1]  # perhaps half of a \r\n
        quotes = find_quotes(data)
        end = len(data) if last else cut_before(data, quotes, len(data), self._file.line_ends)
        quotes = quotes[: np.searchsorted(quotes, end)]
        octets = np.frombuffer(data, dtype=np.uint8)[:end]
        if (
            end
            and strictly_quoted(octets, quotes)
            and records_fit(data, quotes, end, self._file.max_record_bytes, self._file.line_ends)
            and (np.searchsorted(quotes, self._file.line_ends.stray(data, end)) % 2).all()  # all are quoted
        ):
            return Split(data, end, self._file.line_ends, [], quotes)
        return self._scan(data, start.offset, quotes)

    def _scan(self, data: bytes, base: int, quotes: NDArray[np.int64]) -> Split:
        """Split a block record by record: slower, for those that are not strictly quoted or have a huge record."""
        self._scanner.forget_before(base)
        well_quoted = WELL_QUOTED[self._file.line_ends.lone_cr]
        good: list[int] = []
        broken: list[tuple[int, int, Extent]] = []
        at = trouble = 0
        while at < len(data):
            # Within what a broken record was followed through, only the scanner remembers what it has seen.
            match = well_quoted.match(data, at) if at >= trouble else None
            first, last = match.span(1) if match else (0, 0)
            if match and last - first <= self._file.max_record_bytes:
                good += (first, last)
                at = last
            elif blank := self._file.line_ends.blank.match(data, at):
                at = blank.end()
            else:
                extent = self._scanner.follow(data, base, base + at)
                if extent is None:
                    break
                end = extent.end - base
                if extent.code is None:
                    good += (at, end)
                else:
                    broken.append((at, end, extent))
                    trouble = max(trouble, extent.seen - base)
                at = end if end < len(data) else self._file.behind_line_end(extent.end) - base
        return Split(data, at, self._file.line_ends, broken, quotes, np.array(good, dtype=np.int64).reshape(-1, 2))

    def again(self, found: Range) -> Split:
        """The split of a range, without a look at what is behind it. Raises InputError if it is not as it was found."""
        file, base = self._file, found.start.offset
        last = found.broken[-1] if found.broken else None
        size = found.size
        if found.end.offset > file.size:
            raise InputError(f"{file.path}: the file got shorter while it was being read")
        if last and last.code == "record_too_large" and file.behind_line_end(last.end) == base + size:
            size = last.start - base  # it may have gigabytes
        data = file.read(base, size)
        quotes = find_quotes(data)
        octets = np.frombuffer(data, dtype=np.uint8)
        if (
            not found.broken
            and strictly_quoted(octets, quotes)
            and records_fit(data, quotes, len(data), file.max_record_bytes, file.line_ends)
            and (np.searchsorted(quotes, file.line_ends.stray(data, len(data))) % 2).all()
        ):
            return Split(data, found.size, file.line_ends, [], quotes)
        return self._rescan(data, found, quotes)

    def _rescan(self, data: bytes, found: Range, quotes: NDArray[np.int64]) -> Split:
        file, base = self._file, found.start.offset
        known = {each.start - base: each for each in found.broken}
        good: list[int] = []
        broken: list[tuple[int, int, Extent]] = []
        at = 0
        text = data if data[-1:] in (b"\n", b"\r") else data + b"\n"  # the file's last record may lack its line end
        while at < found.size:
            each = known.get(at)
            if each is not None:
                broken.append((at, each.end - base, Extent(each.extent, each.code, line=each.line)))
                at = each.end - base if each.end - base < len(data) else found.size
            elif blank := file.line_ends.blank.match(data, at):
                at = blank.end()
            else:
                match = WELL_QUOTED[file.line_ends.lone_cr].match(text, at)
                if match is None or match.start(1) != at:
                    raise InputError(f"{file.path}: the file changed while it was being read")
                good += match.span(1)
                at = match.end(1)
        return Split(data, found.size, file.line_ends, broken, quotes, np.array(good, dtype=np.int64).reshape(-1, 2))
