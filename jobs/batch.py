"""The three Arrow IPC streams a batch is made of on its way: what the worker needs (payload), what only the collector
needs (kept), and what the worker answers (result). JSON rides along as schema metadata; nothing is ever unpickled.

They come from the server, or from a spool: each is checked for what it is to have before anything is made of it, and
raises DamagedError if it is something else.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from formats.position import Position
from formats.rejects import Reject
from jobs.errors import DamagedError
from jobs.forms import is_text
from jobs.record import Job
from jobs.streams import NOTE, Stream

_TEXT = frozenset([pa.binary()])
_SCORES = frozenset([
    pa.binary(), pa.string(), pa.bool_(), pa.float16(), pa.float32(), pa.float64(),
    pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
])  # fmt: skip
_CODE = re.compile("[a-z0-9_]{1,40}")
_MOST = 1 << 53  # of records, bytes and lines


@contextlib.contextmanager
def _reading(what: str) -> Iterator[None]:
    """Raises DamagedError for all that a stream may be instead of what it should be."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OSError, EOFError, MemoryError,
            pa.ArrowException, StopIteration):  # fmt: skip
        raise DamagedError(f"what the server has as {what} is none") from None


def _check(good: bool) -> None:
    if not good:
        raise ValueError


def _is_number(*values: Any) -> bool:
    return all(type(value) is int and 0 <= value < _MOST for value in values)


def _is_reject(code: Any, *texts: Any) -> bool:
    return is_text(code) and _CODE.fullmatch(code) is not None and all(map(is_text, texts))


def _ascend(numbers: Sequence[int], end: int) -> bool:
    """Whether each number is above the one before, and all are below `end`."""
    return all(one < other for one, other in zip(numbers, [*numbers[1:], end], strict=True))


def _write(schema: pa.Schema, batches: Sequence[pa.RecordBatch], note: object = None) -> memoryview:
    if note is not None:
        schema = schema.with_metadata({NOTE: json.dumps(note, ensure_ascii=False).encode()})
    batches = [batch.replace_schema_metadata(schema.metadata) for batch in batches]

    def write(sink: pa.NativeFile) -> None:
        with pa.ipc.new_stream(sink, schema) as stream:
            for batch in batches:
                stream.write_batch(batch)

    # Written twice, the first time to nowhere: a buffer that grows would copy all and take twice the room.
    counter = pa.MockOutputStream()
    write(counter)
    buffer = pa.allocate_buffer(counter.size())
    write(pa.FixedSizeBufferWriter(buffer))
    return memoryview(buffer)


def encode_payload(schema: pa.Schema, batches: Sequence[pa.RecordBatch], first: int, records: int) -> memoryview:
    """Micro-batches of the columns to feed (each `binary`, one column a feed), as an Arrow IPC stream. With them goes
    which records they are from: the first one's number, and how many, rejected ones included."""
    return _write(schema, batches, [first, records])


