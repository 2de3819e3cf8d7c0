"""A CSV file that is opened: its header, where its lines end, and any bytes of it."""

import csv
import io

from formats.csv.line_ends import ANY_END, LF_END, LineEnds
from formats.csv.parsing import BOM
from formats.csv.quoting import Scanner, lines_end_in_cr
from formats.errors import InputError
from formats.files.location import Location
from formats.files.open import open_file
from formats.position import Position

SAMPLE_BYTES = 64 << 10  # how much is looked at behind a header that ends in a lone CR


class CsvFile:
    """Raises InputError if there is no such file, or it isn't a regular file, or its header can't be read.

    `read` and `will_read`, `unchanged` and `close` are those of what is opened (formats/files/opened.py).
    """

    def __init__(self, location: Location, max_record_bytes: int, block_bytes: int) -> None:
        self.location = location
        self._file = file = open_file(location)
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
        return Scanner(self.read, self.size, self.max_record_bytes, self.window, line_ends)

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
        begin, skipped = at.offset, 0
        while blank := self.line_ends.blank.match(data := self.read(begin, 64)):
            size = blank.end()
            if size == len(data) > 1 and data.endswith(b"\r"):
                size -= 1  # perhaps half of a \r\n
            skipped += self.line_ends.count(data, 0, size)
            begin += size
        return Position(begin, at.record, at.line + skipped), skipped

    def _read_header(self) -> tuple[list[str], LineEnds, Position]:
        begin = bom = len(BOM) if self.read(0, len(BOM)) == BOM else 0
        while blank := ANY_END.blank.match(self.read(begin, self.window)):
            begin += blank.end()
        if begin >= self.size:
            raise InputError(f"{self.location}: empty, not even a header")
        data = self.read(begin, self.window)
        extent = self.make_scanner(ANY_END).follow(data, begin, begin)
        if extent is None or extent.code == "record_too_large":
            raise InputError(f"{self.location}: the header is larger than {self.max_record_bytes} bytes")
        if extent.code is not None:
            raise InputError(f"{self.location}: the header is badly quoted")
        try:
            text = data[: extent.end - begin].decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{self.location}: the header is not UTF-8") from error
        try:
            columns = next(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise InputError(f"{self.location}: the header can't be read: {error}") from error
        end = self.behind_line_end(extent.end)
        line_ends = ANY_END if self.read(extent.end, end - extent.end) == b"\r" else LF_END
        if line_ends.lone_cr and not lines_end_in_cr(self.read(extent.end, SAMPLE_BYTES)):
            raise InputError(f"{self.location}: the header has a CR that is no line end: most lines end in LF")
        return columns, line_ends, Position(end, 1, 1 + self.count_lines(bom, end, line_ends))
