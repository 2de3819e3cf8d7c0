"""A batch whose process died or hung, and the pieces into which it is cut to find the records that bring it about."""

import json
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import NamedTuple, Self

import pyarrow as pa

from jobs.record import Job
from model.graph.row_class import RowClass

FAN = 32  # parts of a piece that was fatal
# A piece's time limit is at least this, or the batch's own if that is shorter (TensorFlow alone waits ten seconds for
# memory before it says that there is none),
FLOOR_SECONDS = 15.0
FLOOR_SHARE = 1 / 20  # and at least this share of the batch's, however few rows it has


class Assignment(NamedTuple):
    """A batch that was fatal, and what it takes to score it."""

    job: Job
    model: bytes | None  # the frozen graph, if the server has it
    payload: bytes
    threads: int
    seconds: float  # a batch's time limit
    row_class: RowClass | None = None  # the job's, if it is known

    def send(self, end: Connection) -> None:
        about = [self.job.encode(), self.threads, self.seconds, self.row_class, self.model is not None]
        for body in (json.dumps(about).encode(), self.model or b"", self.payload):
            end.send_bytes(body)

    @classmethod
    def receive(cls, end: Connection) -> Self:
        job, threads, seconds, row_class, known = json.loads(end.recv_bytes())
        model, payload = end.recv_bytes(), end.recv_bytes()
        return cls(Job.decode(job), model if known else None, payload, threads, seconds, row_class)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a micro-batch's records, and the row of the batch at which they begin."""

    begin: int
    records: pa.RecordBatch
    whole: int  # the row at which its micro-batch begins

    @property
    def rows(self) -> int:
        return int(self.records.num_rows)

    def split(self) -> "list[Piece]":
        step = -(-self.rows // FAN)
        return [Piece(self.begin + at, self.records.slice(at, step), self.whole) for at in range(0, self.rows, step)]


def piece_seconds(batch_seconds: float, share: float) -> float:
    """The time limit of a piece with that share of the batch's rows."""
    return min(batch_seconds, max(FLOOR_SECONDS, batch_seconds * max(share, FLOOR_SHARE)))
