"""A scores file in object storage. An object can neither grow nor be renamed, so it is made on a disk and stored whole,
with its rejects and its receipt: a reader sees the one before, or this one."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from formats.errors import NightshiftError
from formats.files.directory import CHUNK_BYTES
from formats.files.location import Location, Url
from formats.files.mirror import OBJECTS, make_room, mirror_path, mirrored, mirrored_if_there, mirrored_url
from formats.files.storage import filesystem, reporting
from producer.outputs.document import read_document, write_document
from producer.outputs.files import alone
from producer.outputs.paths import receipt_path, rejects_path
from producer.outputs.receipt import Receipt


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """Where the scores go, and where they are made, and stay: the same job again finds them there."""

    url: Url
    path: Path

    @classmethod
    def of(cls, url: Url, home: Path) -> Self:
        """Raises InputError if there is no room for it on the disk."""
        path = cls.path_of(url, home)
        make_room(path)
        return cls(url, path)

    @staticmethod
    def path_of(place: Location, home: Path) -> Path:
        """Where the scores file of a place is on the disk: there, unless it is an object."""
        return mirror_path(place, home / OBJECTS) if isinstance(place, Url) else place

    @classmethod
    def at(cls, path: Path, home: Path) -> Self | None:
        """The one that is made at that path; None for a file that is no object's."""
        url = mirrored_url(path, home / OBJECTS)
        return cls(url, path) if url else None

    @property
    def rejects(self) -> Url:
        return self.url.with_name(rejects_path(self.path).name)

    def told(self, receipt: Receipt) -> Receipt:
        """The job's receipt, which names the objects."""
        return replace(receipt, output=str(self.url), rejects=str(self.rejects))

    def publish(self) -> None:
        """Stores what is on the disk: the scores last, since they are what others wait for. Raises NightshiftError."""
        with alone(self.path):
            document = read_document(receipt_path(self.path))
            if document is not None:
                document["receipt"] |= {"output": str(self.url), "rejects": str(self.rejects)}
                write_document(receipt_path(self.path), document, "stored")
            for path in _files(self.path):
                if path.is_file():
                    _store(path, self.url.with_name(path.name))


@contextlib.contextmanager
def fetched(url: Url) -> Iterator[Path]:
    """The scores file on a disk for a while, with its rejects and its receipt as far as they are there. Raises
    InputError if there is no such scores file."""
    with tempfile.TemporaryDirectory(prefix="nightshift-") as folder:
        path = mirrored(url, Path(folder))
        for beside in (rejects_path(path), receipt_path(path)):
            mirrored_if_there(url.with_name(beside.name), Path(folder))
        yield path


def _files(path: Path) -> tuple[Path, Path, Path]:
    return rejects_path(path), receipt_path(path), path


def _store(path: Path, url: Url) -> None:
    storage = filesystem(url)
    with reporting(url, NightshiftError), path.open("rb") as file:
        with storage.open_output_stream(url.path) as stream:
            shutil.copyfileobj(file, stream, CHUNK_BYTES)
        stored = storage.get_file_info(url.path).size
        if stored != os.fstat(file.fileno()).st_size:
            raise NightshiftError(
                f"{url} has {stored} bytes, and {path} has another number: the same command mends that"
            )
