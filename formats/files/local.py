"""A file on a disk."""

import contextlib
import os
import stat
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path

from formats.errors import ChangedError, InputError

Objection = Callable[[os.stat_result], str]  # why an opened file is not to be read; empty if it is
_objection: ContextVar[Objection | None] = ContextVar("objection", default=None)


@contextlib.contextmanager
def reading_only(objection: Objection) -> Iterator[None]:
    """Within, this thread opens no link, and no file to which there is an objection: whatever a name stood for when it
    was looked at, it may stand for another file by now."""
    token = _objection.set(objection)
    try:
        yield
    finally:
        _objection.reset(token)


_opener: Callable[[str, int], int] | None = None  # of this process, which can't open files itself


def open_by(opener: Callable[[str, int], int]) -> None:
    """From now on this process opens files by it. It takes a path and flags, as `os.open` does."""
    global _opener
    _opener = opener


class LocalFile:
    """Opened. Raises InputError if it isn't a regular file, or none that may be read here (`reading_only`)."""

    version = ""

    def __init__(self, path: Path) -> None:
        self.location = path
        objection = _objection.get()
        try:
            # Another kind of file is none of ours; a pipe would wait for somebody to write into it.
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if objection else 0)
            self._file = os.fdopen((_opener or os.open)(str(path), flags), "rb", buffering=0)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        weakref.finalize(self, self._file.close)  # in a notebook nobody closes it
        status = os.fstat(self._file.fileno())
        if not stat.S_ISREG(status.st_mode):
            self._file.close()
            raise InputError(f"{path}: not a regular file")
        if objection and (reason := objection(status)):
            self._file.close()
            raise InputError(f"{path}: {reason}")
        self.size, self.mtime_ns = status.st_size, status.st_mtime_ns

    def read(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        try:
            data = os.pread(self._file.fileno(), length, offset)
        except OSError as error:
            raise InputError(f"{self.location}: {error.strerror}") from error
        if len(data) < length:
            raise ChangedError(f"{self.location}: the file got shorter while it was being read")
        return data

    def will_read(self, offset: int) -> None:
        """The kernel sees that by itself."""

    def unchanged(self) -> bool:
        try:
            status = self.location.stat()
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)

    def close(self) -> None:
        self._file.close()
