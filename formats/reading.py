"""Opens an input whatever it is: where it lies, or by a plain copy of what can't be read in place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from formats.csv.beside import said_beside
from formats.csv.detect import HEAD_BYTES, detect
from formats.csv.dialect import Dialect
from formats.files.location import Location, locate
from formats.files.open import open_file
from formats.packed.container import HEAD_BYTES as MAGIC_BYTES
from formats.packed.container import container_of
from formats.packed.feed import Progress
from formats.packed.folder import Copy
from formats.packed.unpack import peek, unpack
from formats.registry import has_dialects, open_source
from formats.source import Source


class Reading(NamedTuple):
    """An input that is opened. `size`, `mtime_ns` and `version` are those of the file that was named."""

    source: Source
    dialect: Dialect
    size: int  # bytes
    mtime_ns: int
    version: str
    copy: Copy | None  # what is read in its place


def read_input(
    location: Location | str,
    max_record_bytes: int,
    dialect: Dialect | Mapping[str, Any],
    folder: Path,
    progress: Progress | None = None,
) -> Reading:
    """`dialect` may be what somebody said of one, by its fields: what is written beside the file comes after that, and
    the rest is found in it. A copy is made in `folder`, and found there again. Raises InputError, NightshiftError."""
    location = locate(location)
    file = open_file(location)
    try:
        container = container_of(file.read(0, MAGIC_BYTES), location)
        if not isinstance(dialect, Dialect):
            dialect = find_dialect(location, dialect)
        identity = file.size, file.mtime_ns, file.version
        if not container and dialect.in_place:
            source = open_source(location, max_record_bytes, dialect)
            return Reading(source, dialect, source.size, source.mtime_ns, source.version, None)
        encoding = "" if dialect.in_place else dialect.encoding
        copy = unpack(file, folder, encoding=encoding, progress=progress)
        return Reading(open_source(location, max_record_bytes, dialect.copied, copy.path), dialect, *identity, copy)
    finally:
        file.close()


def find_dialect(location: Location, said: Mapping[str, Any]) -> Dialect:
    """How the file is to be read. Raises InputError, also for a dialect that is in doubt."""
    if not has_dialects(location):
        return Dialect()
    file = open_file(location)
    try:
        container = container_of(file.read(0, MAGIC_BYTES), location)
        head = peek(file, HEAD_BYTES + 1) if container else file.read(0, HEAD_BYTES + 1)
        whole = len(head) <= HEAD_BYTES
        return detect(location, head[:HEAD_BYTES], whole, {**said_beside(location), **said})
    finally:
        file.close()
