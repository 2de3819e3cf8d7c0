"""Cuts the source's blocks into batches, whether these travel or are referred to."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

from formats.position import Position
from formats.source import Block, Range
from jobs.digest import Bytes
from jobs.handover import Entry
from jobs.record import Job
from jobs.slices import edges

Found = TypeVar("Found", Block, Range)
MOST_REJECTS = 32 << 10  # of a batch: each is some hundred bytes of memory wherever the batch is, however short it was


@dataclass(frozen=True, slots=True)
class Piece(Generic[Found]):
    """A micro-batch's records, rejected ones included: the atom that batches are made of."""

    found: Found  # the block that has it, or where that is
    index: int  # within the block
    last: bool  # of the block
    first: int  # the number of its first record
    end: int  # and of the one behind its last
    size: int  # its share of the block's bytes

    @property
    def rejects(self) -> int:
        """How many of its records are known to be rejected."""
        known = self.found.rejects if isinstance(self.found, Block) else self.found.broken
        first, end = (bisect_left(known, number, key=lambda each: each.record) for number in (self.first, self.end))
        return end - first


@dataclass(slots=True)
class Batch(Generic[Found]):
    """Consecutive pieces."""

    pieces: list[Piece[Found]]

    @property
    def first_record(self) -> int:
        return self.pieces[0].first

    @property
    def end_record(self) -> int:
        return self.pieces[-1].end

    @property
    def records(self) -> int:
        """How many records, rejected ones included."""
        return self.end_record - self.first_record

    @property
    def size(self) -> int:
        """Bytes of input."""
        return sum(piece.size for piece in self.pieces)

    @property
    def found(self) -> list[Found]:
        """The blocks that have them."""
        found = [piece.found for piece in self.pieces]
        return [each for number, each in enumerate(found) if number == 0 or each is not found[number - 1]]

    @property
    def cursor(self) -> dict[str, int]:
        """Where reading goes on behind it."""
        last = self.pieces[-1]
        return make_cursor(last.found.end) if last.last else make_cursor(last.found.start, last.index + 1)


class Way(Protocol[Found]):
    """How the batches of one job get to its workers."""

    def batches(self, cursor: Mapping[str, int]) -> Iterator[Batch[Found]]:
        """Those from `cursor` on. Raises InputError."""

    def payload(self, batch: Batch[Found]) -> Bytes:
        """What a worker is given."""

    def entry(self, batch: Batch[Found]) -> Entry:
        """What the ledger is given."""


def make_cursor(position: Position, skip: int = 0) -> dict[str, int]:
    """Where reading goes on: a block's start, and how many of its micro-batches are enqueued already."""
    return {"offset": position.offset, "record": position.record, "line": position.line, "skip": skip}


def position(cursor: Mapping[str, int]) -> Position:
    """The block's start."""
    return Position(cursor["offset"], cursor["record"], cursor["line"])


def pieces(found: Found, limit: int = 0) -> Iterator[Piece[Found]]:
    """The block's micro-batches, as far as they have records up to the number `limit`, if it isn't 0."""
    start, end = found.start, found.end
    places = edges(start.record, end.record)
    for index, (first, behind) in enumerate(pairwise(places)):
        share = (end.offset - start.offset) * (behind - first) // (end.record - start.record)
        if limit and first > limit:
            return
        yield Piece(found, index, index == len(places) - 2, first, min(behind, limit + 1) if limit else behind, share)


def cut(found: Iterable[Found], job: Job, skip: int) -> Iterator[Batch[Found]]:
    """Cuts blocks into batches, each of about `job.batch_bytes` input bytes but for the last, and those that have more
    than MOST_REJECTS. `skip` pieces of the
    first block are in batches already."""
    batch: list[Piece[Found]] = []
    size, half, rejects = 0, job.block_bytes // 2, 0
    for block in found:
        if job.limit and block.start.record > job.limit:
            break  # and the rest is not read
        for piece in pieces(block, job.limit):
            if piece.index < skip:
                continue
            batch.append(piece)
            size += piece.size
            rejects += piece.rejects
            # A block that two batches share may be read twice: one is ended, or filled, by less than half a block.
            full = size >= job.batch_bytes or rejects >= MOST_REJECTS
            if full or (piece.last and size + half >= job.batch_bytes):
                yield Batch(batch)
                batch, size, rejects = [], 0, 0
        skip = 0
    if batch:
        yield Batch(batch)
