"""Which files there are, and what they look like from outside, without being opened."""

import fnmatch
import glob
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from formats.files.location import Location, Url, is_url
from formats.files.storage import filesystem, reporting


class Look(NamedTuple):
    size: int  # bytes
    mtime_ns: int  # nanoseconds since the epoch; of an object: when it was stored


def look(location: Location) -> Look | None:
    """None if it is not there. Raises InputError if a storage does not say."""
    if isinstance(location, Url):
        with reporting(location):
            found = filesystem(location).get_file_info(location.path)
        return Look(found.size, found.mtime_ns) if found.is_file else None
    try:
        status = location.stat()
    except OSError:
        return None
    return Look(status.st_size, status.st_mtime_ns)


def matching(pattern: str) -> Iterator[Location]:
    """The files of a pattern, in order: of a path's, or of a URL's, which is alike: `*` is within a step, `**` are any
    number of steps. Raises InputError if a storage does not say."""
    if is_url(pattern):
        yield from _stored(Url.parse(pattern))
        return
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207 -- absolute patterns too
        path = Path(name)
        if path.is_file():
            yield path


def _stored(pattern: Url) -> Iterator[Url]:
    from pyarrow.fs import FileSelector

    steps = pattern.key.split("/")
    fixed = next((number for number, step in enumerate(steps) if glob.has_magic(step)), len(steps) - 1)
    prefix = Url(pattern.scheme, pattern.bucket, "/".join(steps[:fixed]))
    selector = FileSelector(prefix.path, recursive=steps[fixed:] != steps[-1:] or "**" in steps, allow_not_found=True)
    with reporting(prefix):
        listed = filesystem(prefix).get_file_info(selector)
    for name in sorted(each.path.removeprefix(f"{prefix.path}/") for each in listed if each.is_file):
        if _match(name.split("/"), steps[fixed:]):
            yield Url(prefix.scheme, prefix.bucket, f"{prefix.key}/{name}".lstrip("/"))


def _match(steps: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern or not steps:
        return not pattern and not steps
    hidden = steps[0].startswith(".") and not pattern[0].startswith(".")  # as glob has it
    if pattern[0] == "**":
        return _match(steps, pattern[1:] or ["*"]) or (not hidden and _match(steps[1:], pattern))
    return not hidden and fnmatch.fnmatchcase(steps[0], pattern[0]) and _match(steps[1:], pattern[1:])
