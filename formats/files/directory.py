"""A folder on a disk, or what is below a prefix of object storage: names, and files that appear whole."""

import contextlib
import os
from pathlib import Path
from typing import BinaryIO, Protocol

from formats.errors import InputError, NightshiftError
from formats.files import safe
from formats.files.location import Location, Url
from formats.files.storage import filesystem, reporting

CHUNK_BYTES = 8 << 20


class Target(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Directory(Protocol):
    """Of files alone. Nothing need be there before one is written."""

    def names(self) -> list[str]:
        """Of all that is in it. Raises InputError if a storage does not say."""

    def open(self, name: str) -> BinaryIO:
        """Raises InputError if there is no such file."""

    def write(self, name: str, head: bytes, file: BinaryIO | None, size: int) -> None:
        """A file of `head` and then the next `size` bytes of `file`, in the place of one of that name. Raises
        NightshiftError, OSError."""

    def remove(self, name: str) -> None:
        """If it is there."""


def half_written(name: str) -> str:
    """The name of a file on its way, on a disk; a killed process leaves it."""
    return f".{name}.partial"


def directory(location: Location) -> Directory:
    return _Prefix(location) if isinstance(location, Url) else _Folder(location)


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return [path.name for path in self._path.iterdir()] if self._path.is_dir() else []

    def open(self, name: str) -> BinaryIO:
        try:
            return os.fdopen(os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except OSError as error:
            raise InputError(f"{self._path / name}: {error.strerror}") from error

    def write(self, name: str, head: bytes, file: BinaryIO | None, size: int) -> None:
        self._path.mkdir(parents=True, exist_ok=True)
        partial = self._path / half_written(name)
        try:
            safe.check_replaceable(self._path / name)
            partial.unlink(missing_ok=True)
            with safe.create(partial) as target:
                _copy(head, file, size, target)
                target.flush()
                os.fsync(target.fileno())
            partial.replace(self._path / name)
        finally:
            partial.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        (self._path / name).unlink(missing_ok=True)


class _Prefix:
    def __init__(self, url: Url) -> None:
        self._url = url

    def names(self) -> list[str]:
        from pyarrow.fs import FileSelector

        with reporting(self._url):
            listed = filesystem(self._url).get_file_info(FileSelector(self._url.path, allow_not_found=True))
        return [each.base_name for each in listed]

    def open(self, name: str) -> BinaryIO:
        with reporting(self._url):
            stream: BinaryIO = filesystem(self._url).open_input_file(f"{self._url.path}/{name}")
            return stream

    def write(self, name: str, head: bytes, file: BinaryIO | None, size: int) -> None:
        path = f"{self._url.path}/{name}"
        with reporting(self._url, NightshiftError), filesystem(self._url).open_output_stream(path) as target:
            _copy(head, file, size, target)

    def remove(self, name: str) -> None:
        path = f"{self._url.path}/{name}"
        with reporting(self._url, NightshiftError), contextlib.suppress(FileNotFoundError):
            filesystem(self._url).delete_file(path)


def _copy(head: bytes, source: BinaryIO | None, size: int, target: Target) -> None:
    target.write(head)
    while source and size and (chunk := source.read(min(size, CHUNK_BYTES))):
        target.write(chunk)
        size -= len(chunk)
