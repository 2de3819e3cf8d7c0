"""Streams a CSV file of any size as blocks of records, every value as raw bytes and every byte accounted for.

pyarrow parses; what it can't do safely is done here: broken quoting, oversized records and wrong field counts become
rejects with a record number and a line, instead of swallowing records, ending the stream or altering values.
"""

import csv
import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
from numpy.typing import NDArray

from jobs.batch import Reject
from jobs.errors import InputError
from producer.quoting import (
    WELL_QUOTED,
    Extent,
    Scanner,
    count_lines,
    cut_before,
    find_quotes,
    records_fit,
    spans,
    strictly_quoted,
)

# pyarrow's parser gets up to speed after 32,768 values: in blocks of 1 MiB a record costs it nearly twice as much.
BLOCK_BYTES = 2 << 20
MAX_RAW_BYTES = 64 << 10  # how much of a record_too_large its reject holds

_BOM = b"\xef\xbb\xbf"
_BLANK = re.compile(rb"[\r\n]+")
_ASCII = bytes(range(128)) + b"?" * 128


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record starts: all that is needed to resume reading there."""

    offset: int  # byte offset in the file
    record: int  # 1-based; the header and blank lines are not counted
    line: int  # 1-based physical line


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive records: end.record - start.record == rows + len(rejects), which is never zero.

    A reject's code is bad_quoting, unclosed_quote, record_too_large, too_few_fields or too_many_fields. Its raw is the
    record, or for the first two only the line on which it starts, without the line end.
    """

    start: Position
    end: Position
    rows: int  # accepted records; equals records.num_rows unless no columns were asked for
    records: pa.RecordBatch  # the asked columns in the asked order, each pa.binary(), unquoted, otherwise unaltered
    rejects: list[Reject]  # in record order

    @property
    def record_numbers(self) -> NDArray[np.int64]:
        """The numbers of the accepted records: int64, shape (rows,)."""
        numbers = np.arange(self.start.record, self.end.record, dtype=np.int64)
        return np.delete(numbers, [reject.record - self.start.record for reject in self.rejects])


@dataclass(slots=True)
class _Split:
    """A block cut into records, fields not looked at yet. Positions are relative to the block."""

    data: bytes
    end: int  # where the next block starts; behind `data` if the last record is a huge one
    broken: list[tuple[int, Extent]]  # starts and extents of the records that pyarrow must not see
    quotes: NDArray[np.int64]
    scanned: NDArray[np.int64] | None = None  # spans of the other records; None if they follow from the quotes

    def spans(self) -> NDArray[np.int64]:
        """Starts and ends of the well-quoted records: int64, shape (records, 2)."""
        if self.scanned is None:
            self.scanned = spans(np.frombuffer(self.data, dtype=np.uint8)[: self.end], self.quotes)
        return self.scanned

    def starts(self) -> NDArray[np.int64]:
        """Starts of all records, in order."""
        return np.sort(np.append(self.spans()[:, 0], [at for at, _ in self.broken]))

    def without(self, gaps: Sequence[tuple[int, int]]) -> bytes | memoryview:
        """The block's bytes but for some records, whose line ends stay as blank lines."""
        if not gaps:
            return memoryview(self.data)[: self.end]
        edges = [0, *(edge for gap in sorted(gaps) for edge in gap), self.end]
        return b"".join([self.data[first:last] for first, last in zip(edges[::2], edges[1::2], strict=True)])


