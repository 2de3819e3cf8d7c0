"""Where files are that have been moved, by what is left of their names."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from formats.errors import InputError
from formats.files.expansion import expand
from formats.files.listing import look
from formats.files.location import Location, Url, is_url, locate
from formats.shown import quoted

Steps = tuple[str, ...]


def moved(names: Sequence[str], places: Sequence[Location]) -> list[Location]:
    """The files that were once called so, in their order: below folders, or prefixes of object storage, among these
    places, or among the files that the others stand for. All have lost as many steps at the beginning of their names,
    as few as possible. Raises InputError for one that is not there, or if two would be the same."""
    folders = [place for place in places if _is_folder(place)]
    others = [place for place in places if place not in folders]
    found_there = expand(others) if others else []
    for folder in folders:
        with contextlib.suppress(InputError):  # it may have but folders in it
            found_there += expand([folder])
    files: dict[Steps, Location] = {}
    for file in found_there:
        steps = _steps(str(file))
        files |= {steps[first:]: file for first in range(len(steps)) if steps[first:] not in files}
    wanted = [_steps(name) for name in names]
    lost = ""
    for dropped in range(max(map(len, wanted))):
        found: list[Location] = []
        for name, steps in zip(names, wanted, strict=True):
            place = _find(steps[min(dropped, len(steps) - 1) :], folders, files)
            if place is None:
                lost = name
                break
            found.append(place)
        if len(set(found)) == len(names):
            return found
    what = f"no file {quoted(lost, 200)}" if lost else "not one file for each of its names"
    raise InputError(f"{', '.join(map(str, places))}: {what} is there, under as much of its name as all have left")


def _find(steps: Steps, folders: Sequence[Location], files: dict[Steps, Location]) -> Location | None:
    for folder in folders:
        place = locate(f"{str(folder).rstrip('/')}/{'/'.join(steps)}")
        if ".." not in steps and (place.is_file() if isinstance(place, Path) else look(place)):
            return place
    return files.get(steps)


def _is_folder(place: Location) -> bool:
    return place.is_dir() if isinstance(place, Path) else not look(place) and "*" not in place.key


def _steps(name: str) -> Steps:
    path = Url.parse(name).path if is_url(name) else name
    return tuple(step for step in path.split("/") if step not in ("", "."))
