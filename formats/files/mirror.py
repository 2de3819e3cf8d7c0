"""A copy of an object on a disk, for what has to be a file."""

import shutil
from pathlib import Path
from urllib.parse import quote, unquote

from formats.errors import InputError
from formats.files import safe
from formats.files.directory import CHUNK_BYTES
from formats.files.location import Url
from formats.files.storage import filesystem, reporting

OBJECTS = "objects"  # the folder of the home that has the copies
_PREFIX = "@"


def mirror_path(url: Url, folder: Path) -> Path:
    """Where its copy is: below the folder, by scheme, bucket, prefix and name. A prefix is one folder, whose name is no
    object's: `out` and `out/x` are two objects."""
    return folder.resolve() / url.scheme / url.bucket / f"{quote(url.parent.key, safe='')}{_PREFIX}" / url.name


def mirrored_url(path: Path, folder: Path) -> Url | None:
    """The object of which that would be the copy."""
    try:
        scheme, bucket, prefix, name = path.relative_to(folder.resolve()).parts
    except ValueError:
        return None
    return Url(scheme, bucket, f"{unquote(prefix.removesuffix(_PREFIX))}/{name}".lstrip("/"))


def make_room(path: Path) -> None:
    """For that copy. Raises InputError if there can be none."""
    try:
        safe.make_private_folder(path.parent)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error


def mirrored(url: Url, folder: Path) -> Path:
    """The copy, made now. Raises InputError if there is no such object."""
    path = mirror_path(url, folder)
    make_room(path)
    partial = path.with_name(f"{path.name}.{safe.token()}.partial")
    try:
        with (
            reporting(url),
            filesystem(url).open_input_stream(url.path) as source,
            safe.create(partial, safe.PRIVATE) as file,
        ):
            shutil.copyfileobj(source, file, CHUNK_BYTES)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def mirrored_if_there(url: Url, folder: Path) -> Path | None:
    """The same; None, and no copy, if there is no such object."""
    try:
        return mirrored(url, folder)
    except InputError as error:
        if not isinstance(error.__cause__, FileNotFoundError):
            raise
        mirror_path(url, folder).unlink(missing_ok=True)
        return None
