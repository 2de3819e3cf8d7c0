"""A job's input: is it still what the job was made from?"""

import base64
from collections.abc import Callable
from pathlib import Path

from formats.errors import InputError
from formats.files.location import Location, Url, locate
from formats.joined.members import Opener
from formats.joined.source import JoinedSource
from formats.packed.folder import FOLDER
from formats.reading import Reading, read_input
from formats.registry import open_source
from formats.source import Source
from jobs.errors import DamagedError
from jobs.manifest import Manifest
from jobs.record import Job


def is_input_of(job: Job, reading: Reading) -> bool:
    """Whether it has the size, the modification time and the version of what the job was made from."""
    return (reading.size, reading.mtime_ns, reading.version) == (job.size, job.mtime_ns, job.version)


def copies(home: Path) -> Path:
    """The folder of the copies of what can't be read in place."""
    return home / FOLDER


def open_input(job: Job, home: Path, max_record_bytes: int | None = None) -> Source:
    """The input as the job read it, by default with the job's own limit; a copy, if it has to be read by one, is made
    again if it is gone. Raises InputError if the input is gone or another."""
    if job.files:
        return open_files(job, max_record_bytes)
    reading = read_input(job.input, max_record_bytes or job.max_record_bytes, job.dialect, copies(home))
    if not is_input_of(job, reading):
        reading.source.close()
        raise InputError(f"{job.input} has changed since {job.id} read it")
    return reading.source


def manifest_of(job: Job) -> Manifest | None:
    """The files of an input that is several. Raises DamagedError."""
    try:
        return Manifest.decode(base64.b64decode(job.files), job.version) if job.files else None
    except ValueError:
        raise DamagedError(f"the list of the files of {job.id} is damaged") from None


def buckets_of(job: Job) -> list[str]:
    """Those that the input is in, such as s3://mail; none for what is on a disk. Raises DamagedError."""
    manifest = manifest_of(job)
    locations = [each.location for each in manifest.members] if manifest else [locate(job.input)]
    return sorted({f"{each.scheme}://{each.bucket}" for each in locations if isinstance(each, Url)})


def open_files(
    job: Job, max_record_bytes: int | None = None, granted: Callable[[Manifest, Opener], Opener] | None = None
) -> JoinedSource:
    """An input that is several files, each opened as `granted` has it. Raises InputError for one that is gone or
    another, DamagedError."""
    manifest = manifest_of(job)
    assert manifest is not None  # noqa: S101 -- the caller has looked

    def open_one(location: Location) -> Source:
        return open_source(location, max_record_bytes or job.max_record_bytes, job.read_dialect)

    return JoinedSource(locate(job.input), manifest.members, granted(manifest, open_one) if granted else open_one)
