"""The three Arrow IPC streams a batch is made of on its way: what the worker needs (payload), what only the collector
needs (kept), and what the worker answers (result). JSON rides along as schema metadata; nothing is ever unpickled."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from formats.position import Position
from formats.rejects import Reject

_NOTE = b"nightshift"  # the metadata key of the JSON


def _write(schema: pa.Schema, batches: Sequence[pa.RecordBatch], note: object = None) -> memoryview:
    if note is not None:
        schema = schema.with_metadata({_NOTE: json.dumps(note, ensure_ascii=False).encode()})
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


def decode_payload(payload: bytes) -> Iterator[pa.RecordBatch]:
    """The micro-batches, without copying them out of `payload`."""
    yield from pa.ipc.open_stream(payload)


def payload_records(payload: bytes) -> tuple[int, int]:
    """The number of the first record that `payload` is from, and how many there are; 0, 0 if it does not say, as in a
    job of format 1."""
    note = (pa.ipc.open_stream(payload).schema.metadata or {}).get(_NOTE, b"[0, 0]")
    first, records = json.loads(note)
    return int(first), int(records)


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
        stream = pa.ipc.open_stream(data)
        note = json.loads(stream.schema.metadata[_NOTE])
        columns = [column for batch in stream for column in batch.columns]
        rejects = tuple(Reject(r[0], r[1], r[2], r[3], r[4].encode("latin-1"), *r[5:]) for r in note["rejects"])
        return cls(tuple(columns), note["rows"], note["first"], Position(*note["position"]), rejects)


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
        stream = pa.ipc.open_stream(data)
        rejects = tuple(RowReject(*reject) for reject in json.loads(stream.schema.metadata[_NOTE]))
        return cls(
            {name: column for batch in stream for name, column in zip(batch.schema.names, batch.columns, strict=True)},
            rejects,
        )
