"""A complete job's scored rows, streamed in input order, from the scores file or, not collected yet, from the server.

What the scores file lacks, the texts above all, is read from the input again, in lockstep. A window is held, never
the job.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from formats.csv.reader import Block, Reader
from formats.errors import InputError
from jobs.batch import Kept, Result
from jobs.errors import JobError
from jobs.ledger import Ledger
from jobs.progress import Progress
from jobs.record import Job
from producer.outputs.proof import proven_output
from producer.outputs.rows import Rows
from producer.pipeline.retry import read_rejects

WINDOW = 8  # batches fetched from the server at once


class Rejected(NamedTuple):
    """A record that was not scored. `record` is 1-based, the header not counted."""

    record: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive scored records, at most a batch or a block of them, and the rejects among them."""

    records: npt.NDArray[np.int64]  # [N], ascending
    columns: dict[str, pa.Array]  # each [N]; binary, or an output's own type
    rejects: Sequence[Rejected] = ()

    def slice(self, start: int, stop: int) -> "Chunk":
        columns = {name: column.slice(start, stop - start) for name, column in self.columns.items()}
        return Chunk(self.records[start:stop], columns)


class Source:
    """Where a complete job's rows are. Raises JobError if they were collected to files that are gone or changed."""

    def __init__(self, ledger: Ledger, job: Job, progress: Progress, max_record_bytes: int) -> None:
        self._ledger, self._job, self._progress = ledger, job, progress
        # A retry may have scored what was too large for the job: read with the higher limit. Records keep their number.
        self._limit = max(max_record_bytes, job.max_record_bytes)
        self.output = proven_output(ledger, job, progress)
        self.outputs = job.fetches
        if self.output is not None:
            with self._open_scores() as scores:
                self.outputs = tuple(scores.columns[1 + len(job.keep) :])

    def chunks(self) -> Iterator[Chunk]:
        """All of them. Raises JobError if a file is not as the job wrote it."""
        scored = 0
        for chunk in self._from_file(self.output) if self.output is not None else self._from_server():
            scored += len(chunk.records)
            yield chunk
        if scored != self._progress.scored:
            raise JobError(f"{self._job.id} scored {self._progress.scored:,} records, and {scored:,} are there")

    def open_input(self) -> Reader:
        """Raises InputError if the input is gone, or is not what the job read."""
        reader = Reader(self._job.input, self._limit)
        if (reader.size, reader.mtime_ns) != (self._job.size, self._job.mtime_ns):
            reader.close()
            raise InputError(f"{self._job.input} has changed since the job read it")
        return reader

    def _open_scores(self) -> Reader:
        assert self.output is not None  # noqa: S101
        try:
            return Reader(self.output, 4 * self._limit)  # quotes may double a kept column's bytes
        except InputError as error:
            raise JobError(f"the scores can't be read: {error}") from None

    def _from_file(self, output: Path) -> Iterator[Chunk]:
        rejects = read_rejects(output) if self._progress.rejected else iter(())
        ahead = next(rejects, None)
        begin = 1
        with self._open_scores() as scores:
            names = scores.columns
            for block in scores.blocks(names):
                end, among = begin + block.rows, []
                while ahead is not None and ahead.record < end:
                    among.append(Rejected(ahead.record, ahead.code, ahead.detail))
                    end += 1
                    ahead = next(rejects, None)
                numbers = np.arange(begin, end, dtype=np.int64)
                if among:
                    numbers = np.setdiff1d(numbers, [reject.record for reject in among], assume_unique=True)
                yield Chunk(numbers, dict(zip(names, block.records.columns, strict=True)), among)
                begin = end
        while ahead is not None:  # behind the last scored record
            yield Chunk(np.empty(0, np.int64), {}, [Rejected(ahead.record, ahead.code, ahead.detail)])
            ahead = next(rejects, None)

    def _from_server(self) -> Iterator[Chunk]:
        job, rows = self._job, Rows(self._job, None)
        names = [job.id_name, *job.keep]
        first = 0
        while pairs := self._ledger.answers.results(job.life, first, WINDOW):
            for kept_bytes, result_bytes in pairs:
                kept, result = Kept.decode(kept_bytes), Result.decode(result_bytes)
                numbers = kept.record_numbers()
                among = [Rejected(reject.record, reject.code, reject.detail) for reject in kept.rejects]
                among += [Rejected(int(numbers[each.row]), each.code, each.detail) for each in result.rejects]
                if not result.scored:
                    yield Chunk(np.empty(0, np.int64), {}, among)
                    continue
                scored = np.delete(numbers, [each.row for each in result.rejects])
                arrays = rows.scores(kept, result)
                yield Chunk(scored, dict(zip([*names, *result.columns], arrays, strict=True)), among)
            first += len(pairs)


def with_input(chunks: Iterator[Chunk], reader: Reader, columns: Sequence[str]) -> Iterator[Chunk]:
    """The chunks with `columns` of the input added (binary; null where a record can't be read with today's limit).

    They are cut where the input's blocks end, so that a window of long texts stays a window.
    """
    if not columns:
        yield from chunks
        return
    blocks = reader.blocks(columns)
    block: Block | None = None
    numbers = np.empty(0, np.int64)
    for chunk in chunks:
        start, total = 0, len(chunk.records)
        if not total:
            yield chunk
            continue
        while start < total:
            while block is None or block.end.record <= chunk.records[start]:
                block = next(blocks, None)
                if block is None:
                    raise JobError(f"{reader.path} ends before record {int(chunk.records[start])}, which was scored")
                numbers = block.record_numbers
            stop = int(np.searchsorted(chunk.records, block.end.record))
            piece = chunk.slice(start, stop)
            added = dict(zip(columns, _at(block.records, numbers, piece.records), strict=True))
            yield Chunk(piece.records, {**piece.columns, **added}, chunk.rejects if start == 0 else ())
            start = stop


def _at(records: pa.RecordBatch, numbers: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> list[pa.Array]:
    """The rows of those record numbers; null for one that is not there."""
    rows = np.searchsorted(numbers, wanted)
    found = rows < len(numbers)
    found[found] = numbers[rows[found]] == wanted[found]
    if found.all() and len(wanted) == rows[-1] - rows[0] + 1:
        return [column.slice(int(rows[0]), len(wanted)) for column in records.columns]
    return [column.take(pa.array(rows, mask=~found)) for column in records.columns]
