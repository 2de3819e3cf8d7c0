"""A look at an input that opens no more than its beginning, unless it can be read where it lies, and writes nothing."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from formats.csv.dialect import Dialect
from formats.csv.reader import BLOCK_BYTES, Reader
from formats.errors import InputError
from formats.files.held import HeldBytes
from formats.files.location import Location, Url
from formats.files.open import open_file
from formats.packed.container import HEAD_BYTES as MAGIC_BYTES
from formats.packed.container import container_of
from formats.packed.piped import STANDARD_INPUT, is_piped
from formats.packed.unpack import GRAIN_BYTES, begin
from formats.reading import dialect_of
from formats.registry import has_dialects, open_source
from formats.source import Source

GLANCE_BYTES = 8 << 20  # that are read of what is packed or far away
ROWS_BYTES = 64 << 10  # of a block from which a few rows are shown


class Glance(NamedTuple):
    """An input of which no more than its beginning is opened, unless it can be read where it lies."""

    source: Source
    max_record_bytes: int
    dialect: Dialect
    container: str  # empty: it is in none
    size: int  # bytes, of the file that was named
    mtime_ns: int
    version: str
    held: HeldBytes | None  # the beginning, if `source` has no more than that
    whole: bool  # `source` has all of it
    share: float  # of the file's bytes, that `source` was made of
    is_copied: bool  # a plain copy of it would be scored
    unpack_seconds: float  # that the beginning of such a copy took
    whole_bytes: int = 0  # of several files, those before the one of which `source` has but the beginning

    @property
    def share_error(self) -> float:
        """By what part `share` may be too large."""
        return GRAIN_BYTES / max(1, self.share * self.size) if self.is_copied and not self.whole else 0.0

    @property
    def read_bytes(self) -> int:
        """Of what would be read: an estimate, where it is a copy that is not made."""
        if self.is_copied:
            return self.source.size if self.whole else round(self.source.size / self.share)
        return self.size

    @property
    def safe_bytes(self) -> int:
        """How far from the first record on blocks may begin that know nothing of where `source` was cut."""
        if self.whole:
            return self.source.size
        start = self.source.start.offset
        return max(self.source.size - self.max_record_bytes - BLOCK_BYTES, self.whole_bytes) - start

    def rows(self, count: int) -> list[list[bytes]]:
        """All fields, in UTF-8 as far as they are valid, of the first records that can be read. Columns may have the
        same name. Raises InputError as `Source.blocks` does."""
        source, names = self.source, tuple(map(str, range(len(self.source.columns))))
        if isinstance(source, Reader):
            dialect = source.dialect
            dialect = replace(dialect, header=False, columns=names, rest=names[-1] if dialect.rest else "")
            source = Reader(source.path, self.max_record_bytes, dialect, self.held)
        else:
            names = tuple(name for name in source.columns if source.columns.count(name) == 1)
        found: list[list[bytes]] = []
        for block in source.blocks(names, self.source.start, ROWS_BYTES):
            columns = [column.slice(0, count).to_pylist() for column in block.records.columns]
            found += map(list, zip(*columns, strict=True))
            if len(found) >= count or block.end.offset - self.source.start.offset >= min(self.safe_bytes, GLANCE_BYTES):
                break
        if source is not self.source:
            source.close()
        return found[:count]


def glance(
    location: Location, max_record_bytes: int, dialect: Dialect | Mapping[str, Any], most: int = GLANCE_BYTES
) -> Glance:
    """As `read_input`; but nothing is written, and of what is packed or far away only `most` bytes are read, by default
    some 8 MiB. Raises InputError, also for what can be read but once."""
    if is_piped(location):
        name = "standard input" if location == STANDARD_INPUT else location
        raise InputError(f"{name} can be read only once, and then there is nothing left to score: save it to a file")
    file = open_file(location)
    try:
        container = container_of(file.read(0, MAGIC_BYTES), location)
        found = dialect if isinstance(dialect, Dialect) else dialect_of(file, container, dialect)
        identity = file.size, file.mtime_ns, file.version
        is_copied = bool(container) or not found.in_place
        if not has_dialects(location) or not (is_copied or isinstance(location, Url)):
            if is_copied:
                raise InputError(f"{location} is in {container} data: unpack it")
            source = open_source(location, max_record_bytes, found)
            return Glance(source, max_record_bytes, found, "", *identity, None, True, 1.0, False, 0.0)
        size = max(most, 2 * (max_record_bytes + BLOCK_BYTES)) if most >= GLANCE_BYTES else max_record_bytes + most
        began = time.perf_counter()
        if is_copied:
            head, whole, packed = begin(file, size, "" if found.in_place else found.encoding)
        else:
            head = file.read(0, size)
            whole, packed = len(head) == file.size, len(head)
        seconds = time.perf_counter() - began if is_copied else 0.0
        held = HeldBytes(location, head)
        reader = Reader(location, max_record_bytes, found.copied if is_copied else found, held)
        share = packed / max(1, file.size)
        return Glance(
            reader, max_record_bytes, found, container, *identity, held, whole, share, is_copied, seconds,
        )  # fmt: skip
    finally:
        file.close()
