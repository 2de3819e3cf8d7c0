"""Streams a CSV file of any size as blocks of records, every value as raw bytes and every byte accounted for.

pyarrow parses; what it can't do safely is done here: broken quoting, oversized records, stray CRs and wrong field
counts become rejects with a record number and a line, instead of swallowing records, making some out of thin air,
ending the stream or altering values.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from formats.csv.dialect import PLAIN, UTF8, Dialect
from formats.csv.fields import record_of, whole_fields
from formats.csv.file import CsvFile
from formats.csv.parsing import to_arrow, wrong_field_counts
from formats.csv.quoting import Extent
from formats.csv.reject_details import MAX_RAW_BYTES, broken, too_large
from formats.csv.rejected import FEW, Rejects, Wrong
from formats.csv.split import Split
from formats.csv.splitter import Splitter
from formats.csv.surplus import folded, inserted
from formats.csv.transcoding import to_utf8
from formats.errors import InputError
from formats.files.held import HeldBytes
from formats.files.location import Location, locate
from formats.position import Located, Position
from formats.rejects import Reject
from formats.shown import quoted, shown
from formats.source import Block, Range

# pyarrow's parser gets up to speed after 32,768 values: in blocks of 1 MiB a record costs it nearly twice as much.
BLOCK_BYTES = 2 << 20
BROKEN_FIELD = frozenset({"bad_quoting", "unclosed_quote", "stray_cr"})
NONE_WRONG = Wrong(np.empty(0, np.int64), np.empty(0, np.int64))


class Reader:
    """A CSV file, opened for streaming: a Source.

    A reject's raw is the record, or where the quoting is broken only the line on which it starts, without the line end.
    Blank lines outside quotes belong to the block of the record before them, or of the first record.
    If the header ends in LF or CRLF, a lone CR outside quotes spoils its record; if it ends in a lone CR, that is a
    line end. Raises InputError if there is no such file, or it isn't a regular file, or its header can't be read.
    """

    file_column = ""

    def __init__(
        self,
        path: Location | str,
        max_record_bytes: int = 1 << 20,
        dialect: Dialect = PLAIN,
        copy: Path | HeldBytes | None = None,
        *,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.path, self.dialect = locate(path), dialect
        self._file = file = CsvFile(self.path, max_record_bytes, block_bytes, dialect, copy)
        self.read_from: Location = copy if isinstance(copy, Path) else self.path
        self.size, self.mtime_ns, self.version = file.size, file.mtime_ns, file.version
        self.columns, self.start = file.columns, file.start
        self._counts = Counter(self.columns)
        self._splitter = Splitter(file)

    def blocks(
        self, columns: Sequence[str], start: Position | None = None, block_bytes: int | None = None
    ) -> Iterator[Block]:
        """The blocks from `start` (the first record, or the `end` of any block) to the end of the file.

        Where a block ends depends only on the file and the reader's limits. Raises InputError for a column that the
        header has not, or has twice; while iterating, if the file got shorter.
        """
        self._check(columns)
        return self._blocks(list(columns), self.start if start is None else start, block_bytes)

    def ranges(self, start: Position | None = None, block_bytes: int | None = None) -> Iterator[Range]:
        """The same blocks as ranges, each of which `read` reads by itself: no value is looked at."""
        return self._splitter.ranges(self.start if start is None else start, block_bytes)

    def read(self, found: Range, columns: Sequence[str]) -> Block:
        """The block of a range, which may have been found in another process. Raises InputError as `blocks` does, and
        ChangedError if the file is not as it was."""
        self._check(columns)
        block = self._parse(self._splitter.again(found), list(columns), found.start)
        end, skipped = self._file.behind_blank_lines(block.end)
        if end != found.end:
            raise self._splitter.changed()
        return replace(block, end=end, blank_lines=block.blank_lines + skipped)

    def _check(self, columns: Sequence[str]) -> None:
        for name in columns:
            if self._counts[name] != 1:
                problem = "more than one column" if self._counts[name] else "no column"
                raise InputError(f"{self.path}: {problem} named {quoted(name)}; the header has {shown(self.columns)}")

    def locate(self, start: Position, records: Sequence[int]) -> dict[int, Located]:
        """Of accepted records at or after `start`: record number -> where it is."""
        found: dict[int, Located] = {}
        while start.offset < self.size and any(record >= start.record for record in records):
            split = self._splitter.split(start)
            found |= self._places(split, start, records)
            end = start.offset + split.end
            lines = self._file.count_lines(start.offset, end)
            start = Position(end, start.record + len(split.starts()), start.line + lines)
        return found

    def locate_in(self, found: Range, records: Sequence[int]) -> dict[int, Located]:
        """The same, of a range; nothing outside it is looked at. Raises ChangedError."""
        return self._places(self._splitter.again(found), found.start, records) if records else {}

    def _places(self, split: Split, start: Position, records: Sequence[int]) -> dict[int, Located]:
        found: dict[int, Located] = {}
        numbers = start.record + np.searchsorted(split.starts(), split.spans()[:, 0])
        for row in np.flatnonzero(np.isin(numbers, records)):
            first, last = split.spans()[row].tolist()
            line = start.line + self._file.line_ends.count(split.data, 0, first)
            raw = bytes(self._utf8(split.data[first:last]))
            found[int(numbers[row])] = Located(line, start.offset + first, raw)
        return found

    def file_of(self, _: Block | Range) -> str:
        return ""

    def unchanged(self) -> bool:
        """Whether its name still stands for the same file."""
        return self._file.unchanged()

    @property
    def excerpt_dialect(self) -> Dialect:
        return replace(self.dialect, encoding=UTF8, header=True, columns=(), skip_lines=0, comment="")

    def excerpt_head(self) -> bytes:
        return record_of(self.columns, self.dialect).encode()

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

    def _blocks(self, columns: list[str], start: Position, block_bytes: int | None) -> Iterator[Block]:
        blank = 0  # of a block of them alone: only the first one can be
        first = start
        while start.offset < self.size:
            self._file.will_read(start.offset)
            split = self._splitter.split(start, block_bytes)
            block = self._parse(split, columns, start)
            start, skipped = self._file.behind_blank_lines(block.end)
            blank += block.blank_lines + skipped
            if block.end.record > block.start.record:
                yield replace(block, start=first, end=start, blank_lines=blank)
                first, blank = start, 0

    def _parse(self, split: Split, columns: list[str], start: Position) -> Block:
        gaps = np.array([(at, end) for at, end, _ in split.broken], dtype=np.int64).reshape(-1, 2)
        wrong = NONE_WRONG
        clean = self._utf8(split.without(gaps))
        try:
            rows, records = to_arrow(clean, self.columns, columns, self.dialect)
        except pa.ArrowInvalid:
            wrong = wrong_field_counts(clean, len(self.columns), self.dialect)
            gaps = np.concatenate([gaps, split.spans()[wrong.rows]])
            rows, records = to_arrow(self._utf8(split.without(gaps)), self.columns, columns, self.dialect)
            if self.dialect.rest:
                surplus = wrong.fields > len(self.columns)
                rows, records = self._with_surplus(split, wrong.where(surplus), wrong.where(~surplus), rows, records)
                wrong = wrong.where(~surplus)
        rejects, line = self._rejects(split, wrong, start)
        blank = split.blank_lines(line - start.line, rows + len(rejects), records.columns)
        end = Position(start.offset + split.end, start.record + rows + len(rejects), line)
        return Block(start, end, rows, records, rejects, blank)

    def _with_surplus(
        self, split: Split, surplus: Wrong, few: Wrong, rows: int, records: pa.RecordBatch
    ) -> tuple[int, pa.RecordBatch]:
        """With the records that have surplus fields; `few` are those that stay out."""
        places = (surplus.rows - np.searchsorted(few.rows, surplus.rows)).tolist()
        texts = (bytes(self._utf8(split.data[first:last])) for first, last in split.spans()[surplus.rows].tolist())
        fields = (folded(text, len(self.columns), self.dialect) for text in texts)
        return inserted(records, rows, dict(zip(places, fields, strict=True)), self.columns)

    def _utf8(self, data: bytes | memoryview) -> bytes | memoryview:
        return to_utf8(data, self.dialect.encoding)

    def _rejects(self, split: Split, wrong: Wrong, start: Position) -> tuple[Sequence[Reject], int]:
        """The rejects of a block, and the line on which it ends."""
        line_ends, data = self._file.line_ends, split.data
        if not split.broken and not len(wrong):
            return [], start.line + self._lines_behind(split, start, 0, 0)
        spans = split.spans()[wrong.rows]
        starts = np.append(spans[:, 0], np.array([at for at, _, _ in split.broken], dtype=np.int64))
        order = np.argsort(starts, kind="stable")
        ends = np.append(spans[:, 1], np.zeros(len(split.broken), np.int64))[order]
        fields = np.append(wrong.fields, np.zeros(len(split.broken), np.int64))[order]
        starts = starts[order]
        records = start.record + np.searchsorted(split.starts(), starts)
        before = np.searchsorted(line_ends.places(data), starts)  # line ends
        others = {}
        for place, (at, _, extent) in zip(np.searchsorted(starts, [at for at, _, _ in split.broken]).tolist(),
                                          split.broken, strict=True):  # fmt: skip
            record, line = int(records[place]), start.line + int(before[place])
            others[record] = self._broken(split, start, at, extent, record, line)
        found = Rejects(
            records, start.line + before, starts, ends, fields, others, len(self.columns), start.offset,
            lambda first, last: bytes(self._utf8(data[first:last])),
        )  # fmt: skip
        line = start.line + self._lines_behind(split, start, int(starts[-1]), int(before[-1]))
        return found if len(found) > FEW else list(found), line

    def _lines_behind(self, split: Split, start: Position, at: int, before: int) -> int:
        """The line ends of a block, of which `before` lie in front of its position `at`."""
        if split.end <= len(split.data):
            return before + self._file.line_ends.count(split.data, at, split.end)
        return before + self._file.count_lines(start.offset + at, start.offset + split.end)

    def _broken(self, split: Split, start: Position, at: int, extent: Extent, record: int, line: int) -> Reject:
        """The reject of a record that can't be read, which begins on that line."""
        size = extent.end - start.offset - at
        if extent.code == "record_too_large":
            detail = too_large(extent, start.offset + at, self._file.max_record_bytes)
            size = min(size, MAX_RAW_BYTES)
        else:
            lines = self._file.line_ends.count(split.data, at, extent.place - start.offset)
            detail = broken(extent, extent.line or line + lines)
        raw = bytes(self._utf8(self._file.read(start.offset + at, size)))
        column = self._column_at_fault(raw) if extent.code in BROKEN_FIELD else ""
        return Reject(record, line, str(extent.code), detail, raw, start.offset + at, column)

    def _column_at_fault(self, raw: bytes) -> str:
        """The one in which a record breaks; empty if that is behind the last."""
        whole = whole_fields(raw, self.dialect)
        return self.columns[whole] if whole < len(self.columns) else ""
