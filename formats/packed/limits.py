"""When what comes out of an archive is taken for a bomb, and not for a table of messages.

Three plain rules, looked at while it is written:

- It has more bytes than it may have. Where nobody says how many, it has to leave a twentieth of the disk free, or,
  where less than a tenth is free at the beginning, half of that.
- It is larger than 1 GiB, and more than 1,032 times as large as what was read for it. Deflate can't do more than that,
  so a gzip file never meets this rule: one that repeats a message thousands of times packs several hundred times in it.
  bzip2, xz and zstd pack such a file far better, and may, up to 1 GiB.
- It goes on for 64 MiB without a line end, and packs more than 100 times: zeros, as bombs have them. No record is so
  long, and no text of that length packs so well.
"""

import os
from pathlib import Path

from formats.errors import InputError
from formats.files.location import Location

RATIO, RATIO_FROM = 1032, 1 << 30
LINE_BYTES, LINE_RATIO = 64 << 20, 100
LOOK_BYTES = 64 << 20  # written between two looks at the disk
_WAY_OUT = "if it is meant to be like that, unpack it, and give the plain file"


class Limits:
    """Of one copy that is written into `folder`. Raises InputError if the disk can't be asked."""

    def __init__(self, location: Location | str, folder: Path, limit: int | None) -> None:
        self._location, self._folder, self._limit = location, folder, limit
        self._size = self._line = self._looked = 0
        free, total = self._disk()
        self._leave = min(total // 20, free // 2)

    def add(self, piece: bytes, packed: int) -> None:
        """Before a piece is written, for which, and for all before it, so many packed bytes were read. Raises
        InputError."""
        self._size += len(piece)
        at = piece.rfind(b"\n")
        if at < 0:
            at = piece.rfind(b"\r")
        self._line = self._line + len(piece) if at < 0 else len(piece) - at
        if self._limit is not None and self._size > self._limit:
            raise InputError(f"{self._location}: it has more than {self._limit:,} bytes; {_WAY_OUT}")
        if self._size > RATIO_FROM and self._size > packed * RATIO:
            raise self._bomb(f"{self._size >> 30} GiB from {packed:,} bytes")
        if self._line > LINE_BYTES and self._size > packed * LINE_RATIO:
            raise self._bomb(f"{LINE_BYTES >> 20} MiB without a line end, packed more than {LINE_RATIO} times")
        if self._limit is None and self._size - self._looked >= LOOK_BYTES:
            self._looked = self._size
            if self._disk()[0] < self._leave:
                raise InputError(
                    f"{self._location}: it has more than {self._size >> 20:,} MiB, and the disk of {self._folder} has "
                    f"less than {self._leave >> 20:,} MiB left: make room, or set NIGHTSHIFT_HOME to another one"
                )

    def _bomb(self, what: str) -> InputError:
        return InputError(f"{self._location}: a decompression bomb, {what}; {_WAY_OUT}")

    def _disk(self) -> tuple[int, int]:
        """Free bytes, and all."""
        try:
            status = os.statvfs(self._folder)
        except OSError as error:
            raise InputError(f"{self._folder}: {error.strerror}") from error
        return status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize
