"""The packed bytes of a file in their order, with how far they are read."""

import time
from collections.abc import Callable

from formats.errors import InputError
from formats.files.location import Location
from formats.files.opened import Opened

CHUNK_BYTES = 64 << 10  # what a decompressor gets at once: it copies what it has not yet used
AHEAD_BYTES = 8 << 20
PROGRESS_SECONDS = 0.25

Progress = Callable[[int, int | None], None]  # bytes read of the file, and of how many, if that is known


class Throttle:
    """Calls a progress callback a few times a second at most, and at the end."""

    def __init__(self, progress: Progress | None, total: int | None) -> None:
        self._progress, self._total = progress, total
        self._next = time.monotonic()

    def tell(self, done: int, last: bool = False) -> None:
        if self._progress and (last or time.monotonic() >= self._next):
            self._progress(done, self._total)
            self._next = time.monotonic() + PROGRESS_SECONDS


class Feed:
    """Reads a file from one offset to another, for a decompressor. `read` is that of a binary file."""

    closed = False
    chunk_bytes = CHUNK_BYTES

    def __init__(self, file: Opened, begin: int = 0, end: int | None = None, progress: Progress | None = None) -> None:
        self._file = file
        self.offset = begin  # how far it is read
        self._end = file.size if end is None else min(end, file.size)
        self._throttle = Throttle(progress, file.size)
        self._asked = begin

    @property
    def location(self) -> Location:
        return self._file.location

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """The next bytes, none at the end. Raises InputError, ChangedError."""
        size = min(size, self.chunk_bytes, self._end - self.offset)
        if size <= 0:
            return b""
        if self.offset >= self._asked:
            self._file.will_read(self.offset)
            self._asked = self.offset + AHEAD_BYTES
        data = self._file.read(self.offset, size)
        self.offset += len(data)
        self._throttle.tell(self.offset)
        return data

    def close(self) -> None:
        """The file is its owner's; this says that all of it is read."""

    def end(self) -> None:
        self._throttle.tell(self._file.size, last=True)

    def truncated(self, container: str) -> InputError:
        return InputError(
            f"{self.location}: the {container} data ends too early, after {self.offset:,} bytes: copy it again, whole"
        )

    def damaged(self, container: str, reason: object) -> InputError:
        """Of a library's reason the last few words, on one line."""
        text = " ".join(str(reason).rpartition(": ")[2].split())[:100]
        return InputError(
            f"{self.location}: the {container} data is damaged before byte {self.offset:,} ({text}): get it again"
        )
