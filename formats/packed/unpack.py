"""From what can't be read in place to its plain copy, or to the beginning of it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import xxhash

from formats.errors import ChangedError, InputError
from formats.files.location import Location
from formats.files.opened import Opened
from formats.packed.archive import unpacked_member
from formats.packed.container import HEAD_BYTES, ZIP, container_of
from formats.packed.encoding import NotInItError, Transcoder, canonical
from formats.packed.feed import Feed, Progress
from formats.packed.folder import Copy, Folder
from formats.packed.limits import Limits
from formats.packed.streams import unpacked

GRAIN_BYTES = 4 << 10  # to which it is known how many bytes of a file were read for its beginning
_RULES = 1  # to be raised if the same original would give another copy


def unpack(
    file: Opened,
    folder: Path,
    *,
    encoding: str = "",
    suffix: str = ".csv",
    limit: int | None = None,
    progress: Progress | None = None,
    named: str = "",
) -> Copy:
    """The copy of an opened file, made now unless it is there: out of its container, if it is in one, and in UTF-8, if
    an `encoding` is named (formats/packed/encoding.py has what becomes of what is not valid in it). `named` is what an
    error calls the file, if its name would tell nothing: standard input.

    It has at most `limit` bytes (formats/packed/limits.py has the rules without one). Memory: some MiB, and what the
    container's window takes. Raises InputError if the file is damaged, not whole, a bomb or nothing that can be read
    here; ChangedError if it changes meanwhile; NightshiftError for what the disk says.
    """
    encoding = canonical(encoding) if encoding else ""
    name = copy_name(file, encoding, suffix)
    file = _Named(file, named) if named else file
    container = container_of(file.read(0, HEAD_BYTES), file.location)
    place = Folder(folder)
    if found := place.find(name):
        return found
    limits = Limits(file.location, folder, limit)
    with place.begin(name) as partial, _of_one_version(file):
        feed, pieces = _unpacked(file, container, progress)
        for piece in _plain(pieces, feed, container, encoding):
            limits.add(piece, feed.offset)
            partial.write(piece)
        feed.end()
        if not file.unchanged():
            raise ChangedError(_changed(file))
        return partial.publish(name, file.mtime_ns, container, encoding, file.size)


class Beginning(NamedTuple):
    """The first bytes of what a copy would be."""

    data: bytes
    whole: bool  # there are no more
    packed_bytes: int  # of the file, that were read for them


def begin(file: Opened, size: int, encoding: str = "", named: str = "") -> Beginning:
    """`size` bytes at least if there are so many, and nothing is written. Raises as `unpack` does."""
    file = _Named(file, named) if named else file
    container = container_of(file.read(0, HEAD_BYTES), file.location)
    with _of_one_version(file):
        feed, pieces = _unpacked(file, container, None)
        feed.chunk_bytes = GRAIN_BYTES
        head = bytearray()
        for piece in _plain(pieces, feed, container, encoding):
            head += piece
            if len(head) >= size:
                return Beginning(bytes(head), False, feed.offset)
        return Beginning(bytes(head), True, file.size)


def peek(file: Opened, size: int, encoding: str = "", named: str = "") -> bytes:
    """The data of a beginning alone."""
    return begin(file, size, encoding, named).data


class _Named:
    """An opened file by another name."""

    def __init__(self, file: Opened, named: str) -> None:
        self.location: Location = Path(named)
        self.size, self.mtime_ns, self.version = file.size, file.mtime_ns, file.version
        self.read, self.will_read, self.unchanged, self.close = file.read, file.will_read, file.unchanged, file.close


def copy_name(file: Opened, encoding: str, suffix: str) -> str:
    """The same for the same version of the same file under the same name, in the same encoding."""
    # resolve: under another name of its folder it is the same file
    identity = [_RULES, os.fspath(file.location.resolve()), file.size, file.mtime_ns, file.version, encoding]
    return xxhash.xxh3_128_hexdigest(json.dumps(identity).encode("utf-8", "surrogateescape")) + suffix


def _unpacked(file: Opened, container: str, progress: Progress | None) -> tuple[Feed, Iterator[bytes]]:
    if container == ZIP:
        return unpacked_member(file, progress)
    feed = Feed(file, progress=progress)
    return feed, unpacked(feed, container)


def _plain(pieces: Iterator[bytes], feed: Feed, container: str, encoding: str) -> Iterator[bytes]:
    """The pieces in UTF-8. What came out of a container must be none itself."""
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= HEAD_BYTES:
            break
    if container and (inner := container_of(head, f"{feed.location}, in its {container} data")):
        raise InputError(f"{feed.location}: packed twice, by {inner} and then by {container}: unpack it once")
    if not encoding:
        yield head
        yield from pieces
        return
    try:
        transcoder = Transcoder(encoding, head)
        yield transcoder.feed(head)
        for piece in pieces:
            yield transcoder.feed(piece)
        yield transcoder.feed(b"", last=True)
    except NotInItError as error:
        raise InputError(f"{feed.location}: {error}") from error


@contextmanager
def _of_one_version(file: Opened) -> Iterator[None]:
    """Raises ChangedError in the place of another InputError, if that is why: one that is still being written looks
    like a truncated one."""
    try:
        yield
    except ChangedError:
        raise
    except InputError as error:
        if file.unchanged():
            raise
        raise ChangedError(_changed(file)) from error


def _changed(file: Opened) -> str:
    return f"{file.location}: the file changed while it was being unpacked"
