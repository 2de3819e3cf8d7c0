"""The spool: what waits to be scored or collected, as files in a folder that producer and workers share on one machine.

The server has a claim check in its place, and neither copies megabytes nor writes them to its append-only file. What is
too small for a file to pay stays on the server.
"""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from formats.errors import NightshiftError
from jobs.digest import Bytes
from jobs.errors import SettingsError
from jobs.record import Life

SMALLEST = 16 << 10  # bytes; a file costs what so many cost on their way through the server
CLAIM_CHECK = b"spool:"  # and the file's size; no Arrow stream begins so


class Spool:
    """The folder's files, each named after its job's life, batch and kind; without a folder, all is on the server.

    A file is there before its claim check is, and goes after it. Whoever writes it again writes the same bytes, since a
    batch follows from its job and its number.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def put(self, life: Life, batch: int, kind: str, data: Bytes) -> Bytes:
        """What the server is to have: a claim check, or the data. Raises NightshiftError if the file can't be
        written, SettingsError if anybody might."""
        size = memoryview(data).nbytes
        if self._folder is None or size < SMALLEST:
            return data
        path = self._folder / _name(life, batch, kind)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if self._folder.stat().st_mode & 0o002:  # what is put there by strangers would be scored
                raise SettingsError(f"NIGHTSHIFT_SPOOL={self._folder} may be written by anybody: chmod 700")
            partial.write_bytes(data)
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise NightshiftError(f"{path}: {error.strerror}") from error
        return CLAIM_CHECK + b"%d" % size

    def get(self, life: Life, batch: int, kind: str, value: bytes) -> bytes | None:
        """What was put, from what the server has; None if its file is not there, or not whole. Raises SettingsError
        for a claim check where no folder is known."""
        if not value.startswith(CLAIM_CHECK):
            return value
        if self._folder is None:
            raise SettingsError(f"{life.id} is in its producer's NIGHTSHIFT_SPOOL, which is not set here")
        try:
            data = (self._folder / _name(life, batch, kind)).read_bytes()
        except OSError:
            return None
        return data if len(data) == int(value.removeprefix(CLAIM_CHECK)) else None

    def drop(self, life: Life, batches: Iterable[int], kind: str) -> None:
        """Removes the files of batches whose claim checks are gone."""
        if self._folder is not None:
            for batch in batches:
                (self._folder / _name(life, batch, kind)).unlink(missing_ok=True)

    def forget(self, life: Life, kind: str = "*") -> None:
        """Removes all that is there of the job."""
        if self._folder is not None:
            for path in self._folder.glob(f"{_prefix(life)}.*.{kind}"):
                path.unlink(missing_ok=True)


def _name(life: Life, batch: int, kind: str) -> str:
    return f"{_prefix(life)}.{batch}.{kind}"


def _prefix(life: Life) -> str:
    return life.name.replace(":", ".")
