"""Cuts the source's blocks into batches and enqueues them: payload, ledger entry and message in one step."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from formats.position import Position
from formats.rejects import Reject
from formats.source import Block, Source
from formats.utf8 import count_not_utf8
from jobs import keys
from jobs.batch import Kept, encode_payload, micro_batches
from jobs.ledger import Entry, Ledger
from jobs.lock import Lock
from jobs.progress import Progress
from jobs.record import Job
from jobs.server import AWAY

LOCK_SECONDS = 10.0  # another producer takes over when this one has been silent for as long
BATCHES_PER_PROCESS = 3  # outstanding: one being scored, one prefetched, one in the queue,
WINDOW_BYTES = 32 << 20  # or as many as this is of input, if that is more
MAX_WINDOW = 512  # of small ones
ROUND_TRIP_BYTES = 1 << 20  # of input, and of batches as many as those are, are enqueued together
AT_ONCE = 4  # round trips before somebody looks whether there is something to collect


@dataclass(frozen=True, slots=True)
class Piece:
    """A micro-batch and the rejects up to its last record: the atom that batches are made of."""

    block: Position  # where its block starts
    index: int  # within the block
    last: bool  # of the block
    records: pa.RecordBatch
    first_record: int
    rejects: list[Reject]
    size: int  # its share of the block's bytes
    blank_lines: int  # of its block, if it is the last of it

    @property
    def count(self) -> int:
        return int(self.records.num_rows) + len(self.rejects)


@dataclass(slots=True)
class Batch:
    """Consecutive pieces, and where reading goes on behind them."""

    pieces: list[Piece] = field(default_factory=list)
    size: int = 0
    behind: Position | None = None  # where the last piece's block ends

    def add(self, piece: Piece, behind: Position) -> None:
        self.pieces.append(piece)
        self.size += piece.size
        self.behind = behind

    @property
    def cursor(self) -> dict[str, int]:
        last = self.pieces[-1]
        if last.last and self.behind:
            return make_cursor(self.behind)
        return make_cursor(last.block, last.index + 1)

    @property
    def records(self) -> int:
        """How many records, rejected ones included."""
        return sum(piece.count for piece in self.pieces)

    @property
    def rejects(self) -> list[Reject]:
        return [reject for piece in self.pieces for reject in piece.rejects]

    def entry(self, job: Job) -> Entry:
        codes = [reject.code for reject in self.rejects]
        first = self.pieces[0].first_record
        return Entry(self.payload(job), self.kept(job), self.cursor, first, self.records, codes, self.odd(job))

    def odd(self, job: Job) -> dict[str, int]:
        """Counts of what is no reject and worth a line in the receipt; those above zero."""
        found = {
            "blank_lines": sum(piece.blank_lines for piece in self.pieces),
            "not_utf8": sum(
                count_not_utf8(piece.records.column(name)) for piece in self.pieces for name in job.text_columns
            ),
        }
        return {name: number for name, number in found.items() if number}

    def payload(self, job: Job) -> memoryview:
        columns = job.fed_columns
        schema = pa.schema([(name, pa.binary()) for name in columns])
        return encode_payload(
            schema,
            [
                pa.RecordBatch.from_arrays([piece.records.column(name) for name in columns], schema=schema)
                for piece in self.pieces
                if piece.records.num_rows
            ],
            self.pieces[0].first_record,
            self.records,
        )

    def kept(self, job: Job) -> memoryview:
        names = [*([job.id_column] if job.id_column else []), *job.keep]
        first = self.pieces[0]
        return Kept(
            columns=tuple(pa.concat_arrays([piece.records.column(name) for piece in self.pieces]) for name in names),
            rows=sum(piece.records.num_rows for piece in self.pieces),
            first_record=first.first_record,
            position=first.block,
            rejects=tuple(self.rejects),
        ).encode()


def make_cursor(position: Position, skip: int = 0) -> dict[str, int]:
    """Where reading goes on: a block's start, and how many of its micro-batches are enqueued already."""
    return {"offset": position.offset, "record": position.record, "line": position.line, "skip": skip}


