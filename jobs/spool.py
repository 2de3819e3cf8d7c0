"""The spool: what waits to be scored or collected, as files in a folder that producer and workers share on one machine.

The server has a claim check in its place, and neither copies megabytes nor writes them to its append-only file. What is
too small for a file to pay stays on the server. Whose input a worker may read itself, by reference, the spool says too:
the server's word opens no file.
"""

import contextlib
import io
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from formats.errors import NightshiftError
from jobs.digest import Bytes
from jobs.errors import LostError, SettingsError
from jobs.record import Life

SMALLEST = 16 << 10  # bytes; a file costs what so many cost on their way through the server
CLAIM_CHECK = b"spool:"  # and the file's size; no Arrow stream begins so
_PART = "part"
INPUT = "input"  # the kind of what says which file may be read


class Spool:
    """The folder's files, each named after its job's life, batch and kind; without a folder, all is on the server.

    A file is there before its claim check is, and goes after it. Whoever writes it again writes the same bytes, since a
    batch follows from its job and its number.
    """

    setting = "NIGHTSHIFT_SPOOL"  # who says where it is

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def put(self, life: Life, batch: int, kind: str, data: Bytes) -> Bytes:
        """What the server is to have: a claim check, or the data. Raises NightshiftError if the file can't be
        written, SettingsError if anybody might."""
        size = memoryview(data).nbytes
        if self._folder is None or size < SMALLEST:
            return data
        self._write(self._folder, _name(life, batch, kind), data)
        return CLAIM_CHECK + b"%d" % size

    def _write(self, folder: Path, name: str, *data: Bytes) -> None:
        path = folder / name
        partial = path.with_name(f"{name}.{os.getpid()}.partial")
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            self._check(folder)
            with partial.open("wb", buffering=0) as file:
                for each in data:
                    _write_all(file, memoryview(each))
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise NightshiftError(f"{path}: {error.strerror}") from error

    def _check(self, folder: Path) -> None:
        """Raises SettingsError if strangers can put something there: it would be scored."""
        if folder.stat().st_mode & 0o002:
            raise SettingsError(f"{self.setting}={folder} may be written by anybody: chmod 700")

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

    @property
    def is_there(self) -> bool:
        """Whether there is a folder."""
        return self._folder is not None

    def grant(self, life: Life, path: str) -> None:
        """Lets workers read the job's input themselves. Raises as `put` does."""
        if self._folder is not None:
            self._write(self._folder, _name(life, 0, INPUT), os.fsencode(path))

    def granted(self, life: Life, path: str) -> Path | None:
        """The job's input, which the server says is at `path`, if a worker may read that."""
        if self._folder is None:
            return None
        try:
            with _open(self._folder / _name(life, 0, INPUT)) as file:
                return Path(path) if os.fsdecode(file.read()) == path else None
        except OSError:
            return None

    def put_part(self, life: Life, batch: int, attempt: int, *data: Bytes) -> str:
        """Writes a batch's lines under a name that nobody else has, which is returned. Raises as `put` does."""
        if self._folder is None:
            raise SettingsError(f"{life.id} goes by reference through a place that is not set here")
        name = _name(life, batch, f"{attempt}-{secrets.token_hex(4)}.{_PART}")
        self._write(self._folder, name, *data)
        return name

    def open_part(self, life: Life, name: str) -> BinaryIO:
        """Raises LostError if it is not there, SettingsError where no folder is known."""
        if self._folder is None:
            raise SettingsError(
                f"the scores of {life.id} are in a NIGHTSHIFT_SPOOL or NIGHTSHIFT_DATA that is not set here"
            )
        if not _is_part_of(life, name):
            raise LostError(f"{life.id} has no part of the name that the server says")
        try:
            self._check(self._folder)
            return _open(self._folder / name)
        except OSError as error:
            if not self._folder.is_dir():
                raise NightshiftError(f"{self._folder}: not there, and the scores of {life.id} are in it") from error
            raise LostError(f"a part of the scores of {life.id} is not in {self._folder} any more") from error

    def drop_parts(self, life: Life, names: Iterable[str]) -> None:
        """Removes what is collected, or was written for nothing."""
        if self._folder is not None:
            for name in names:
                if _is_part_of(life, name):
                    (self._folder / name).unlink(missing_ok=True)

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


def _is_part_of(life: Life, name: str) -> bool:
    """The name may come from the server: it is no path, and no other job's."""
    return re.fullmatch(rf"{re.escape(_prefix(life))}\.\d+\.\d+-[0-9a-f]{{8}}\.{_PART}", name) is not None


def _open(path: Path) -> BinaryIO:
    """No link is followed. Raises OSError."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")


def _write_all(file: io.FileIO, data: memoryview) -> None:
    """Without a buffer a file may take less than it is given."""
    data = data.cast("B")
    while data:
        data = data[file.write(data) :]
