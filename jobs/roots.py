"""The roots of NIGHTSHIFT_DATA: folders and prefixes of object storage that all who were told of them share. Every
input below one may be read."""

import contextlib
import fnmatch
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from formats.errors import InputError, NightshiftError
from formats.files.location import Location, Url, is_url, locate
from formats.files.storage import filesystem, reporting
from jobs.digest import Bytes
from jobs.errors import LostError, SettingsError
from jobs.folder import Folder
from jobs.place import Place, is_part_of, part_name, prefix
from jobs.record import Life

SETTING = "NIGHTSHIFT_DATA"
_PARTS = ".nightshift"  # what is below a root for parts


def root_at(location: Location) -> Place:
    """The root of that path or URL."""
    return StoredRoot(location) if isinstance(location, Url) else FolderRoot(location)


class FolderRoot(Folder):
    """A folder, as on a shared file system."""

    setting = SETTING

    def __init__(self, root: Path) -> None:
        self._root, self._parts = root, root / _PARTS
        super().__init__(self._parts)

    def _check(self, folder: Path) -> None:
        """Nor may it be a link, which could lead outside."""
        if folder.is_symlink():
            raise SettingsError(f"{self.setting}: {folder} is a link")
        super()._check(folder)

    def forget(self, life: Life, kind: str = "*") -> None:
        if not self._parts.is_symlink():
            super().forget(life, kind)

    def drop_parts(self, life: Life, names: Iterable[str]) -> None:
        if not self._parts.is_symlink():
            super().drop_parts(life, names)

    def grant(self, life: Life, path: str, read_from: Location | None = None) -> None:
        """It needs no word: whoever has set the root has said so."""

    def granted(self, life: Life, path: str) -> Path | None:
        """Links on the way may stay within the root."""
        del life
        try:
            found = Path(path).resolve(strict=True)
            root = self._root.resolve(strict=True)
        except ValueError:  # no path at all
            return None
        except (OSError, RuntimeError):
            return Path(path) if is_below(Path(path), self._root) else None  # whoever opens it says why it can't
        return found if is_below(found, root) else None


class StoredRoot:
    """A bucket, or what is below a prefix in one."""

    def __init__(self, url: Url) -> None:
        self._url = url
        self.is_there = True

    def grant(self, life: Life, path: str, read_from: Location | None = None) -> None:
        """It needs no word."""

    def granted(self, life: Life, path: str) -> Url | None:
        del life
        try:
            url = locate(path) if is_url(path) else None
        except InputError:
            return None
        return url if isinstance(url, Url) and url.is_below(self._url) else None

    def put_part(self, life: Life, batch: int, attempt: int, *data: Bytes) -> str:
        name = part_name(life, batch, attempt)
        with reporting(self._url, NightshiftError), filesystem(self._url).open_output_stream(self._at(name)) as stream:
            for each in data:
                stream.write(each)
        return name

    def open_part(self, life: Life, name: str) -> BinaryIO:
        if not is_part_of(life, name):
            raise LostError(f"{life.id} has no part of the name that the server says")
        try:
            with reporting(self._url, NightshiftError):
                return cast(BinaryIO, filesystem(self._url).open_input_file(self._at(name)))
        except NightshiftError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise LostError(f"a part of the scores of {life.id} is not in {self._url} any more") from error
            raise

    def drop_parts(self, life: Life, names: Iterable[str]) -> None:
        self._delete([self._at(name) for name in names if is_part_of(life, name)])

    def forget(self, life: Life, kind: str = "*") -> None:
        from pyarrow.fs import FileSelector

        with contextlib.suppress(NightshiftError), reporting(self._url, NightshiftError):
            listed = filesystem(self._url).get_file_info(FileSelector(self._at(""), allow_not_found=True))
            names = fnmatch.filter([each.base_name for each in listed], f"{prefix(life)}.*.{kind}")
            self._delete(map(self._at, names))

    def _at(self, name: str) -> str:
        return f"{self._url.path}/{_PARTS}/{name}".rstrip("/")

    def _delete(self, paths: Iterable[str]) -> None:
        """What the storage does not delete now, goes when the job is forgotten."""
        for path in paths:
            with contextlib.suppress(NightshiftError), reporting(self._url, NightshiftError):
                filesystem(self._url).delete_file(path)


def is_below(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and ".." not in path.parts
