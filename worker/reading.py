"""A batch as it is given to a worker: by the server, with its records, or by reference, as a place in the input that
the worker reads itself. Either way it has micro-batches to score, and takes a result to be answered."""

import contextlib
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol, cast

import pyarrow as pa

from formats.csv.rejects import reject_rows
from formats.errors import ChangedError, InputError, NightshiftError
from formats.files.location import Location
from formats.position import Located
from formats.registry import DEFAULT, SINKS, open_source
from formats.source import Source
from jobs import digest, slices
from jobs.batch import Result, decode_payload, encode_payload, payload_records
from jobs.digest import Bytes
from jobs.errors import JobError
from jobs.input import open_files
from jobs.manifest import NotGrantedError
from jobs.place import Place
from jobs.places import Places
from jobs.proof import Written
from jobs.record import Job
from jobs.reference import PartFile, Reference, is_reference
from jobs.rows import all_rejects, score_columns
from jobs.slices import Slice


class OutOfReachError(Exception):
    """This process can't read the job's input, or write what it makes of it, at this moment; another may."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is written to the ledger for a batch."""

    result: Bytes
    scored: int
    reject_codes: Sequence[str]  # of the records that the producer has not counted as rejects
    odd: Mapping[str, int] = field(default_factory=dict)
    part: str = ""  # the file that was written for it


class Given(Protocol):
    """One batch."""

    first: int  # the number of its first record
    records: int  # how many, rejected ones included

    def batches(self) -> Sequence[pa.RecordBatch]:
        """The micro-batches, of the columns to feed. Raises OutOfReachError, JobError for what is not there as it was
        when it was enqueued, InputError."""

    def payload(self) -> bytes:
        """The same, as an Arrow IPC stream."""

    def answer(self, result: Result) -> Answer:
        """Raises OutOfReachError if a part can't be written."""


class Served:
    """By the server, or through a spool."""

    def __init__(self, payload: bytes, job: Job) -> None:
        self._payload, self._columns = payload, job.fed_columns
        self.first, self.records = payload_records(payload)

    def batches(self) -> Sequence[pa.RecordBatch]:
        return list(decode_payload(self._payload, self._columns))

    def payload(self) -> bytes:
        return self._payload

    def answer(self, result: Result) -> Answer:
        return Answer(result.encode(), result.scored, [reject.code for reject in result.rejects])


class Referred:
    """By reference. It is read when it is first asked for, and once."""

    def __init__(self, payload: bytes, job: Job, batch: int, attempt: int, place: Place) -> None:
        self._reference = Reference.decode(payload)
        self.first, self.records = self._reference.first, self._reference.records
        self._job, self._batch, self._attempt, self._place = job, batch, attempt, place
        self._source: Source
        self._parts: list[Slice] = []

    def batches(self) -> Sequence[pa.RecordBatch]:
        return slices.fed(self._job, self._read())

    def payload(self) -> bytes:
        batches = self.batches()
        schema = pa.schema([(name, pa.binary()) for name in self._job.fed_columns])
        return bytes(encode_payload(schema, batches, self.first, self.records))

    def answer(self, result: Result) -> Answer:
        job, parts = self._job, self._read()
        kept = slices.kept(job, parts)
        columns = score_columns(job, kept, result)
        lines: Bytes = SINKS[DEFAULT].encode(columns) if columns else b""
        rejects = all_rejects(job, kept, result, self._locate)
        rejected = reject_rows(rejects, job.placed) if rejects else b""
        written = Written(digest.part(lines), digest.part(rejected), result.scored, digest.head(lines))
        try:
            name = self._place.put_part(job.life, self._batch, self._attempt, lines, rejected)
        except NightshiftError as error:
            raise OutOfReachError(str(error)) from error
        codes = Counter(reject.code for reject in rejects) - Counter(self._reference.broken_codes)
        outputs = tuple((column, str(values.type)) for column, values in result.columns.items() if result.scored)
        part = PartFile(name, outputs, written)
        return Answer(part.encode(), result.scored, list(codes.elements()), slices.odd(job, parts), name)

    def _read(self) -> list[Slice]:
        if not self._parts:
            job, reference = self._job, self._reference
            with _reading():
                self._source = _input(job, self._place)
                blocks = [self._source.read(found, job.read_columns) for found in reference.ranges]
            self._parts = [Slice(block, reference.first, reference.end) for block in blocks]
        return self._parts

    def _locate(self, records: list[int]) -> dict[int, Located]:
        found: dict[int, Located] = {}
        for each in self._reference.ranges:
            here = [record for record in records if each.start.record <= record < each.end.record]
            with _reading():
                found |= self._source.locate_in(each, here)
        return found


def give(payload: bytes, job: Job, batch: int, attempt: int, places: Places) -> Given:
    """What the server has as the batch. Raises DamagedError if it is nothing of that kind."""
    if is_reference(payload):
        return Referred(payload, job, batch, attempt, places.of(job.by_reference))
    return Served(payload, job)


def _input(job: Job, place: Place) -> Source:
    """Raises OutOfReachError unless the place says that it may be read, InputError."""
    if job.files:
        return _open_files(job, cast(Hashable, place))
    path = place.granted(job.life, job.input)
    if path is None:
        raise OutOfReachError(f"{job.input} may not be read here: see NIGHTSHIFT_SPOOL and NIGHTSHIFT_DATA")
    return _open(path, job)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Raises OutOfReachError for what the disk does, JobError for a file that is not the one that was enqueued."""
    try:
        yield
    except NotGrantedError as error:
        raise OutOfReachError(str(error)) from error
    except InputError as error:
        _open.cache_clear()
        _open_files.cache_clear()
        if isinstance(error.__cause__, OSError):
            raise OutOfReachError(str(error)) from error
        raise JobError(f"{error}: it is not what was enqueued") from error


@lru_cache(maxsize=4)
def _open_files(job: Job, place: Place) -> Source:
    """`place` is a Place, one object for each."""
    return open_files(job, granted=lambda manifest, open_one: manifest.opener(place, job.life, open_one))


@lru_cache(maxsize=4)
def _open(path: Location, job: Job) -> Source:
    source = open_source(path, job.max_record_bytes, job.read_dialect)
    if source.version != job.version and not job.copy_bytes:
        source.close()
        raise ChangedError(f"{job.input} has changed since {job.id} read it")
    return source