def decode_payload(payload: bytes, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The micro-batches, without copying them out of `payload`, which has these columns, or whichever. Raises
    DamagedError."""
    with _reading("a payload"):
        stream = Stream(payload, _TEXT)
        _check(columns is None or stream.schema.names == list(columns))
        rows, (_, records) = 0, _records(stream)
        for batch in stream.batches():
            rows += batch.num_rows
            _check(rows <= records or not records)  # one of format 1 does not say
            yield batch


def payload_records(payload: bytes) -> tuple[int, int]:
    """The number of the first record that `payload` is from, and how many there are; 0, 0 if it does not say, as in a
    job of format 1. Raises DamagedError."""
    with _reading("a payload"):
        return _records(Stream(payload, _TEXT))


def _records(stream: Stream) -> tuple[int, int]:
    first, records = json.loads(stream.note or b"[0, 0]")
    _check(_is_number(first, records))
    return first, records


@dataclass(frozen=True, slots=True)
class Kept:
    """A batch's id and kept columns (`columns`, one row an accepted record), where in the file the batch begins, and
    what the reader rejected between its records."""

    columns: tuple[pa.Array, ...]
    rows: int
    first_record: int
    position: Position  # of a record at or before the first
    rejects: tuple[Reject, ...]

    def record_numbers(self) -> npt.NDArray[np.int64]:
        """int64 [rows]: the accepted records' numbers in the file."""
        numbers = np.arange(self.first_record, self.first_record + self.rows + len(self.rejects), dtype=np.int64)
        return np.setdiff1d(numbers, np.array([reject.record for reject in self.rejects], np.int64), assume_unique=True)

    def encode(self) -> memoryview:
        rejects = [
            [r.record, r.line, r.code, r.detail, r.raw.decode("latin-1"), r.offset, r.column] for r in self.rejects
        ]
        note = {"rows": self.rows, "first": self.first_record, "position": astuple(self.position), "rejects": rejects}
        schema = pa.schema([(str(index), column.type) for index, column in enumerate(self.columns)])
        batches = [pa.record_batch(list(self.columns), schema=schema)] if self.columns else []
        return _write(schema, batches, note)

    @classmethod
    def decode(cls, data: bytes) -> "Kept":
        """Raises DamagedError for what `encode` did not make."""
        with _reading("what is kept of a batch"):
            stream = Stream(data, _TEXT)
            note = json.loads(stream.note or b"")
            batch = stream.only()
            rows, first, position = note["rows"], note["first"], Position(*note["position"])
            rejects = tuple(map(_reject, note["rejects"]))
            _check(_is_number(rows, first, *astuple(position)) and (batch is None or batch.num_rows == rows))
            numbers = [first - 1, *(reject.record for reject in rejects)]
            _check(_ascend(numbers, first + rows + len(rejects)))
            return cls(tuple(batch.columns if batch is not None else ()), rows, first, position, rejects)


def _reject(note: Any) -> Reject:
    """Older versions say neither the place nor the column."""
    record, line, code, detail, raw, *where = note
    offset, column = where or (None, "")
    _check(_is_number(record, line, *([] if offset is None else [offset])) and _is_reject(code, detail, column))
    return Reject(record, line, code, detail, raw.encode("latin-1"), offset, column)


@dataclass(frozen=True, slots=True)
class RowReject:
    """A record a worker could not score, by its row in the batch."""

    row: int
    code: str
    detail: str
    column: str = ""  # the one that is at fault, if one is


@dataclass(frozen=True, slots=True)
class Result:
    """A batch's scores: named columns with one row a scored record (none at all where nothing was scored), and the
    rows that were rejected, in order."""

    columns: dict[str, pa.Array]
    rejects: tuple[RowReject, ...]

    @property
    def scored(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def encode(self) -> memoryview:
        note = [[reject.row, reject.code, reject.detail, reject.column] for reject in self.rejects]
        schema = pa.schema([(name, column.type) for name, column in self.columns.items()])
        batches = [pa.record_batch(list(self.columns.values()), schema=schema)] if self.columns else []
        return _write(schema, batches, note)

    @classmethod
    def decode(cls, data: bytes) -> "Result":
        """Raises DamagedError for what `encode` did not make."""
        with _reading("a result"):
            stream = Stream(data, _SCORES)
            rejects = tuple(RowReject(*each) for each in json.loads(stream.note or b""))
            _check(all(_is_number(each.row) and _is_reject(each.code, each.detail, each.column) for each in rejects))
            batch = stream.only()
            columns = dict(zip(stream.schema.names, batch.columns, strict=True)) if batch is not None else {}
            _check(batch is None or 0 < len(columns) == batch.num_columns)
            found = cls(columns, rejects)
            _check(_ascend([-1, *(each.row for each in rejects)], found.scored + len(rejects)))
            return found


def decode_answer(job: Job, kept: bytes, result: bytes) -> tuple[Kept, Result]:
    """What is kept of a batch and what a worker has answered for it, which fit each other and the job. Raises
    DamagedError."""
    rest, found = Kept.decode(kept), Result.decode(result)
    with _reading(f"a result of {job.id}"):
        _check(len(rest.columns) == len(job.kept_columns) and rest.rows == found.scored + len(found.rejects))
        names = {*job.output_names}
        _check(all(name in names or _of_matrix(name) in names for name in found.columns))
    return rest, found


def _of_matrix(column: str) -> str:
    """The output's name whose column NAME_<number> is one."""
    name, _, number = column.rpartition("_")
    return name if number.isdecimal() else ""