def pieces(block: Block) -> Iterator[Piece]:
    """The block's micro-batches, each with its share of the rejects; a block of rejects alone is one empty piece."""
    slices = list(micro_batches(block.records)) or [block.records]
    numbers = block.record_numbers
    size = block.end.offset - block.start.offset
    rejects = list(block.rejects)
    first, row = block.start.record, 0
    for index, records in enumerate(slices):
        row += records.num_rows
        last = index == len(slices) - 1
        end = block.end.record if last else int(numbers[row])
        mine = [reject for reject in rejects if reject.record < end] if rejects else []
        rejects = rejects[len(mine) :]
        share = size * (end - first) // (block.end.record - block.start.record)
        yield Piece(block.start, index, last, records, first, mine, share, block.blank_lines if last else 0)
        first = end


def cut(source: Source, job: Job, cursor: dict[str, int]) -> Iterator[Batch]:
    """The batches from `cursor` on, each of at least `job.batch_bytes` input bytes but for the last."""
    names = [*job.fed_columns, *([job.id_column] if job.id_column else []), *job.keep]
    columns = list(dict.fromkeys(names))
    skip = cursor["skip"]
    batch = Batch()
    for block in source.blocks(columns, Position(cursor["offset"], cursor["record"], cursor["line"])):
        for piece in pieces(block):
            if skip and piece.index < skip:
                continue
            batch.add(piece, block.end)
            if batch.size >= job.batch_bytes:
                yield batch
                batch = Batch()
        skip = 0
    if batch.pieces:
        yield batch


class Enqueuer:
    """Enqueues a job's batches a few a call, as far as the window allows.

    Of several producers on the same job one enqueues, under a lock; if it falls silent another goes on where it was.
    """

    def __init__(self, ledger: Ledger, job: Job, source: Source, window: int) -> None:
        self._ledger, self._job, self._source = ledger, job, source
        self._window = window
        self._lock = Lock(ledger, keys.producer(job.life), LOCK_SECONDS)
        self._number: int | None = None
        self._batches: Iterator[Batch] = iter(())
        self._mean = job.batch_bytes  # of the batches enqueued last, in bytes of input
        self.finished = False

    def step(self, progress: Progress, processes: int) -> bool:
        """Enqueues the next batches, if there are any and room for them; True if the job moved on."""
        if self.finished or progress.sealed:
            self.finished = True
            return False
        if not self._lock.hold():
            self._number = None
            return False
        small = min(MAX_WINDOW, WINDOW_BYTES // max(1, self._mean))
        window = self._window or max(1, BATCHES_PER_PROCESS * processes, small)
        room = rest = window - progress.outstanding
        for _ in range(AT_ONCE):
            enqueued = self._next(rest)
            rest -= enqueued
            if not enqueued:
                break
        return room > 0

    def _next(self, room: int) -> int:
        """Enqueues up to `room` batches in one round trip; how many, none if it was not this one's turn or there is
        none left."""
        if room <= 0:
            return 0
        if self._number is None:
            fresh = self._ledger.progress(self._job.id)
            if fresh.incarnation != self._job.incarnation:
                return 0  # whoever follows says so
            self._number, self._batches = fresh.batches, cut(self._source, self._job, fresh.cursor)
        number, self._number = self._number, None  # where the ledger is, should this fail half-way
        entries, size = [], 0
        for batch in itertools.islice(self._batches, room):
            entries.append(batch.entry(self._job))
            size += batch.size
            if size >= ROUND_TRIP_BYTES:
                break
        if not entries:
            self._seal(number)
            return 0
        self._mean = size // len(entries)
        # Another producer may have been faster, or the job has ended.
        if self._ledger.enqueue(self._job.life, number, entries) != number + len(entries):
            return 0
        self._number = number + len(entries)
        return len(entries)

    def _seal(self, batches: int) -> None:
        if not self._source.unchanged():
            self._ledger.fail(self._job.life, f"{self._job.input} changed while it was being read")
        self.finished = self._ledger.seal(self._job.life, batches)

    def close(self) -> None:
        """Lets another producer go on at once."""
        with contextlib.suppress(*AWAY):  # then the lock runs out
            self._lock.let_go()
