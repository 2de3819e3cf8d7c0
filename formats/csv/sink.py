"""CSV as an output (RFC 4180, LF): the scores file."""

import csv
import sys
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa

from formats.csv.lines import format_columns, format_rows
from formats.csv.parsing import to_arrow

csv.field_size_limit(sys.maxsize)  # what was read as one record may be one field


class CsvSink:
    """Rows as lines; a value is quoted where it has to be."""

    def header(self, names: Sequence[str]) -> bytes:
        return format_rows([names])

    def encode(self, columns: Sequence[pa.Array]) -> memoryview:
        return format_columns(columns)

    def decode(self, rows: bytes, names: Sequence[str]) -> pa.RecordBatch:
        _, records = to_arrow(rows, names, list(names))
        return records

    def rows(self, file: BinaryIO) -> Iterator[bytes]:
        """A line end within quotes ends no row."""
        lines: list[bytes] = []
        quotes = 0
        for line in file:
            lines.append(line)
            quotes += line.count(b'"')
            if quotes % 2 == 0:
                yield b"".join(lines)
                lines.clear()

    def fields(self, row: bytes) -> list[bytes]:
        try:
            fields = next(csv.reader([row.decode("latin-1")]), [])  # bytes through a text reader, unaltered
        except csv.Error:  # a line end in the middle of a field without quotes
            fields = row.decode("latin-1").split(",")
        return [field.encode("latin-1") for field in fields] or [b""]

    def renumber(self, row: bytes, record: int) -> bytes:
        return b"%d,%b" % (record, row.partition(b",")[2])
