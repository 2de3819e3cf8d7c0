"""What lies beside a scores file, and where a job may write: a link is replaced, never followed; nothing else is."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from formats.errors import InputError
from formats.files import safe
from formats.files.location import Location, Url

# The ends of the names of what is written for a job; `.retry.` is what `producer retry` scores.
OURS = (".scores.csv", ".rejects.csv", ".receipt.json", ".report.html", ".partial")
Beside = TypeVar("Beside", Path, Url, Location)


def default_output(file: Beside) -> Beside:
    """messages.csv has messages.scores.csv, beside it."""
    return file.with_name(f"{file.stem if file.suffix == '.csv' else file.name}.scores.csv")


def rejects_path(output: Path) -> Path:
    """Beside the scores file: out.csv has out.rejects.csv."""
    return output.with_name(f"{output.stem}.rejects.csv")


def receipt_path(output: Path) -> Path:
    """Beside the scores file: out.csv has out.receipt.json."""
    return output.with_name(f"{output.stem}.receipt.json")


def report_path(output: Path) -> Path:
    """Beside the scores file: out.csv has out.report.html."""
    return output.with_suffix(".report.html")


def final(output: Path) -> Path:
    """The absolute path of the file that is written: links on the way to it are followed, the last name is not."""
    return output.parent.resolve() / output.name


def check_stored(output: Url, inputs: Iterable[Location]) -> Url:
    """The URL. Raises InputError as `check_local`."""
    inputs = list(inputs)
    if not output.key:
        raise InputError(f"{output} is a bucket: name an object in it")
    beside = [output.with_name(place(Path(output.name)).name) for place in (rejects_path, receipt_path)]
    taken = next((place for place in (output, *beside) if place in inputs), None)
    if taken is not None:
        raise InputError(f"{taken} is the input" if taken == output else f"{taken}, the input, would be replaced")
    return output


def check_local(output: Path, inputs: Iterable[Location]) -> Path:
    """`final(output)`. Raises InputError if it can't be written, or if the scores, the rejects or the receipt would
    take the place of one of `inputs`."""
    if output.name in ("", ".", ".."):
        raise InputError(f"{output} is no name for a file")
    path = final(output)
    if not path.parent.is_dir():
        raise InputError(f"{output.parent} is no directory to write {output.name} to")
    files = [file for file in inputs if isinstance(file, Path)]
    for place in (path, rejects_path(path), receipt_path(path)):
        if not _replaceable(place):
            raise InputError(f"{place} is no regular file, and is left alone: name another --output")
        try:
            safe.check_replaceable(place)
        except OSError as error:
            raise InputError(f"{place}: {error.strerror}, or name another --output") from error
        taken = next((file for file in files if _same(place, file)), None)
        if taken is not None:
            raise InputError(f"{place} is the input" if place == path else f"{place} would replace the input {taken}")
    return path


def _replaceable(path: Path) -> bool:
    """Whether nothing is there, or a file or a link to one: no directory, device or pipe, nor a link to such."""
    try:
        if stat.S_ISREG(path.lstat().st_mode):
            return True
        return not path.is_dir() and stat.S_ISREG(path.stat().st_mode)
    except OSError:  # nothing is there, or a link that leads nowhere
        return True


def _same(place: Path, file: Path) -> bool:
    """Whether they are one file, or one name."""
    try:
        return place.samefile(file)
    except OSError:
        return os.path.abspath(place) == os.path.abspath(file)  # noqa: PTH100 -- without following the last link
