"""What every input format offers: a *source* of records, whatever its file looks like.

A new format is a class with these members and a line in formats/registry.py; tests/formats/test_sources.py has the
tests that it then has to pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from formats.csv.dialect import Dialect
from formats.csv.rejected import records_of
from formats.files.location import Location
from formats.position import Located, Position
from formats.rejects import Reject


class Broken(NamedTuple):
    """A record that can't be read, in file offsets: where it starts, where the next one may, and where it ends itself;
    `line` is that of what is wrong in it, `record` its number."""

    start: int
    end: int
    extent: int
    code: str
    line: int
    record: int


@dataclass(frozen=True, slots=True)
class Range:
    """A block's place in the file, with what has to be known of the rest of it to read the block alone. Its records
    have `size` bytes, with the line end of the last; from there to its end there are blank lines. `digest` is that of
    the bytes by which the records are known (XXH3-128, 32 hexadecimal digits): all of them but for a giant record's.
    In a `plain` one each record is as a parser takes it: whoever reads the same bytes need not look again."""

    start: Position
    end: Position
    size: int
    digest: str
    plain: bool = False
    broken: tuple[Broken, ...] = ()

    @property
    def records(self) -> int:
        """How many, broken ones included."""
        return self.end.record - self.start.record

    def encode(self) -> list[object]:
        """As JSON."""
        broken = [list(each) for each in self.broken]
        return [*astuple(self.start), *astuple(self.end), self.size, self.digest, self.plain, broken]

    @classmethod
    def decode(cls, content: Any) -> Self:
        """Raises ValueError or TypeError for what `encode` did not make: it may come from elsewhere."""
        *places, size, digest, plain, broken = content
        start, end = Position(*places[:3]), Position(*places[3:])
        found = cls(start, end, size, digest, plain is True, tuple(Broken(*each) for each in broken))
        numbers = [*places, size, *(number for each in broken for number in (*each[:3], *each[4:]))]
        if not all(type(number) is int and 0 <= number < 1 << 63 for number in numbers):
            raise ValueError("a place in a file is a number of bytes, records or lines")
        if not (start.offset + size <= end.offset and start.record < end.record and start.line <= end.line):
            raise ValueError("a range begins before it ends")
        starts = [each.start for each in found.broken]
        if starts != sorted(set(starts)) or any(
            not start.offset <= each.start < each.end <= each.extent + 2 or not start.record <= each.record < end.record
            for each in found.broken
        ):
            raise ValueError("broken records of a range are in it, one behind the other")
        if found.records > end.offset - start.offset:
            raise ValueError("a record has a byte at least")
        if not all(isinstance(text, str) for text in (digest, *(each.code for each in found.broken))):
            raise ValueError("a digest and a code are text")
        return found


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive records: end.record - start.record == rows + len(rejects), which is never zero.

    A reject's code is one of those that formats/rejects.py says the reader gives. Its raw is the record, or as much of
    it as is known to belong to it.
    """

    start: Position
    end: Position
    rows: int  # accepted records; equals records.num_rows unless no columns were asked for
    records: pa.RecordBatch  # the asked columns in the asked order, each pa.binary(), otherwise unaltered
    rejects: Sequence[Reject]  # in record order; of many, each is made when it is looked at
    blank_lines: int = 0  # no records, and not counted as such

    @property
    def record_numbers(self) -> NDArray[np.int64]:
        """The numbers of the accepted records: int64, shape (rows,)."""
        numbers = np.arange(self.start.record, self.end.record, dtype=np.int64)
        return np.delete(numbers, records_of(self.rejects) - self.start.record)


class Source(Protocol):
    """An opened input. A context manager. Opening it raises InputError if it can't be read."""

    path: Location
    read_from: Location  # the same, or a plain copy of it
    size: int  # bytes
    mtime_ns: int  # nanoseconds since the epoch; with the size, what tells whether the file is still the same
    version: str  # of an object, which tells more; empty for a file
    columns: list[str]
    start: Position  # of the first record
    dialect: Dialect  # how it is read; of another format than CSV the default one
    file_column: str  # the column that has each record's file, where the input is several; empty if it is one

    def blocks(
        self, columns: Sequence[str], start: Position | None = None, block_bytes: int | None = None
    ) -> Iterator[Block]:
        """The blocks from `start` (the first record, or the `end` of any block) to the end, each of at most
        `block_bytes` of input (by default, and at most, the source's own) or of one record. Where a block ends depends
        only on the file, that and its limits, not on the columns. Without columns no value is looked at. The number of
        `start`'s record is taken as it is, and counted on from: the file may be one of several (formats/joined/).

        Raises InputError for a column that is not there, or is there twice; while iterating, if the file got shorter.
        """

    def ranges(self, start: Position | None = None, block_bytes: int | None = None) -> Iterator[Range]:
        """The same blocks, of which no value is looked at: where each is, for whoever reads it elsewhere."""

    def read(self, found: Range, columns: Sequence[str]) -> Block:
        """The block of a range that was found in this file by any source. Raises InputError as `blocks` does, and
        ChangedError if what is there is not what was found."""

    def locate_in(self, found: Range, records: Sequence[int]) -> dict[int, Located]:
        """As `locate`, of accepted records of a range; nothing outside it is looked at."""

    def locate(self, start: Position, records: Sequence[int]) -> dict[int, Located]:
        """Of accepted records at or after `start`: record number -> where it is, and its raw text."""

    def file_of(self, found: Block | Range) -> str:
        """The name of the file that has a block, where the input is several; empty if it is one."""

    def unchanged(self) -> bool:
        """Whether its name still stands for a file of the same size, modification time and version."""

    @property
    def excerpt_dialect(self) -> Dialect:
        """How an excerpt is to be read."""

    def excerpt_head(self) -> bytes:
        """What an excerpt begins with: a file of the same format and columns that has some of the records."""

    def excerpt(self, raw: bytes) -> bytes:
        """One record of an excerpt, from its raw text."""

    def close(self) -> None:
        """Closes the file; iterators made before can't go on."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
