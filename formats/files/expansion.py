"""From what somebody names, files, folders and patterns, to the files that are meant."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from formats.errors import InputError
from formats.files.listing import look, matching
from formats.files.location import Location, Url, is_url
from formats.files.storage import filesystem, reporting

# The ends of the names of what is written for a job: in a folder, or by a pattern that doesn't ask for such, no input.
OURS = (".scores.csv", ".rejects.csv", ".receipt.json", ".report.html", ".partial", "_SUCCESS")


def expand(names: Sequence[str | Location]) -> list[Location]:
    """The files, each once, in natural order: `2.csv` is before `10.csv`. So it is one list whether a shell expands a
    pattern or this does, and in whatever order files are named.

    A name may be a file's; a folder's, for the files directly in it that are neither hidden nor ours; a pattern (as
    `matching` has it); or a URL: an object's, a pattern, or a prefix with a slash at its end, which is like a folder.
    What is there under a name is that, even if the name could be a pattern. Of a file that is named twice, or also by
    a link, the first name counts that is no link. Raises InputError for a name that stands for nothing.
    """
    if not names:
        raise InputError("no file is named")
    found: dict[str, Location] = {}  # by what it is in truth
    folders: dict[Path, str] = {}
    for name in names:
        for location in _meant(os.fspath(name)):
            is_link = isinstance(location, Path) and location.is_symlink()
            truth = _truth(location, is_link, folders)
            known = found.setdefault(truth, location)
            if not is_link and isinstance(known, Path) and known.is_symlink():
                found[truth] = location
    return sorted(found.values(), key=_natural)


def _meant(name: str) -> list[Location]:
    if not name:
        raise InputError("an empty name is that of no file")
    return _objects(name) if is_url(name) else _files(name)


def _files(name: str) -> list[Location]:
    path = Path(name)
    if path.is_dir():
        try:
            return _some((each for each in path.iterdir() if _is_input(each.name) and each.is_file()), path)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
    if os.path.lexists(path):
        return [path]
    if glob.has_magic(name):
        return _matches(name)
    raise InputError(f"{name}: No such file or directory")


def _objects(name: str) -> list[Location]:
    url = Url.parse(name)
    if name.endswith("/") or not url.key:
        return _some(_below(url), url)
    if look(url):
        return [url]
    if glob.has_magic(name):
        return _matches(name)
    if any(_below(url)):
        raise InputError(f"{url}: no such object; {url}/ are the objects below it")
    raise InputError(f"{url}: no such object")


def _below(prefix: Url) -> Iterator[Url]:
    """The objects directly below a prefix."""
    from pyarrow.fs import FileSelector

    with reporting(prefix):
        listed = filesystem(prefix).get_file_info(FileSelector(prefix.path, allow_not_found=True))
    for each in listed:
        if each.is_file and _is_input(each.base_name):
            yield Url(prefix.scheme, prefix.bucket, f"{prefix.key}/{each.base_name}".lstrip("/"))


def _some(files: Iterator[Path] | Iterator[Url], folder: Location) -> list[Location]:
    found: list[Location] = list(files)
    if not found:
        raise InputError(f"{folder}: no files are in it but hidden ones, those of folders below, and Nightshift's own")
    return found


def _matches(pattern: str) -> list[Location]:
    found = list(matching(pattern))
    wanted = found if pattern.endswith(OURS) else [each for each in found if not each.name.endswith(OURS)]
    if not wanted:
        only = " but files that Nightshift wrote" if found else ""
        raise InputError(f"{pattern}: nothing matches this pattern{only}")
    return wanted


def _is_input(name: str) -> bool:
    return not name.startswith(".") and not name.endswith(OURS)


def _truth(location: Location, is_link: bool, folders: dict[Path, str]) -> str:
    """The absolute path without links; a URL is that itself. `folders` are those of earlier ones."""
    if not isinstance(location, Path):
        return str(location)
    if is_link:
        return os.path.realpath(location)
    folder = folders.get(location.parent)
    if folder is None:
        folder = folders[location.parent] = os.path.realpath(location.parent)
    return os.path.join(folder, location.name)  # noqa: PTH118 -- thousands of them


def _natural(location: Location) -> tuple[list[list[str | int]], str]:
    """Step by step, and in each step by its texts and its numbers in turns."""
    text = str(location)
    steps = [re.split(r"([0-9]+)", step) for step in text.split("/")]
    return [[int(part) if index % 2 else part for index, part in enumerate(step)] for step in steps], text
