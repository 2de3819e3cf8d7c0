"""Streams a CSV file of any size as blocks of records, every value as raw bytes and every byte accounted for.

pyarrow parses; what it can't do safely is done here: broken quoting, oversized records, stray CRs and wrong field
counts become rejects with a record number and a line, instead of swallowing records, making some out of thin air,
ending the stream or altering values.
"""

import csv
import io
import os
import stat
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from formats.csv.details import MAX_RAW_BYTES, broken, too_large, wrong_count
from formats.csv.line_ends import ANY_END, LF_END, LineEnds
from formats.csv.lines import format_rows
from formats.csv.parsing import BOM, to_arrow, wrong_field_counts
from formats.csv.quoting import (
    WELL_QUOTED,
    Extent,
    Scanner,
    cut_before,
    find_quotes,
    lines_end_in_cr,
    records_fit,
    strictly_quoted,
)
from formats.csv.split import Split
from formats.errors import InputError
from formats.position import Position
from formats.rejects import Reject
from formats.source import Block

# pyarrow's parser gets up to speed after 32,768 values: in blocks of 1 MiB a record costs it nearly twice as much.
BLOCK_BYTES = 2 << 20
SAMPLE_BYTES = 64 << 10  # how much is looked at behind a header that ends in a lone CR


class Reader:
    """A CSV file, opened for streaming: a Source.

    A reject's raw is the record, or where the quoting is broken only the line on which it starts, without the line end.
    Blank lines outside quotes belong to the block of the record before them, or of the first record.
    If the header ends in LF or CRLF, a lone CR outside quotes spoils its record; if it ends in a lone CR, that is a
    line end. Raises InputError if there is no such file, or it isn't a regular file, or its header can't be read.
    """

    def __init__(self, path: Path | str, max_record_bytes: int = 1 << 20, *, block_bytes: int = BLOCK_BYTES) -> None:
        self.path = Path(path)
        try:
            self._file = self.path.open("rb", buffering=0)
            weakref.finalize(self, self._file.close)  # in a notebook nobody closes it
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror}") from error
        try:
            status = os.fstat(self._file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{self.path}: not a regular file")
            self.size, self.mtime_ns = status.st_size, status.st_mtime_ns
            self._max_record_bytes = max_record_bytes
            # A block must show that its first record is too large, even if its last byte (a \r) is left out.
            self._window = max(block_bytes, max_record_bytes + 2)
            self.columns, self._line_ends, self.start = self._read_header()
            self._scanner = self._make_scanner(self._line_ends)
        except BaseException:
            self._file.close()
            raise

    def blocks(self, columns: Sequence[str], start: Position | None = None) -> Iterator[Block]:
        """The blocks from `start` (the first record, or the `end` of any block) to the end of the file.

        Where a block ends depends only on the file and the reader's limits. Raises InputError for a column that the
        header has not, or has twice; while iterating, if the file got shorter.
        """
        for name in columns:
            if self.columns.count(name) != 1:
                problem = "more than one column" if name in self.columns else "no column"
                raise InputError(f"{self.path}: {problem} named {name!r}; the header has {', '.join(self.columns)}")
        return self._blocks(list(columns), self.start if start is None else start)

    def locate(self, start: Position, records: Sequence[int]) -> dict[int, tuple[int, bytes]]:
        """Of accepted records at or after `start`: record number -> (line, the record's bytes without its line end)."""
        found: dict[int, tuple[int, bytes]] = {}
        while start.offset < self.size and any(record >= start.record for record in records):
            split = self._split(start)
            starts = split.starts()
            numbers = start.record + np.searchsorted(starts, split.spans()[:, 0])
            for row in np.flatnonzero(np.isin(numbers, records)):
                first, last = split.spans()[row]
                line = start.line + self._line_ends.count(split.data, 0, first)
                found[int(numbers[row])] = (line, split.data[first:last])
            end = start.offset + split.end
            lines = self._count_lines(start.offset, end, self._line_ends)
            start = Position(end, start.record + len(starts), start.line + lines)
        return found

    def unchanged(self) -> bool:
        """Whether the path still names a file of the same size and modification time."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)

    def excerpt_head(self) -> bytes:
        return format_rows([self.columns])

    def excerpt(self, raw: bytes) -> bytes:
        return raw + b"\n"

    def close(self) -> None:
        """Closes the file; iterators made before can't go on."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, offset: int, length: int) -> bytes:
        """`length` bytes, or as many as there are up to the size the file had when it was opened."""
        length = min(length, self.size - offset)
        try:
            data = os.pread(self._file.fileno(), length, offset)
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror}") from error
        if len(data) < length:
            raise InputError(f"{self.path}: the file got shorter while it was being read")
        return data

    def _make_scanner(self, line_ends: LineEnds) -> Scanner:
        return Scanner(self._read, self.size, self._max_record_bytes, self._window, line_ends)

    def _read_header(self) -> tuple[list[str], LineEnds, Position]:
        begin = bom = len(BOM) if self._read(0, len(BOM)) == BOM else 0
        while blank := ANY_END.blank.match(self._read(begin, self._window)):
            begin += blank.end()
        if begin >= self.size:
            raise InputError(f"{self.path}: empty, not even a header")
        data = self._read(begin, self._window)
        extent = self._make_scanner(ANY_END).follow(data, begin, begin)
        if extent is None or extent.code == "record_too_large":
            raise InputError(f"{self.path}: the header is larger than {self._max_record_bytes} bytes")
        if extent.code is not None:
            raise InputError(f"{self.path}: the header is badly quoted")
        try:
            text = data[: extent.end - begin].decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path}: the header is not UTF-8") from error
        try:
            columns = next(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise InputError(f"{self.path}: the header can't be read: {error}") from error
        end = self._behind_line_end(extent.end)
        line_ends = ANY_END if self._read(extent.end, end - extent.end) == b"\r" else LF_END
        if line_ends.lone_cr and not lines_end_in_cr(self._read(extent.end, SAMPLE_BYTES)):
            raise InputError(f"{self.path}: the header has a CR that is no line end: most lines end in LF")
        return columns, line_ends, Position(end, 1, 1 + self._count_lines(bom, end, line_ends))

    def _blocks(self, columns: list[str], start: Position) -> Iterator[Block]:
        blank = 0  # of a block of them alone: only the first one can be
        first = start
        while start.offset < self.size:
            split = self._split(start)
            block = self._parse(split, columns, start)
            start, skipped = self._behind_blank_lines(block.end)
            blank += block.blank_lines + skipped
            if block.end.record > block.start.record:
                yield replace(block, start=first, end=start, blank_lines=blank)
                first, blank = start, 0

    def _behind_blank_lines(self, at: Position) -> tuple[Position, int]:
        """Where the next record or the end of the file is, and how many blank lines are skipped on the way."""
        begin, skipped = at.offset, 0
        while blank := self._line_ends.blank.match(data := self._read(begin, 64)):
            size = blank.end()
            if size == len(data) > 1 and data.endswith(b"\r"):
                size -= 1  # perhaps half of a \r\n
            skipped += self._line_ends.count(data, 0, size)
            begin += size
        return Position(begin, at.record, at.line + skipped), skipped

    def _split(self, start: Position) -> Split:
        data = self._read(start.offset, self._window)
        last = start.offset + len(data) == self.size
        if not last and data.endswith(b"\r"):
            data = data[:-1]  # perhaps half of a \r\n
        quotes = find_quotes(data)
        end = len(data) if last else cut_before(data, quotes, len(data), self._line_ends)
        quotes = quotes[: np.searchsorted(quotes, end)]
        octets = np.frombuffer(data, dtype=np.uint8)[:end]
        if (
            end
            and strictly_quoted(octets, quotes)
            and records_fit(data, quotes, end, self._max_record_bytes, self._line_ends)
            and (np.searchsorted(quotes, self._line_ends.stray(data, end)) % 2).all()  # all are quoted
        ):
            return Split(data, end, self._line_ends, [], quotes)
        return self._scan(data, start.offset, quotes)

    def _scan(self, data: bytes, base: int, quotes: NDArray[np.int64]) -> Split:
        """Split a block record by record: slower, for those that are not strictly quoted or have a huge record."""
        self._scanner.forget_before(base)
        well_quoted = WELL_QUOTED[self._line_ends.lone_cr]
        good: list[int] = []
        broken: list[tuple[int, int, Extent]] = []
        at = trouble = 0
        while at < len(data):
            # Within what a broken record was followed through, only the scanner remembers what it has seen.
            match = well_quoted.match(data, at) if at >= trouble else None
            first, last = match.span(1) if match else (0, 0)
            if match and last - first <= self._max_record_bytes:
                good += (first, last)
                at = last
            elif blank := self._line_ends.blank.match(data, at):
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
                at = end if end < len(data) else self._behind_line_end(extent.end) - base
        return Split(data, at, self._line_ends, broken, quotes, np.array(good, dtype=np.int64).reshape(-1, 2))

    def _behind_line_end(self, offset: int) -> int:
        line_end = self._read(offset, 2)
        return offset + (2 if line_end == b"\r\n" else len(line_end[:1]))

    def _parse(self, split: Split, columns: list[str], start: Position) -> Block:
        gaps = [(at, end) for at, end, _ in split.broken]
        wrong: dict[int, int] = {}
        clean = split.without(gaps)
        try:
            rows, records = to_arrow(clean, self.columns, columns)
        except pa.ArrowInvalid:
            wrong = wrong_field_counts(clean, len(self.columns))
            gaps += map(tuple, split.spans()[list(wrong)].tolist())
            rows, records = to_arrow(split.without(gaps), self.columns, columns)
        rejects, line = self._rejects(split, wrong, start)
        blank = split.blank_lines(line - start.line, rows + len(rejects), records.columns)
        end = Position(start.offset + split.end, start.record + rows + len(rejects), line)
        return Block(start, end, rows, records, rejects, blank)

    def _rejects(self, split: Split, wrong: dict[int, int], start: Position) -> tuple[list[Reject], int]:
        """The rejects of a block, and the line on which it ends."""
        bad = [(at, extent) for at, _, extent in split.broken]
        details: dict[int, str] = {}
        for row, fields in wrong.items():
            at, end = split.spans()[row].tolist()
            code = "too_few_fields" if fields < len(self.columns) else "too_many_fields"
            bad.append((at, Extent(start.offset + end, code)))
            details[at] = wrong_count(fields, len(self.columns))
        starts = split.starts() if bad else np.empty(0, dtype=np.int64)
        rejects: list[Reject] = []
        line, counted = start.line, 0
        for at, extent in sorted(bad, key=lambda item: item[0]):
            record = start.record + int(np.searchsorted(starts, at))
            line += self._line_ends.count(split.data, counted, at)
            counted = at
            size = extent.end - start.offset - at
            if extent.code == "record_too_large":
                details[at] = too_large(extent, start.offset + at, self._max_record_bytes)
                size = min(size, MAX_RAW_BYTES)
            elif at not in details:
                lines = self._line_ends.count(split.data, at, extent.place - start.offset)
                details[at] = broken(extent, line + lines)
            raw = self._read(start.offset + at, size)
            rejects.append(Reject(record, line, str(extent.code), details[at], raw))
        if split.end <= len(split.data):
            return rejects, line + self._line_ends.count(split.data, counted, split.end)
        return rejects, line + self._count_lines(start.offset + counted, start.offset + split.end, self._line_ends)

    def _count_lines(self, start: int, end: int, line_ends: LineEnds) -> int:
        """The line ends between two file offsets, neither within a \\r\\n."""
        lines = 0
        while start < end:
            data = self._read(start, min(self._window, end - start))
            if start + len(data) < end and data.endswith(b"\r"):
                data = data[:-1]  # don't count a \r\n twice
            lines += line_ends.count(data)
            start += len(data)
        return lines
