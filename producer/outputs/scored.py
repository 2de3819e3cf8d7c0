"""A complete job's scored rows, streamed in input order, from the scores file or, not collected yet, from the server.
A window is held, never the job."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from formats.errors import InputError
from formats.registry import open_source
from formats.rejects import Reject
from formats.source import Source
from jobs.batch import Kept, Result
from jobs.errors import JobError
from jobs.ledger import Ledger
from jobs.progress import Progress
from jobs.record import Job
from producer.input import open_input
from producer.outputs.proof import proven_output
from producer.outputs.rejects import read_rejects
from producer.outputs.rows import Rows

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


class Scored:
    """Where a job's rows and rejects are, on the server or in files. Raises JobError if they were collected to files
    that are gone or changed."""

    def __init__(self, ledger: Ledger, job: Job, progress: Progress, max_record_bytes: int) -> None:
        self._ledger, self._job, self._progress = ledger, job, progress
        self.names = [job.id_name, *job.keep]  # the columns before the outputs
        self.texts = self.names if job.id_column else [*job.keep]  # those of them that came from the input
        # A retry may have scored what was too large for the job: read with the higher limit. Records keep their number.
        self._limit = max(max_record_bytes, job.max_record_bytes)
        self.output = proven_output(ledger, job, progress)
        self.outputs = tuple(fetch.name for fetch in job.fetches)
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

    def rejects(self, source: Source | None) -> Iterator[Reject]:
        """The rejects so far, in record order. `source`, the input, has the raw text of what workers rejected; without
        it that is empty unless it is in the file."""
        if self.output is not None:
            yield from read_rejects(self.output)
            return
        rows = Rows(self._job, source)
        for kept, result in self.batches():
            yield from rows.rejects(kept, result)

    def batches(self) -> Iterator[tuple[Kept, Result]]:
        """Those on the server."""
        first = 0
        while pairs := self._ledger.answers.results(self._job.life, first, WINDOW):
            for kept, result in pairs:
                yield Kept.decode(kept), Result.decode(result)
            first += len(pairs)

    def open_input(self) -> Source:
        """Raises InputError if the input is gone, or is not what the job read."""
        return open_input(self._job, self._limit)

    def _open_scores(self) -> Source:
        assert self.output is not None  # noqa: S101
        try:
            return open_source(self.output, 4 * self._limit)  # quotes may double a kept column's bytes
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
        rows = Rows(self._job, None)
        names = self.names
        for kept, result in self.batches():
            numbers = kept.record_numbers()
            among = [Rejected(reject.record, reject.code, reject.detail) for reject in kept.rejects]
            among += [Rejected(int(numbers[each.row]), each.code, each.detail) for each in result.rejects]
            if not result.scored:
                yield Chunk(np.empty(0, np.int64), {}, among)
                continue
            scored = np.delete(numbers, [each.row for each in result.rejects])
            arrays = rows.scores(kept, result)
            yield Chunk(scored, dict(zip([*names, *result.columns], arrays, strict=True)), among)
