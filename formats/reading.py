"""Opens an input whatever it is: one file or several, where they lie, or by plain copies of what can't be read in
place."""

import glob
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from formats.csv.beside import said_beside
from formats.csv.detect import HEAD_BYTES, detect
from formats.csv.dialect import Dialect
from formats.files.expansion import expand
from formats.files.listing import look
from formats.files.location import Location, Url, locate
from formats.files.open import open_file
from formats.files.opened import Opened
from formats.joined.members import Member
from formats.joined.source import join
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
    copy_bytes: int = 0  # of all copies
    members: tuple[Member, ...] = ()  # the files, if there are several


def read_input(
    location: Location | str,
    max_record_bytes: int,
    dialect: Dialect | Mapping[str, Any],
    folder: Path,
    progress: Progress | None = None,
    named: str = "",
) -> Reading:
    """`dialect` may be what somebody said of one, by its fields: what is written beside the file comes after that, and
    the rest is found in it. An error calls it what is `named`. A copy is made in `folder`, and found there again.

    Raises InputError, NightshiftError.
    """
    location = locate(location)
    file = open_file(location)
    try:
        container = container_of(file.read(0, MAGIC_BYTES), location)
        if not isinstance(dialect, Dialect):
            dialect = dialect_of(file, container, dialect)
        identity = file.size, file.mtime_ns, file.version
        if not container and dialect.in_place:
            source = open_source(location, max_record_bytes, dialect)
            return Reading(source, dialect, source.size, source.mtime_ns, source.version, None)
        encoding = "" if dialect.in_place else dialect.encoding
        copy = unpack(file, folder, encoding=encoding, progress=progress, named=named)
        source = open_source(location, max_record_bytes, dialect.copied, copy.path)
        return Reading(source, dialect, *identity, copy, copy.size)
    finally:
        file.close()


def read_inputs(
    names: Sequence[Location | str],
    max_record_bytes: int,
    dialect: Dialect | Mapping[str, Any],
    folder: Path,
    progress: Progress | None = None,
    called: Mapping[Location, str] = MappingProxyType({}),
) -> Reading:
    """The same of several files, folders and patterns as one input: all are read as the first one is. Their records
    have their names as they are found, or as they are `called`. Raises InputError for a file with other columns, too.
    """
    locations = expand(names)
    if not isinstance(dialect, Dialect):
        dialect = find_dialect(locations[0], dialect)
    called_so = [called.get(location, os.fsdecode(location)) for location in locations]
    return read_files(together(names, locations), locations, called_so, max_record_bytes, dialect, folder, progress)


def read_files(
    path: Location,
    locations: Sequence[Location],
    names: Sequence[str],
    max_record_bytes: int,
    dialect: Dialect,
    folder: Path,
    progress: Progress | None = None,
) -> Reading:
    """The same of files that are known, in this order, and how they are read. `path` is what stands for all."""
    copies = [_copy_of(location, dialect, folder, progress) for location in locations]
    copied = any(copies)
    read_as = dialect.copied if copied else dialect
    plain = [_absolute(copy.path if copy else location) for copy, location in zip(copies, locations, strict=True)]
    source = join(path, plain, lambda location: open_source(location, max_record_bytes, read_as), names)
    identity = source.size, source.mtime_ns, source.version
    return Reading(source, dialect, *identity, None, source.size if copied else 0, source.members)


def together(names: Sequence[Location | str], locations: Sequence[Location]) -> Location:
    """What stands for all of them."""
    if len(names) == 1:
        return _absolute(locate(names[0]))
    more = f"+{len(locations) - 1}" if len(locations) > 1 else ""
    return _absolute(locations[0].with_name(f"{locations[0].name}{more}"))


def _absolute(location: Location) -> Location:
    return location if isinstance(location, Url) else location.absolute()


def _copy_of(location: Location, dialect: Dialect, folder: Path, progress: Progress | None) -> Copy | None:
    """None if it is read in place."""
    file = open_file(location)
    try:
        if dialect.in_place and not container_of(file.read(0, MAGIC_BYTES), location):
            return None
        return unpack(file, folder, encoding="" if dialect.in_place else dialect.encoding, progress=progress)
    finally:
        file.close()


def find_dialect(location: Location, said: Mapping[str, Any]) -> Dialect:
    """How the file is to be read. Raises InputError, also for a dialect that is in doubt."""
    file = open_file(location)
    try:
        return dialect_of(file, container_of(file.read(0, MAGIC_BYTES), location), said)
    finally:
        file.close()


def dialect_of(file: Opened, container: str, said: Mapping[str, Any]) -> Dialect:
    """How an opened file, which may be in a container, is to be read. Raises InputError, also for a dialect that is in
    doubt."""
    location = file.location
    if not has_dialects(location):
        return Dialect()
    head = peek(file, HEAD_BYTES + 1) if container else file.read(0, HEAD_BYTES + 1)
    return detect(location, head[:HEAD_BYTES], len(head) <= HEAD_BYTES, {**said_beside(location), **said})


def is_several(name: Location) -> bool:
    """Whether it is a folder or a pattern, and no file."""
    if isinstance(name, Url):
        return glob.has_magic(name.key) and look(name) is None
    return name.is_dir() or (glob.has_magic(os.fspath(name)) and not os.path.lexists(name))
