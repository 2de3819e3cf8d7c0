"""A CSV file that is opened: its header, where its lines end, and any bytes of it."""

import csv
import io
import os
import stat
import weakref
from pathlib import Path

from formats.csv.line_ends import ANY_END, LF_END, LineEnds
from formats.csv.parsing import BOM
from formats.csv.quoting import Scanner, lines_end_in_cr
from formats.errors import ChangedError, InputError
from formats.position import Position

SAMPLE_BYTES = 64 << 10  # how much is looked at behind a header that ends in a lone CR


class CsvFile:
    """Raises InputError if there is no such file, or it isn't a regular file, or its header can't be read."""

    def __init__(self, path: Path, max_record_bytes: int, block_bytes: int) -> None:
        self.path = path
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
            self.max_record_bytes = max_record_bytes
            # A block must show that its first record is too large, even if its last byte (a \r) is left out.
            self.window = max(block_bytes, max_record_bytes + 2)
            self.columns, self.line_ends, self.start = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    def unchanged(self) -> bool:
        """Whether the path still names a file of the same size and modification time."""
        try:
            status = self.path.stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes, or as many as there are up to the size the file had when it was opened."""
        length = min(length, self.size - offset)
        try:
            data = os.pread(self._file.fileno(), length, offset)
        except OSError as error:
            raise InputError(f"{self.path}: {error.strerror}") from error
        if len(data) < length:
            raise ChangedError(f"{self.path}: the file got shorter while it was being read")
        return data

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
            raise InputError(f"{self.path}: empty, not even a header")
        data = self.read(begin, self.window)
        extent = self.make_scanner(ANY_END).follow(data, begin, begin)
        if extent is None or extent.code == "record_too_large":
            raise InputError(f"{self.path}: the header is larger than {self.max_record_bytes} bytes")
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
        end = self.behind_line_end(extent.end)
        line_ends = ANY_END if self.read(extent.end, end - extent.end) == b"\r" else LF_END
        if line_ends.lone_cr and not lines_end_in_cr(self.read(extent.end, SAMPLE_BYTES)):
            raise InputError(f"{self.path}: the header has a CR that is no line end: most lines end in LF")
        return columns, line_ends, Position(end, 1, 1 + self.count_lines(bom, end, line_ends))
