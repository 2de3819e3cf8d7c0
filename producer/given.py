"""The input of a job whose files are here without a server: where it was, or where somebody says that it is now."""

from collections.abc import Sequence
from pathlib import Path

from formats.errors import InputError, NightshiftError
from formats.files.location import Location, Url, is_url, locate
from formats.joined.moved import moved
from formats.reading import Reading, read_files, read_input
from formats.source import Source
from jobs.input import is_input_of, manifest_of, open_files
from jobs.manifest import Manifest
from jobs.record import Job


def find_input(job: Job, given: Sequence[Location], folder: Path, notes: list[str]) -> Source | None:
    """The input to compare: the one that is `given`, or the job's own if it is as it was; None, and why in `notes`, if
    there is none such. Copies are made in `folder`. Raises InputError for a given one that can't be read."""
    try:
        reading = _read(job, given, folder)
        if isinstance(reading, Reading):
            if not given and not is_input_of(job, reading):
                reading.source.close()
                raise InputError(f"{_changed(job, reading)} has changed since")
            return reading.source
        return reading
    except NightshiftError as error:
        if given:
            raise
        notes.append(f"the input is not compared: {error}")
        return None


def _read(job: Job, given: Sequence[Location], folder: Path) -> Reading | Source:
    manifest = manifest_of(job)
    if manifest is None:
        if len(given) > 1:
            raise InputError(f"the receipt is of one file, {job.input}, and {len(given)} are named as its input")
        place = given[0] if given else locate(job.input)
        if given and isinstance(place, Path) and place.is_dir():
            [place] = moved([job.input], given)
        return read_input(place, job.max_record_bytes, job.dialect, folder)
    names = [member.name for member in manifest.members]
    if given:
        places = moved(names, given)
    else:
        source = _where_it_was(job)
        if source is not None:
            return source
        places = _as_named(job, manifest)
    return read_files(locate(job.input), places, names, job.max_record_bytes, job.dialect, folder)


def _where_it_was(job: Job) -> Source | None:
    """None if not all of it is there as it was: a copy of what is packed may be away, too."""
    try:
        source = open_files(job)
    except InputError:
        return None
    if source.unchanged():
        return source
    source.close()
    return None


def _as_named(job: Job, manifest: Manifest) -> list[Location]:
    """The files themselves, by their names, which may be relative to where the command was typed: what stands for all
    of them was there, or further down. Raises InputError if they are not there."""
    names = [member.name for member in manifest.members]
    if all(is_url(name) for name in names):
        return [locate(name) for name in names]
    path = locate(job.input)
    folders = [] if isinstance(path, Url) or any(map(is_url, names)) else [path, *path.parents]
    for folder in folders:
        found = [folder / name for name in names]
        if all(each.is_file() for each in found):
            return [*found]
    there = [name for name in names if any((folder / name).is_file() for folder in folders)]
    gone = next((name for name in names if name not in there), job.input)
    raise InputError(f"{gone} is not there, or not where the others are")


def _changed(job: Job, reading: Reading) -> str:
    """Which file it is that has."""
    manifest = manifest_of(job)
    members = manifest.members if manifest else ()
    pairs = zip(members, reading.members, strict=False)
    return next((one.name for one, now in pairs if one._replace(location=now.location) != now), job.input)
