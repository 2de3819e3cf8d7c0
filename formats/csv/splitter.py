"""Where the records of a CSV file end: no value is looked at.

A block is cut by its quotes alone, or, where the quoting is broken or unusual, record by record. What the cut of one
block needs to know of the rest of the file (a quote that is never closed, say) goes with its range, so that whoever
reads that range alone cuts it the same.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import xxhash
from numpy.typing import NDArray

from formats.csv.file import CsvFile
from formats.csv.quoting import Extent, cut_before, records_fit
from formats.csv.split import Split
from formats.errors import ChangedError
from formats.position import Position
from formats.source import Broken, Range

MAX_BROKEN = 1024  # records of a block: each goes with its range


class Splitter:
    """Of one file, in one process."""

    def __init__(self, file: CsvFile) -> None:
        self._file, self._grammar = file, file.grammar
        self._scanner = file.make_scanner(file.line_ends)

    def ranges(self, start: Position, block_bytes: int | None) -> Iterator[Range]:
        """The ranges from `start` to the end of the file: each has the records of one block."""
        file, first = self._file, start
        while start.offset < file.size:
            file.will_read(start.offset)
            split = self.split(start, block_bytes)
            records, lines = split.counts()
            if split.end > len(split.data):
                lines = file.count_lines(start.offset, start.offset + split.end)
            starts = split.starts() if split.broken else np.empty(0, np.int64)
            broken = tuple(self._described(split, start, starts, *each) for each in split.broken)
            behind = Position(start.offset + split.end, start.record + records, start.line + lines)
            end, _ = file.behind_blank_lines(behind)
            if records:
                size = behind.offset - first.offset
                seen = self._seen(first.offset, size, broken)
                whole = first is start and seen <= len(split.data)
                data = memoryview(split.data)[:seen] if whole else file.read(first.offset, seen)
                plain = whole and split.scanned is None
                yield Range(first, end, size, xxhash.xxh3_128_hexdigest(data), plain, broken)
                first = end
            start = end

    def _seen(self, base: int, size: int, broken: Sequence[Broken]) -> int:
        """How many of a range's bytes are looked at: all, but for a giant record at its end, which may have
        gigabytes."""
        last = broken[-1] if broken else None
        giant = last and last.code == "record_too_large" and self._file.behind_line_end(last.end) == base + size
        return last.start - base if last and giant else size

    def _described(
        self, split: Split, start: Position, starts: NDArray[np.int64], at: int, end: int, extent: Extent
    ) -> Broken:
        base = start.offset
        lines = 0
        if extent.code != "record_too_large":
            lines = self._file.line_ends.count(split.data, 0, extent.place - base)
        record = start.record + int(np.searchsorted(starts, at))
        return Broken(base + at, base + end, extent.end, str(extent.code), start.line + lines, record)

    def split(self, start: Position, block_bytes: int | None = None) -> Split:
        """The block that begins at `start`, of at most `block_bytes` or of one record."""
        window = self._file.window
        if block_bytes is not None and block_bytes < window:
            split = self._split(start, block_bytes)
            if split.end:
                return split
        return self._split(start, window)

    def _split(self, start: Position, size: int) -> Split:
        """What of it ends within so many bytes."""
        data = self._file.read(start.offset, size)
        last = start.offset + len(data) == self._file.size
        if not last and data.endswith(b"\r"):
            data = data[:-1]  # perhaps half of a \r\n
        quotes = self._grammar.find_quotes(data)
        if not self._grammar.by_quotes:
            return self._scan(data, start.offset, quotes)
        end = len(data) if last else cut_before(data, quotes, len(data), self._file.line_ends)
        quotes = quotes[: np.searchsorted(quotes, end)]
        if end and self._is_strict(data, end, quotes):
            return Split(data, end, self._file.line_ends, self._grammar, [], quotes)
        return self._scan(data, start.offset, quotes)

    def _is_strict(self, data: bytes, end: int, quotes: NDArray[np.int64]) -> bool:
        """Whether the quotes alone tell where the records of `data[:end]` end, none of which is too large."""
        octets, line_ends = np.frombuffer(data, dtype=np.uint8)[:end], self._file.line_ends
        return bool(
            self._grammar.strictly_quoted(octets, quotes)
            and records_fit(data, quotes, end, self._file.max_record_bytes, line_ends)
            and (np.searchsorted(quotes, line_ends.stray(data, end)) % 2).all()  # all are quoted
        )

    def _scan(self, data: bytes, base: int, quotes: NDArray[np.int64]) -> Split:
        """Split a block record by record: slower, for those that are not strictly quoted or have a huge record."""
        self._scanner.forget_before(base)
        well_quoted = self._grammar.well_quoted[self._file.line_ends.lone_cr]
        good: list[int] = []
        broken: list[tuple[int, int, Extent]] = []
        comments: list[tuple[int, int]] = []
        at = trouble = 0
        while at < len(data) and len(broken) < MAX_BROKEN:
            if comment := self._file.comment(data, at, base):
                comments.append((at, comment))
                at = self._file.behind_line_end(base + comment) - base
                continue
            if self._grammar.comment and data.startswith(self._grammar.comment, at):  # it has no end here
                if not at:
                    comments.append((0, len(data)))
                    at = self._file.behind_line(base) - base
                break
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
        if len(broken) == MAX_BROKEN and at < len(data):
            at = self._file.behind_line_end(base + at) - base  # or the next block would begin with a blank line
        return self._scanned(data, at, broken, quotes, good, comments)

    def _scanned(
        self, data: bytes, end: int, broken: list[tuple[int, int, Extent]], quotes: NDArray[np.int64],
        good: Sequence[int], comments: Sequence[tuple[int, int]],
    ) -> Split:  # fmt: skip
        spans = np.array(good, dtype=np.int64).reshape(-1, 2)
        return Split(data, end, self._file.line_ends, self._grammar, broken, quotes, spans, comments)

    def again(self, found: Range) -> Split:
        """The split of a range, without a look at what is behind it. Raises ChangedError if it is not what was
        found."""
        file, base = self._file, found.start.offset
        if any(place > file.size for place in (found.end.offset, *(each.extent for each in found.broken))):
            raise ChangedError(f"{file.location}: the file got shorter while it was being read")
        data = file.read(base, self._seen(base, found.size, found.broken))
        if xxhash.xxh3_128_hexdigest(data) != found.digest:
            raise self.changed()
        if found.plain:
            return Split(data, found.size, file.line_ends, self._grammar, [])
        quotes = self._grammar.find_quotes(data)
        if self._grammar.by_quotes and not found.broken and self._is_strict(data, len(data), quotes):
            return Split(data, found.size, file.line_ends, self._grammar, [], quotes)
        return self._rescan(data, found, quotes)

    def changed(self) -> ChangedError:
        """The error to raise where the file is not what it was."""
        return ChangedError(f"{self._file.location}: the file changed while it was being read")

    def _rescan(self, data: bytes, found: Range, quotes: NDArray[np.int64]) -> Split:
        file, base = self._file, found.start.offset
        known = {each.start - base: each for each in found.broken}
        good: list[int] = []
        broken: list[tuple[int, int, Extent]] = []
        comments: list[tuple[int, int]] = []
        at = 0
        text = data if data[-1:] in (b"\n", b"\r") else data + b"\n"  # the file's last record may lack its line end
        while at < found.size:
            each = known.get(at)
            if each is not None:
                broken.append((at, each.end - base, Extent(each.extent, each.code, line=each.line)))
                at = each.end - base if each.end - base < len(data) else found.size
            elif comment := file.comment(text, at):
                comments.append((at, comment))
                at = comment
            elif blank := file.line_ends.blank.match(data, at):
                at = blank.end()
            else:
                match = self._grammar.well_quoted[file.line_ends.lone_cr].match(text, at)
                if match is None and found.end.offset == file.size and not self._grammar.by_quotes:
                    good += (at, found.size)  # it ends in an escape
                    break
                if match is None or match.start(1) != at:
                    raise self.changed()
                good += match.span(1)
                at = match.end(1)
        return self._scanned(data, found.size, broken, quotes, good, comments)
