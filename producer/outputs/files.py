"""Files that appear under their final names whole, or not at all; and whether a file has the bytes it should have."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import xxhash

from formats.files import safe
from jobs.digest import Part

CHUNK_BYTES = 1 << 20


def write_atomically(path: Path, content: bytes, token: str) -> None:
    """Replaces `path`, which may be a link, by a file of that content. Raises OSError, if it is another's as well."""
    safe.check_replaceable(path)
    partial = path.with_name(f"{path.name}.{token}.partial")
    try:
        partial.unlink(missing_ok=True)
        with safe.create(partial) as file:
            file.write(content)
            make_safe(file)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Waits until no other process of this home publishes what is made at that path. Raises OSError."""
    with safe.open_or_create(path.with_name(f"{path.name}.lock"), safe.PRIVATE) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make_safe(file: BinaryIO) -> None:
    """Returns when the disk has what was written. Raises OSError."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Returns when the disk has the folder's names. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def begins_with(path: Path, parts: Sequence[Part], *, whole: bool = False, links: bool = False) -> bool:
    """Whether the file begins with these parts, and, if `whole`, ends with them. A part without a digest is known by
    its size alone. A link is followed only if it may be."""
    size = sum(part.size for part in parts)
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | (0 if links else os.O_NOFOLLOW) | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size < size or (whole and status.st_size != size):
                return False
            return all(good for good in match(file, parts))
    except OSError:
        return False


def read(file: BinaryIO, size: int) -> bytes:
    """The next bytes, as many as there are up to `size`, which the server says: it takes no more memory than they
    do."""
    pieces = []
    while size and (piece := file.read(min(size, CHUNK_BYTES))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def copy(source: BinaryIO, target: BinaryIO, part: Part) -> bool:
    """Copies the next bytes of `source`, as many as the part has; whether they are what its digest says."""
    state = xxhash.xxh3_128()
    left = part.size
    while left and (chunk := source.read(min(left, CHUNK_BYTES))):
        target.write(chunk)
        state.update(chunk)
        left -= len(chunk)
    return left == 0 and part.digest == state.hexdigest()


def match(file: BinaryIO, parts: Iterable[Part]) -> Iterator[bool]:
    """Of each of the consecutive parts, from where the file stands, whether it is what its digest says."""
    for size, digest in parts:
        state = xxhash.xxh3_128()
        left = size
        while left and (chunk := file.read(min(left, CHUNK_BYTES))):
            state.update(chunk)
            left -= len(chunk)
        yield left == 0 and digest in ("", state.hexdigest())
