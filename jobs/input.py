"""A job's input: is it still what the job was made from?"""

from pathlib import Path

from formats.errors import InputError
from formats.packed.folder import FOLDER
from formats.reading import Reading, read_input
from formats.source import Source
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
    reading = read_input(job.input, max_record_bytes or job.max_record_bytes, job.dialect, copies(home))
    if not is_input_of(job, reading):
        reading.source.close()
        raise InputError(f"{job.input} has changed since {job.id} read it")
    return reading.source
