"""Parts in a folder: what places on a disk have in common."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from formats.errors import NightshiftError
from formats.files import safe
from jobs.digest import Bytes
from jobs.errors import LostError, SettingsError
from jobs.place import is_part_of, part_name, prefix
from jobs.record import Life


class Folder:
    """The files of jobs, each named after its job's life, batch and kind; without a folder, there are none."""

    setting = ""  # who says where it is

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @property
    def is_there(self) -> bool:
        """Whether there is a folder."""
        return self._folder is not None

    def _write(self, folder: Path, name: str, *data: Bytes) -> None:
        path = folder / name
        partial = path.with_name(f"{name}.{safe.token()}.partial")
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            self._check(folder)
            with safe.create(partial, buffering=0) as file:
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
        try:
            safe.check_folder(folder)
        except PermissionError:
            raise SettingsError(f"{self.setting}={folder} is another user's: give it to this one, or to root") from None

    def put_part(self, life: Life, batch: int, attempt: int, *data: Bytes) -> str:
        """Writes a batch's lines under a name that nobody else has, which is returned. Raises as `put` does."""
        if self._folder is None:
            raise SettingsError(f"{life.id} goes by reference through a place that is not set here")
        name = part_name(life, batch, attempt)
        self._write(self._folder, name, *data)
        return name

    def open_part(self, life: Life, name: str) -> BinaryIO:
        """Raises LostError if it is not there, SettingsError where no folder is known."""
        if self._folder is None:
            raise SettingsError(
                f"the scores of {life.id} are in a NIGHTSHIFT_SPOOL or NIGHTSHIFT_DATA that is not set here"
            )
        if not is_part_of(life, name):
            raise LostError(f"{life.id} has no part of the name that the server says")
        try:
            self._check(self._folder)
            return open_file(self._folder / name)
        except OSError as error:
            if not self._folder.is_dir():
                raise NightshiftError(f"{self._folder}: not there, and the scores of {life.id} are in it") from error
            raise LostError(f"a part of the scores of {life.id} is not in {self._folder} any more") from error

    def drop_parts(self, life: Life, names: Iterable[str]) -> None:
        """Removes what is collected, or was written for nothing."""
        if self._folder is not None:
            for name in names:
                if is_part_of(life, name):
                    (self._folder / name).unlink(missing_ok=True)

    def forget(self, life: Life, kind: str = "*") -> None:
        """Removes all that is there of the job."""
        if self._folder is not None:
            for path in self._folder.glob(f"{prefix(life)}.*.{kind}"):
                path.unlink(missing_ok=True)


def open_file(path: Path) -> BinaryIO:
    """No link is followed. Raises OSError."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")


def _write_all(file: BinaryIO, data: memoryview) -> None:
    """Without a buffer a file may take less than it is given."""
    data = data.cast("B")
    while data:
        data = data[file.write(data) :]
