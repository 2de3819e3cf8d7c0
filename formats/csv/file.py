"""A CSV file that is opened: its header, where its lines end, and any bytes of it."""

import csv
from pathlib import Path

from formats.csv.dialect import UTF8, Dialect
from formats.csv.fields import fields_of
from formats.csv.grammar import grammar_of
from formats.csv.line_ends import ANY_END, LF_END, LineEnds
from formats.csv.parsing import BOM
from formats.csv.quoting import Scanner, lines_end_in_cr
from formats.errors import InputError
from formats.files.held import HeldBytes
from formats.files.location import Location
from formats.files.open import open_file
from formats.position import Position
from formats.shown import quoted

SAMPLE_BYTES = 64 << 10  # how much is looked at behind a header that ends in a lone CR


class CsvFile:
    """Raises InputError if there is no such file, or it isn't a regular file, or its header can't be read.

    `read` and `will_read`, `unchanged` and `close` are those of what is opened (formats/files/opened.py).
    """

    def __init__(
        self, location: Location, max_record_bytes: int, block_bytes: int, dialect: Dialect,
        copy: Path | HeldBytes | None = None,
    ) -> None:  # fmt: skip
        self.location, self.dialect, self.grammar = location, dialect, grammar_of(dialect)
        self._file = file = copy if isinstance(copy, HeldBytes) else open_file(copy or location)
        self.size, self.mtime_ns, self.version = file.size, file.mtime_ns, file.version
        self.read, self.will_read, self.unchanged, self.close = file.read, file.will_read, file.unchanged, file.close
        try:
            self.max_record_bytes = max_record_bytes
            # A block must show that its first record is too large, even if its last byte (a \r) is left out.
            self.window = max(block_bytes, max_record_bytes + 2)
            self.columns, self.line_ends, self.start = self._read_header()
        except BaseException:
            file.close()
            raise

    def make_scanner(self, line_ends: LineEnds) -> Scanner:
        return Scanner(self.read, self.size, self.max_record_bytes, self.window, line_ends, self.grammar)

    def count_lines(self, start: int, end: int, line_ends: LineEnds | None = None) -> int:
        """The line ends between two file offsets, neither within a \\r\\n."""
        line_ends, lines = line_ends or self.line_ends, 0
        while start < end:
            data = self.read(start, min(self.window, end - start))
            if start + len(data) < end and data.endswith(b"\r"):
                data = data[:-1]  # don't count a \r\n twice
            lines += line_ends.count(data)
            start += len(data)
        return lines

    def behind_line_end(self, offset: int) -> int:
        line_end = self.read(offset, 2)
        return offset + (2 if line_end == b"\r\n" else len(line_end[:1]))

    def behind_blank_lines(self, at: Position) -> tuple[Position, int]:
        """Where the next record or the end of the file is, and how many blank lines are skipped on the way."""
        begin, skipped, comments = at.offset, 0, 0
        while data := self.read(begin, 64):
            if blank := self.line_ends.blank.match(data):
                size = blank.end()
                if size == len(data) > 1 and data.endswith(b"\r"):
                    size -= 1  # perhaps half of a \r\n
                skipped += self.line_ends.count(data, 0, size)
                begin += size
            elif self.grammar.comment and data.startswith(self.grammar.comment):
                begin, comments = self.behind_line(begin), comments + 1
            else:
                break
        return Position(begin, at.record, at.line + skipped + comments), skipped

    def comment(self, data: bytes, at: int, base: int | None = None) -> int:
        """Where the comment that begins at `data[at]`, a line's beginning, ends, before its line end; 0 if there is
        none, or `data`, which is at `base` of a file that goes on, has no end of it."""
        if not self.grammar.comment or not data.startswith(self.grammar.comment, at):
            return 0
        found = self.line_ends.one.search(data, at)
        if found:
            return found.start()
        return len(data) if base is None or base + len(data) >= self.size else 0

    def behind_line(self, offset: int, line_ends: LineEnds | None = None) -> int:
        """Behind the end of the line that has that byte."""
        line_ends = line_ends or self.line_ends
        while data := self.read(offset, self.window):
            if found := line_ends.one.search(data):
                return self.behind_line_end(offset + found.start())
            offset += len(data) - (data.endswith(b"\r") and offset + len(data) < self.size)
        return offset

    def _read_header(self) -> tuple[list[str], LineEnds, Position]:
        begin = bom = len(BOM) if self.read(0, len(BOM)) == BOM else 0
        for _ in range(self.dialect.skip_lines):
            begin = self.behind_line(begin, ANY_END)
        while data := self.read(begin, self.window):
            if blank := ANY_END.blank.match(data):
                begin += blank.end()
            elif self.grammar.comment and data.startswith(self.grammar.comment):
                begin = self.behind_line(begin, ANY_END)
            else:
                break
        if begin >= self.size:
            raise InputError(f"{self.location}: empty, not even a header")
        extent = self.make_scanner(ANY_END).follow(data, begin, begin)
        if extent is None or extent.code == "record_too_large":
            raise InputError(f"{self.location}: {self._first} is larger than {self.max_record_bytes} bytes")
        if extent.code is not None:
            raise InputError(f"{self.location}: {self._first} is badly quoted")
        columns = self._columns(data[: extent.end - begin])
        end = self.behind_line_end(extent.end)
        line_ends = ANY_END if self.read(extent.end, end - extent.end) == b"\r" else LF_END
        if line_ends.lone_cr and not lines_end_in_cr(self.read(extent.end, SAMPLE_BYTES), self.grammar):
            raise InputError(f"{self.location}: {self._first} has a CR that is no line end: most lines end in LF")
        if not self.dialect.header:
            end = begin
        return columns, line_ends, Position(end, 1, 1 + self.count_lines(bom, end, line_ends))

    @property
    def _first(self) -> str:
        return "the header" if self.dialect.header else "the first record"

    def _columns(self, first: bytes) -> list[str]:
        """The columns' names, from the first record."""
        dialect = self.dialect
        try:
            text = first.decode(dialect.encoding)
        except UnicodeDecodeError as error:
            name = "UTF-8" if dialect.encoding == UTF8 else dialect.encoding
            if dialect.header:
                raise InputError(f"{self.location}: the header is not {name}") from error
            text = first.decode(dialect.encoding, "replace")
        try:
            fields = fields_of(text, dialect)
        except csv.Error as error:
            raise InputError(f"{self.location}: {self._first} can't be read: {error}") from error
        columns = fields if dialect.header else list(dialect.columns) or [str(n + 1) for n in range(len(fields))]
        if dialect.rest and columns[-1:] != [dialect.rest]:
            raise InputError(
                f"{self.location}: --rest is for the last column, which is {quoted(columns[-1])}, not {dialect.rest!r}"
            )
        return columns
