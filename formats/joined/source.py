"""Several files as one source: one behind the other, numbered through, with a column that says which file it was."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
import pyarrow as pa

from formats.errors import ChangedError, InputError
from formats.files.listing import look
from formats.files.location import Location, Url
from formats.files.open import open_file
from formats.joined.members import AT_ONCE, Member, Opener, digest, look_at
from formats.joined.open_files import OpenFiles
from formats.joined.space import Space
from formats.position import Located, Position
from formats.rejects import Reject
from formats.shown import quoted, shown
from formats.source import Block, Range, Source

FILE_COLUMN = "file"
Found = TypeVar("Found", Block, Range)


def join(
    path: Location, locations: Sequence[Location], open_one: Opener, names: Sequence[str] | None = None
) -> "JoinedSource":
    """Looks at every file, each of which has the same columns in the same order. `path` is what stands for all, a
    pattern or a folder; `names` are what the records have in the column of names, by default the locations as they are.

    Raises InputError for the first file that can't be opened, that is empty, or whose columns are others.
    """
    names = [os.fsdecode(location) for location in locations] if names is None else names
    return JoinedSource(path, look_at(locations, names, open_one), open_one)


class JoinedSource:
    """A Source, of files that were looked at, perhaps by another process: each is opened when it is needed, and has to
    be what it was then. Some are open at a time.

    `columns` are those of each file, and a last one with the file's name: `file`, or with as many underscores before it
    as it takes to be no column of the files. Lines are the file's own, and so are the offsets of which a reject tells;
    a reject's detail ends in the file's name. No block has records of two files, and files without records leave no
    trace: the end of the last block may lie before theirs. Raises InputError if the first can't be opened.
    """

    def __init__(self, path: Location, members: Sequence[Member], open_one: Opener) -> None:
        self.path = path
        self.members = members = tuple(members)
        self._files = OpenFiles(members, open_one)
        self._space = Space([member.size for member in members])
        self.size = self._space.size
        self.mtime_ns = max(member.mtime_ns for member in members)
        self.version = digest(members)
        self.read_from = path
        with self._files.using(0) as source:
            self.start, self.dialect, self.excerpt_dialect = source.start, source.dialect, source.excerpt_dialect
            self.file_column = FILE_COLUMN
            while self.file_column in source.columns:
                self.file_column = f"_{self.file_column}"
            self.columns = [*source.columns, self.file_column]

    def blocks(
        self, columns: Sequence[str], start: Position | None = None, block_bytes: int | None = None
    ) -> Iterator[Block]:
        """Those of each file, one file behind the other. Raises as the protocol says; ChangedError for a file that is
        not the one that was looked at."""
        self._check(columns)
        return self._blocks(list(columns), self.start if start is None else start, block_bytes)

    def _blocks(self, columns: list[str], at: Position, block_bytes: int | None) -> Iterator[Block]:
        own_columns = self._own(columns)
        for number in self._numbers(at):
            with self._files.using(number) as source:
                self._files.will_use(number + 1)
                for own in source.blocks(own_columns, self._space.inward(number, at, source.start), block_bytes):
                    block = self._outward(number, own, columns, at, self._end(number, own))
                    yield block
                    at = block.end

    def ranges(self, start: Position | None = None, block_bytes: int | None = None) -> Iterator[Range]:
        """The same blocks as ranges: each is read alone wherever these files are."""
        at = self.start if start is None else start
        for number in self._numbers(at):
            with self._files.using(number) as source:
                self._files.will_use(number + 1)
                for own in source.ranges(self._space.inward(number, at, source.start), block_bytes):
                    found = self._space.range_outward(number, own, at, self._end(number, own))
                    yield found
                    at = found.end

    def read(self, found: Range, columns: Sequence[str]) -> Block:
        """The block of a range. Only its file is opened. Raises as the protocol says, for what is no range of these
        files too."""
        self._check(columns)
        number = self._number(found)
        with self._files.using(number) as source:
            own = source.read(self._inward(number, found, source), self._own(columns))
        return self._outward(number, own, columns, found.start, found.end)

    def locate(self, start: Position, records: Sequence[int]) -> dict[int, Located]:
        """Of accepted records at or after `start`: record number -> where it is in its file."""
        places: dict[int, Located] = {}
        for found, here in self._with_records(start, records):
            places |= self.locate_in(found, here)
        return places

    def locate_in(self, found: Range, records: Sequence[int]) -> dict[int, Located]:
        """The same, of a range; nothing outside it is looked at. Raises ChangedError."""
        if not records:
            return {}
        number = self._number(found)
        with self._files.using(number) as source:
            return source.locate_in(self._inward(number, found, source), records)

    def file_of(self, found: Block | Range) -> str:
        """The name of the file that has a block."""
        return self.members[self._number(found)].name

    def unchanged(self) -> bool:
        """Whether each name still stands for the same file. Raises InputError if a storage does not say."""
        numbers = range(len(self.members))
        if not any(isinstance(member.location, Url) for member in self.members):
            return all(map(self._is_unchanged, numbers))
        others = [number for number in numbers if self._files.unchanged(number) is None]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return all(self._files.unchanged(number) is not False for number in numbers) and all(
                pool.map(self._is_unchanged, others)
            )

    def excerpt_head(self) -> bytes:
        """An excerpt is as one of the files is, without the column of names."""
        with self._files.using(0) as source:
            return source.excerpt_head()

    def excerpt(self, raw: bytes) -> bytes:
        with self._files.using(0) as source:
            return source.excerpt(raw)

    def close(self) -> None:
        """Closes the files; iterators made before can't go on."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, columns: Sequence[str]) -> None:
        for name in columns:
            if self.columns.count(name) != 1:
                problem = "more than one column" if name in self.columns else "no column"
                raise InputError(f"{self.path}: {problem} named {quoted(name)}; there are {shown(self.columns)}")

    def _own(self, columns: Sequence[str]) -> list[str]:
        """Those of them that the files have."""
        return [name for name in columns if name != self.file_column]

    def _numbers(self, start: Position) -> range:
        """The files from there on."""
        return range(0 if start == self.start else self._space.file_from(start.offset), len(self.members))

    def _number(self, found: Block | Range) -> int:
        """The file that has a block. It is the one in which it ends: it begins where the one before ended, and files
        without records may lie between. Raises ChangedError if there is none."""
        number = self._space.file_to(found.end.offset)
        if not 0 <= number < len(self.members):
            raise ChangedError(f"{self.path}: what was found in these files ends behind the last of them")
        return number

    def _inward(self, number: int, found: Range, source: Source) -> Range:
        try:
            return self._space.range_inward(number, found, source.start)
        except ValueError:
            raise ChangedError(f"{self.members[number].location}: what was found there is not there") from None

    def _end(self, number: int, own: Block | Range) -> Position:
        """Where a block of a file ends among all."""
        try:
            return self._space.outward(number, own.end)
        except ValueError as error:
            raise InputError(f"{self.members[number].location}: can't be joined: {error}") from None

    def _outward(self, number: int, own: Block, columns: Sequence[str], start: Position, end: Position) -> Block:
        name = self.members[number].name
        records = own.records
        if self.file_column in columns:
            names = _repeated(os.fsencode(name), own.rows)
            others = iter(records.columns)
            arrays = [names if each == self.file_column else next(others) for each in columns]
            records = pa.RecordBatch.from_arrays(arrays, names=list(columns))
        rejects = [in_file(each, name) for each in own.rejects]
        return replace(own, start=start, end=end, records=records, rejects=rejects)

    def _with_records(self, start: Position, records: Sequence[int]) -> Iterator[tuple[Range, list[int]]]:
        """The ranges that have some of these records, and which."""
        last = max(records, default=0)
        if start.record <= last:
            for found in self.ranges(start):
                if here := [record for record in records if found.start.record <= record < found.end.record]:
                    yield found, here
                if found.end.record > last:
                    return

    def _is_unchanged(self, number: int) -> bool:
        known = self._files.unchanged(number)
        if known is not None:
            return known
        _, location, size, mtime_ns, version = self.members[number]
        if not isinstance(location, Url):
            return look(location) == (size, mtime_ns)
        try:
            stored = open_file(location)
        except InputError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return False
            raise
        stored.close()
        return (stored.size, stored.version) == (size, version)


def _repeated(value: bytes, rows: int) -> pa.Array:
    """A binary array of that value alone, [rows]. `pa.array` and `pa.repeat` would import pandas."""
    if rows * len(value) >= 1 << 31:
        raise InputError(f"{rows:,} records with a name of {len(value)} bytes are no block: take a smaller one")
    ends = np.arange(rows + 1, dtype=np.int32) * np.int32(len(value))
    return pa.Array.from_buffers(pa.binary(), rows, [None, pa.py_buffer(ends), pa.py_buffer(value * rows)])


def in_file(reject: Reject, name: str) -> Reject:
    """Says at the end of a reject's detail in which file it is."""
    return replace(reject, detail=f"{reject.detail}{', ' if reject.detail else ''}in {name!r}")
