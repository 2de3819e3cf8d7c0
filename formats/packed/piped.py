"""An input that is named as a file and can be read only once: `-`, a FIFO, a process substitution."""

import sys
from pathlib import Path

from formats.files.location import Location
from formats.packed.feed import Progress
from formats.packed.spool import is_stream, open_stream, spool_stream

STANDARD_INPUT = Path("-")
NAME = "stdin"  # of what is made of it


def is_piped(location: Location) -> bool:
    return location == STANDARD_INPUT or is_stream(location)


def spooled(location: Location, folder: Path, progress: Progress | None = None) -> Path:
    """The file that has what came through it, which is read to its end. Raises InputError, NightshiftError."""
    if location == STANDARD_INPUT:
        return spool_stream(sys.stdin.buffer, folder, progress=progress).path
    assert isinstance(location, Path)  # noqa: S101 -- no URL is a stream
    with open_stream(location) as stream:
        return spool_stream(stream, folder, named=str(location), progress=progress).path
