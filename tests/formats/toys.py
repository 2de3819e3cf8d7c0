"""A format that nobody has: values between bars, escaped as in URLs. Its few lines are all that a format needs."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pyarrow as pa
import xxhash

from formats.csv.dialect import PLAIN, Dialect
from formats.errors import InputError
from formats.position import Located, Position
from formats.rejects import Reject
from formats.source import Block, Range

SUFFIX = ".bars"
AT_ONCE = 2  # records a block


class BarsSource:
    """A Source: a line a record, the first one the columns' names."""

    dialect = excerpt_dialect = PLAIN
    file_column = ""

    def __init__(self, path: Path, max_record_bytes: int, dialect: Dialect = PLAIN, copy: Path | None = None) -> None:
        del dialect  # there is one
        self.read_from = path = copy or path
        self._limit = max_record_bytes
        self.path = path
        status = path.stat()
        self.size, self.mtime_ns, self.version = status.st_size, status.st_mtime_ns, ""
        self._file = path.open("rb")
        head = self._file.readline()
        if not head:
            self._file.close()
            raise InputError(f"{path}: empty")
        self.columns = [name.decode() for name in _values(head)]
        self.start = Position(len(head), 1, 2)

    def blocks(
        self, columns: Sequence[str], start: Position | None = None, block_bytes: int | None = None
    ) -> Iterator[Block]:
        del block_bytes  # two records are few enough
        for name in columns:
            if self.columns.count(name) != 1:
                raise InputError(f"{self.path}: not one column {name!r}")
        return self._blocks([self.columns.index(name) for name in columns], columns, start or self.start)

    def ranges(self, start: Position | None = None, block_bytes: int | None = None) -> Iterator[Range]:
        del block_bytes
        at = start or self.start
        while lines := self._lines(at):
            size = sum(map(len, lines))
            end = Position(at.offset + size, at.record + len(lines), at.line + len(lines))
            yield Range(at, end, size, xxhash.xxh3_128_hexdigest(b"".join(lines)))
            at = end

    def read(self, found: Range, columns: Sequence[str]) -> Block:
        block = next(self.blocks(columns, found.start), None)
        if block is None or block.end != found.end:
            raise InputError(f"{self.path}: it changed")
        return block

    def _blocks(self, wanted: Sequence[int], names: Sequence[str], at: Position) -> Iterator[Block]:
        while lines := self._lines(at):
            rows, rejects, end = [], [], at
            for line in lines:
                values = _values(line)
                if len(line) > self._limit:
                    rejects.append(Reject(end.record, end.line, "record_too_large", "", line[:80], end.offset))
                elif len(values) == len(self.columns):
                    rows.append([values[index] for index in wanted])
                else:
                    raw = line.rstrip(b"\n")
                    detail = f"{len(values)} fields"
                    rejects.append(Reject(end.record, end.line, "too_many_fields", detail, raw, end.offset))
                end = Position(end.offset + len(line), end.record + 1, end.line + 1)
            arrays = [pa.array([row[index] for row in rows], pa.binary()) for index in range(len(wanted))]
            yield Block(at, end, len(rows), pa.record_batch(arrays, names=list(names)), rejects)
            at = end

    def _lines(self, at: Position) -> list[bytes]:
        self._file.seek(at.offset)
        return [line for line in (self._file.readline() for _ in range(AT_ONCE)) if line]

    def locate(self, start: Position, records: Sequence[int]) -> dict[int, Located]:
        self._file.seek(start.offset)
        found = {}
        offset = start.offset
        for number, line in enumerate(self._file):
            if start.record + number in records:
                found[start.record + number] = Located(start.line + number, offset, line.rstrip(b"\n"))
            offset += len(line)
        return found

    def locate_in(self, found: Range, records: Sequence[int]) -> dict[int, Located]:
        return self.locate(found.start, [record for record in records if record < found.end.record])

    def file_of(self, _: Block | Range) -> str:
        return ""

    def unchanged(self) -> bool:
        status = self.path.stat()
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)

    def excerpt_head(self) -> bytes:
        return BarsSink().header(self.columns)

    def excerpt(self, raw: bytes) -> bytes:
        return raw + b"\n"

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class BarsSink:
    """A Sink of the same format."""

    def header(self, names: Sequence[str]) -> bytes:
        return _line([name.encode() for name in names])

    def encode(self, columns: Sequence[pa.Array]) -> bytes:
        texts = [
            each if pa.types.is_binary(each.type) else each.cast(pa.string()).cast(pa.binary()) for each in columns
        ]
        return b"".join(_line(row) for row in zip(*(each.to_pylist() for each in texts), strict=True))

    def decode(self, rows: bytes, names: Sequence[str]) -> pa.RecordBatch:
        columns = zip(*map(_values, rows.splitlines()), strict=True)
        return pa.record_batch([pa.array(column, pa.binary()) for column in columns], names=list(names))

    def rows(self, file: BinaryIO) -> Iterator[bytes]:
        return iter(file)

    def fields(self, row: bytes) -> list[bytes]:
        return _values(row)

    def renumber(self, row: bytes, record: int) -> bytes:
        return re.sub(rb"^[^|]*", b"%d" % record, row)


def _line(values: Sequence[bytes]) -> bytes:
    return b"|".join(quote_from_bytes(value, safe=" ").encode() for value in values) + b"\n"


def _values(line: bytes) -> list[bytes]:
    return [unquote_to_bytes(value) for value in line.rstrip(b"\n").split(b"|")]
