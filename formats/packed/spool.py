"""What can be read only once, standard input or a FIFO, becomes a file as it is read.

The file is named by the digest of its content: the same bytes, piped again, are the same input.
"""

import contextlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

from formats.errors import InputError
from formats.files.location import Location
from formats.packed.container import HEAD_BYTES, container_of
from formats.packed.feed import Progress, Throttle
from formats.packed.folder import Copy, Folder
from formats.packed.limits import Limits

_PREFIX = "piped"  # of the names
_CHUNK_BYTES = 1 << 20
_HANDLES = "/dev/fd/", "/proc/self/fd/", "/dev/std"  # nobody but this process finds a file there


def is_stream(location: Location) -> bool:
    """Whether it is there and can be read only once, or by this process alone: a FIFO, a device, a process
    substitution, `/dev/stdin`."""
    if not isinstance(location, Path):
        return False
    if os.fspath(location).startswith(_HANDLES):
        return location.exists()
    try:
        mode = location.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def open_stream(path: Path) -> BinaryIO:
    """Waits for whoever writes into it. Raises InputError."""
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def spool_stream(
    stream: BinaryIO,
    folder: Path,
    *,
    named: str = "standard input",
    limit: int | None = None,
    progress: Progress | None = None,
) -> Copy:
    """Reads it to its end into a file, as it is: packed or in another encoding, it is unpacked from there
    (formats/packed/unpack.py). What is interrupted leaves nothing. `named` is what an error calls it.

    Raises InputError if it breaks off with an error, or has more than `limit` bytes or than the disk has room for, or
    begins like what can't be read here; NightshiftError for what the disk says.
    """
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.set_blocking(stream.fileno(), True)  # else nothing at the moment looks like the end
    place, limits = Folder(folder), Limits(named, folder, limit)
    throttle = Throttle(progress, None)
    head = b""
    with place.begin(_PREFIX) as partial:
        while data := _next(stream, named):
            if len(head) < HEAD_BYTES:
                head = (head + data)[:HEAD_BYTES]
                container_of(head, named)
            limits.add(data, partial.size + len(data))
            partial.write(data)
            throttle.tell(partial.size)
        throttle.tell(partial.size, last=True)
        name = f"{_PREFIX}-{partial.digest}"
        # Of no time: the same bytes are the same file, whenever they were piped.
        return place.find(name) or partial.publish(name, 0, "", "", partial.size)


def _next(stream: BinaryIO, named: str) -> bytes:
    read = getattr(stream, "read1", stream.read)  # what is there, and does not wait for more
    try:
        data: bytes = read(_CHUNK_BYTES)
    except OSError as error:
        raise InputError(f"{named}: {error.strerror or error}") from error
    return data
