"""A batch's records as they are cut from the input's blocks, wherever that is done: micro-batches, and what is fed,
kept and counted of them."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pyarrow as pa

from formats.csv.rejected import records_of
from formats.source import Block
from formats.utf8 import count_not_utf8
from jobs.batch import Kept
from jobs.record import Job

MICRO_BATCH_ROWS = 1024  # rows of one sess.run, at most: what keeps a graph's tensors in the cache


def edges(first: int, end: int) -> list[int]:
    """The records from `first` to before `end`, a block's, in micro-batches: where each begins, and the end. Each has
    at most MICRO_BATCH_ROWS records, and they are evenly filled.

    Blocks depend on the file alone, and so do these: whatever the batch size, and whoever reads and scores them, a
    record meets the same neighbours in `sess.run`, and a graph gives it the same bits.
    """
    count = max(1, -(-(end - first) // MICRO_BATCH_ROWS))
    return [first + (end - first) * index // count for index in range(count + 1)]


def micro_batches(records: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Those of a block without rejects, without copying."""
    for begin, end in pairwise(edges(0, records.num_rows)):
        if end > begin:
            yield records.slice(begin, end - begin)


class Slice:
    """A block's records from number `first` to before `end`, without copying; `edges` lie at both, unless a job's limit
    is in between."""

    def __init__(self, block: Block, first: int, end: int) -> None:
        self.block = block
        self.first, self.end = max(first, block.start.record), min(end, block.end.record)
        self._rejected = records_of(block.rejects).tolist()
        self.rejects = block.rejects[bisect_left(self._rejected, self.first) : bisect_left(self._rejected, self.end)]
        self._begin = self._row(self.first)
        self.rows = self._row(self.end) - self._begin
        self.records: pa.RecordBatch = block.records.slice(self._begin, self.rows)  # the accepted ones

    @property
    def blank_lines(self) -> int:
        """Of the block, if this has its last records."""
        return self.block.blank_lines if self.end == self.block.end.record else 0

    def micro_batches(self) -> Iterator[pa.RecordBatch]:
        """Those that have rows."""
        start = self.block.start.record
        for first, end in pairwise(edges(start, self.block.end.record)):
            if self.first <= first < self.end:
                begin, stop = self._row(first), self._row(min(end, self.end))  # the last one may be cut by a limit
                if stop > begin:
                    yield self.block.records.slice(begin, stop - begin)

    def _row(self, record: int) -> int:
        """How many records before that one were accepted."""
        return record - self.block.start.record - bisect_left(self._rejected, record)


def fed(job: Job, slices: Sequence[Slice]) -> list[pa.RecordBatch]:
    """The micro-batches of the columns to feed, each `binary`, without copying."""
    names = job.fed_columns
    schema = pa.schema([(name, pa.binary()) for name in names])
    return [
        pa.RecordBatch.from_arrays([records.column(name) for name in names], schema=schema)
        for part in slices
        for records in part.micro_batches()
    ]


def kept(job: Job, slices: Sequence[Slice]) -> Kept:
    """What goes into the files beside the scores."""
    return Kept(
        columns=tuple(pa.concat_arrays([part.records.column(name) for part in slices]) for name in job.kept_columns),
        rows=sum(part.rows for part in slices),
        first_record=slices[0].first,
        position=slices[0].block.start,
        rejects=tuple(reject for part in slices for reject in part.rejects),
    )


def odd(job: Job, slices: Sequence[Slice]) -> dict[str, int]:
    """Counts of what is no reject and worth a line in the receipt; those above zero."""
    texts = () if job.strict_encoding else job.text_columns
    found = {
        "blank_lines": sum(part.blank_lines for part in slices),
        "not_utf8": sum(count_not_utf8(part.records.column(name)) for part in slices for name in texts),
    }
    return {name: number for name, number in found.items() if number}
