"""A job's input: is it still what the job was made from?"""

from formats.errors import InputError
from formats.registry import open_source
from formats.source import Source
from jobs.record import Job


def is_input_of(job: Job, source: Source) -> bool:
    """Whether the source has the size, the modification time and the version of what the job was made from."""
    return (source.size, source.mtime_ns, source.version) == (job.size, job.mtime_ns, job.version)


def open_input(job: Job, max_record_bytes: int | None = None) -> Source:
    """The input as the job read it, by default with the job's own limit. Raises InputError if it is gone or another."""
    source = open_source(job.input, max_record_bytes or job.max_record_bytes, job.dialect)
    if not is_input_of(job, source):
        source.close()
        raise InputError(f"{job.input} has changed since {job.id} read it")
    return source
