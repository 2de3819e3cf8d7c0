"""A file on a disk."""

import os
import stat
import weakref
from pathlib import Path

from formats.errors import ChangedError, InputError


class LocalFile:
    """Opened. Raises InputError if it isn't a regular file."""

    version = ""

    def __init__(self, path: Path) -> None:
        self.location = path
        try:
            self._file = path.open("rb", buffering=0)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        weakref.finalize(self, self._file.close)  # in a notebook nobody closes it
        status = os.fstat(self._file.fileno())
        if not stat.S_ISREG(status.st_mode):
            self._file.close()
            raise InputError(f"{path}: not a regular file")
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