class Reader:
    """A CSV file, opened for streaming; a context manager.

    Raises InputError if there is no such file, or it isn't a regular file, or its header can't be read.
    """

    def __init__(self, path: Path | str, max_record_bytes: int = 1 << 20, *, block_bytes: int = BLOCK_BYTES) -> None:
        self.path = Path(path)
        try:
            self._file = self.path.open("rb", buffering=0)
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror}") from error
        try:
            status = os.fstat(self._file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise InputError(f"{self.path}: not a regular file")
            self.size: int = status.st_size
            self.mtime_ns: int = status.st_mtime_ns
            self._max_record_bytes = max_record_bytes
            # A block must show that its first record is too large, even if its last byte (a \r) is left out.
            self._window = max(block_bytes, max_record_bytes + 2)
            self._scanner = Scanner(self._read, self.size, max_record_bytes, self._window)
            self.columns: list[str]
            self.start: Position
            self.columns, self.start = self._read_header()
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
                found[int(numbers[row])] = (start.line + count_lines(split.data, 0, first), split.data[first:last])
            end = start.offset + split.end
            start = Position(end, start.record + len(starts), start.line + self._count_lines(start.offset, end))
        return found

    def unchanged(self) -> bool:
        """Whether the path still names a file of the same size and modification time."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)

    def close(self) -> None:
        """Close the file; iterators made before can't go on."""
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

    def _read_header(self) -> tuple[list[str], Position]:
        begin = bom = len(_BOM) if self._read(0, len(_BOM)) == _BOM else 0
        while blank := _BLANK.match(self._read(begin, self._window)):
            begin += blank.end()
        if begin >= self.size:
            raise InputError(f"{self.path}: empty, not even a header")
        data = self._read(begin, self._window)
        extent = self._scanner.follow(data, begin, begin)
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
        return columns, Position(end, 1, 1 + self._count_lines(bom, end))

    def _blocks(self, columns: list[str], start: Position) -> Iterator[Block]:
        while start.offset < self.size:
            split = self._split(start)
            block = self._parse(split, columns, start)
            start = block.end
            if block.end.record > block.start.record:
                yield block

    def _split(self, start: Position) -> _Split:
        data = self._read(start.offset, self._window)
        last = start.offset + len(data) == self.size
        if not last and data.endswith(b"\r"):
            data = data[:-1]  # perhaps half of a \r\n
        quotes = find_quotes(data)
        end = len(data) if last else cut_before(data, quotes, len(data))
        quotes = quotes[: np.searchsorted(quotes, end)]
        octets = np.frombuffer(data, dtype=np.uint8)[:end]
        if end and strictly_quoted(octets, quotes) and records_fit(data, quotes, end, self._max_record_bytes):
            return _Split(data, end, [], quotes)
        return self._scan(data, start.offset, quotes)

    def _scan(self, data: bytes, base: int, quotes: NDArray[np.int64]) -> _Split:
        """Split a block record by record: slower, for those that are not strictly quoted or have a huge record."""
        self._scanner.forget_before(base)
        good: list[int] = []
        broken: list[tuple[int, Extent]] = []
        at = trouble = 0
        while at < len(data):
            # Within what a broken record was followed through, only the scanner remembers what it has seen.
            match = WELL_QUOTED.match(data, at) if at >= trouble else None
            first, last = match.span(1) if match else (0, 0)
            if match and last - first <= self._max_record_bytes:
                good += (first, last)
                at = last
            elif data[at] in b"\r\n":
                at += 1
            else:
                extent = self._scanner.follow(data, base, base + at)
                if extent is None:
                    break
                end = extent.end - base
                if extent.code is None:
                    good += (at, end)
                else:
                    broken.append((at, extent))
                    trouble = max(trouble, extent.seen - base)
                at = end if end < len(data) else self._behind_line_end(extent.end) - base
        return _Split(data, at, broken, quotes, np.array(good, dtype=np.int64).reshape(-1, 2))

    def _behind_line_end(self, offset: int) -> int:
        line_end = self._read(offset, 2)
        return offset + (2 if line_end == b"\r\n" else len(line_end[:1]))

    def _parse(self, split: _Split, columns: list[str], start: Position) -> Block:
        gaps = [(at, extent.end - start.offset) for at, extent in split.broken]
        wrong: dict[int, int] = {}
        clean = split.without(gaps)
        try:
            rows, records = self._to_arrow(clean, columns)
        except pa.ArrowInvalid:
            wrong = self._wrong_field_counts(clean)
            gaps += map(tuple, split.spans()[list(wrong)].tolist())
            rows, records = self._to_arrow(split.without(gaps), columns)
        rejects, line = self._rejects(split, wrong, start)
        end = Position(start.offset + split.end, start.record + rows + len(rejects), line)
        return Block(start, end, rows, records, rejects)

    def _to_arrow(self, clean: bytes | memoryview, columns: list[str]) -> tuple[int, pa.RecordBatch]:
        """How many records, and their asked columns. Raises pa.ArrowInvalid if one has too few or too many fields."""
        if not clean:
            return 0, pa.RecordBatch.from_arrays([pa.array([], pa.binary()) for _ in columns], names=columns)
        places = [str(self.columns.index(name)) for name in columns]
        table = self._read_csv(clean, places or ["0"], pc.ParseOptions(newlines_in_values=True))
        arrays = [table.column(place).combine_chunks() for place in places]
        return table.num_rows, pa.RecordBatch.from_arrays(arrays, names=columns)

    def _read_csv(self, clean: bytes | memoryview, places: list[str], options: pc.ParseOptions) -> pa.Table:
        if clean[: len(_BOM)] == _BOM:
            clean = b"\n" + clean  # pyarrow would drop it, as if at the start of a file
        names = [str(place) for place in range(len(self.columns))]  # those of the header need not be unique
        return pc.read_csv(
            pa.BufferReader(clean),
            pc.ReadOptions(use_threads=False, block_size=len(clean) + 1, column_names=names),
            options,
            pc.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.binary()),
                include_columns=places,
                null_values=[],
                strings_can_be_null=False,
            ),
        )

    def _wrong_field_counts(self, clean: bytes | memoryview) -> dict[int, int]:
        """Of the records with too few or too many fields: row in `clean` -> number of fields."""
        wrong: dict[int, int] = {}

        def skip(row: pc.InvalidRow) -> str:
            wrong[row.number - 1] = row.actual_columns
            return "skip"

        # The handler fails on a row that isn't UTF-8, so it gets the same structure in ASCII.
        options = pc.ParseOptions(newlines_in_values=True, invalid_row_handler=skip)
        self._read_csv(bytes(clean).translate(_ASCII), ["0"], options)
        return wrong

    def _rejects(self, split: _Split, wrong: dict[int, int], start: Position) -> tuple[list[Reject], int]:
        """The rejects of a block, and the line on which it ends."""
        bad = list(split.broken)
        details: dict[int, str] = {}
        for row, fields in wrong.items():
            at, end = split.spans()[row].tolist()
            code = "too_few_fields" if fields < len(self.columns) else "too_many_fields"
            bad.append((at, Extent(start.offset + end, code)))
            details[at] = f"{fields} field{'' if fields == 1 else 's'}, the header has {len(self.columns)}"
        starts = split.starts() if bad else np.empty(0, dtype=np.int64)
        rejects: list[Reject] = []
        line, counted = start.line, 0
        for at, extent in sorted(bad, key=lambda item: item[0]):
            record = start.record + int(np.searchsorted(starts, at))
            line += count_lines(split.data, counted, at)
            counted = at
            detail = details.get(at) or self._describe(split.data, start.offset, at, line, extent)
            size = extent.end - start.offset - at
            if extent.code == "record_too_large":
                size = min(size, MAX_RAW_BYTES)
            raw = self._read(start.offset + at, size)
            rejects.append(Reject(record, line, str(extent.code), detail, raw))
        if split.end <= len(split.data):
            return rejects, line + count_lines(split.data, counted, split.end)
        return rejects, line + self._count_lines(start.offset + counted, start.offset + split.end)

    def _describe(self, data: bytes, base: int, at: int, line: int, extent: Extent) -> str:
        if extent.code == "record_too_large":
            size = extent.end - base - at
            cut = f"; raw holds the first {MAX_RAW_BYTES}" if size > MAX_RAW_BYTES else ""
            return f"{size} bytes at byte offset {base + at}, the limit is {self._max_record_bytes}{cut}"
        line += count_lines(data, at, extent.quote - base)
        if extent.code == "unclosed_quote":
            return f"the quote that opens on line {line} is never closed"
        return f"more text after the closing quote of the field that opens on line {line}"

    def _count_lines(self, start: int, end: int) -> int:
        """The line ends between two file offsets, neither within a \\r\\n."""
        lines = 0
        while start < end:
            data = self._read(start, min(self._window, end - start))
            if start + len(data) < end and data.endswith(b"\r"):
                data = data[:-1]  # don't count a \r\n twice
            lines += count_lines(data)
            start += len(data)
        return lines
