"""A complete job's scored rows, streamed in input order, from the scores file or, not collected yet, from the server.
A window is held, never the job."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from formats.csv.rejects import decode_rejects
from formats.errors import InputError
from formats.registry import DEFAULT, SINKS, open_source
from formats.rejects import Reject
from formats.sink import Sink
from formats.source import Source
from jobs import digest
from jobs.batch import Kept, Result, decode_answer
from jobs.error_rows import ERROR, widened
from jobs.errors import JobError, LostError
from jobs.input import open_input
from jobs.ledger import Ledger
from jobs.progress import Progress
from jobs.record import Job
from jobs.reference import PartFile, is_part
from jobs.rows import all_rejects, score_columns, scored_columns
from jobs.settings import Settings
from producer.outputs.document import vouches
from producer.outputs.files import read
from producer.outputs.names import names_ahead
from producer.outputs.proof import proven_output
from producer.outputs.raw import RawText
from producer.outputs.rejects import read_rejects

WINDOW = 8  # batches fetched from the server at once
_TEXT_TYPES = frozenset(
    ["bool", "halffloat", "float", "double", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))]
)


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

    def __init__(self, ledger: Ledger, job: Job, progress: Progress, settings: Settings) -> None:
        self._ledger, self._job, self._progress = ledger, job, progress
        self.names = [job.id_name, *job.keep]  # the columns before the outputs
        self.texts = self.names if job.id_column else [*job.keep]  # those of them that came from the input
        # A retry may have scored what was too large for the job: read with the higher limit. Records keep their number.
        self._limit, self._home = max(settings.max_record_bytes, job.max_record_bytes), settings.home
        self.output = proven_output(ledger, job, progress)
        if self.output is not None and not (job.incarnation or vouches(self.output, job)):  # it has no digests
            raise JobError(
                f"{self.output} has no receipt of {job.id}: producer collect {job.id} --output {self.output} writes it"
            )
        self.has_errors = job.errors  # rejects have rows in the file too
        self.outputs = job.output_names
        if self.output is None and job.errors:
            self.outputs = names_ahead(ledger, job, progress, 0) or self.outputs
        if self.output is not None:
            with self._open_scores() as scores:
                self.outputs = tuple(scores.columns[1 + len(job.keep) : -1 if job.errors else None])

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
        raw = RawText(source)
        for kept, result in self._pairs():
            if is_part(result):
                yield from self._read(PartFile.decode(result))[1]
            else:
                batch, answer = decode_answer(self._job, kept, result)
                yield from all_rejects(self._job, batch, answer, partial(raw.locate, batch.position))

    def text(self, sink: Sink) -> Iterator[bytes]:
        """What a scores file with rejects in it would have, of a complete job that is not collected. Raises JobError if
        it is in part."""
        yield sink.header([*self.names, *self.outputs, ERROR])
        batches = 0
        for kept, result in self._pairs():
            batches += 1
            if not is_part(result):
                columns = score_columns(self._job, *decode_answer(self._job, kept, result), self.outputs)
                yield bytes(sink.encode(columns))
                continue
            part = PartFile.decode(result)
            lines = self._read(part)[0]
            yield lines if part.outputs else bytes(widened(sink, self._job, lines, self.outputs))
        if batches != self._progress.batches:
            raise JobError(f"{self._job.id} has {self._progress.batches:,} batches, and {batches:,} are there")

    def _pairs(self) -> Iterator[tuple[bytes, bytes]]:
        """What is kept of each batch, and its result, as far as they are on the server."""
        first = 0
        while pairs := self._ledger.answers.results(self._job.life, first, WINDOW):
            yield from pairs
            first += len(pairs)

    def _read(self, part: PartFile) -> tuple[bytes, list[Reject]]:
        """The lines of the scores file, and the rejects. Raises LostError if they are not there as they were
        written."""
        with self._ledger.places.of(self._job.by_reference).open_part(self._job.life, part.name) as file:
            pieces = [read(file, size) for size, _ in (part.written.scores, part.written.rejects)]
        if [digest.part(piece) for piece in pieces] != [part.written.scores, part.written.rejects]:
            raise LostError(f"the part {part.name} is not as its worker wrote it")
        return pieces[0], list(decode_rejects(BytesIO(pieces[1])))

    def open_input(self) -> Source:
        """Raises InputError if the input is gone, or is not what the job read."""
        return open_input(self._job, self._home, self._limit)

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
                    end += 0 if self._job.errors else 1
                    ahead = next(rejects, None)
                numbers = np.arange(begin, end, dtype=np.int64)
                if among:
                    numbers = np.setdiff1d(numbers, [reject.record for reject in among], assume_unique=True)
                yield Chunk(numbers, self._scored_rows(names, block.records), among)
                begin = end
        while ahead is not None:  # behind the last scored record
            yield Chunk(np.empty(0, np.int64), {}, [Rejected(ahead.record, ahead.code, ahead.detail)])
            ahead = next(rejects, None)

    def _scored_rows(self, names: Sequence[str], rows: pa.RecordBatch) -> dict[str, pa.Array]:
        """The columns of those that are no rejects, without the one that tells."""
        if not self._job.errors:
            return dict(zip(names, rows.columns, strict=True))
        import pyarrow.compute as pc  # 9 MB that most commands can do without

        kept = rows.filter(pc.equal(rows.column(rows.num_columns - 1), b""))
        return dict(zip(names[:-1], kept.columns[:-1], strict=True))

    def _from_server(self) -> Iterator[Chunk]:
        first = 1
        for kept, result in self._pairs():
            if is_part(result):
                part = PartFile.decode(result)
                chunk = self._from_part(part, first)
            else:
                chunk = self._from_answer(*decode_answer(self._job, kept, result))
            first += len(chunk.records) + len(chunk.rejects)
            yield chunk

    def _from_part(self, part: PartFile, first: int) -> Chunk:
        lines, rejects = self._read(part)
        among = [Rejected(reject.record, reject.code, reject.detail) for reject in rejects]
        numbers = np.arange(first, first + part.written.scored + len(among), dtype=np.int64)
        scored = np.setdiff1d(numbers, [reject.record for reject in among], assume_unique=True)
        if not len(scored):
            return Chunk(scored, {}, among)
        names = [*self.names, *(name for name, _ in part.outputs), *([ERROR] if self._job.errors else [])]
        columns = self._scored_rows(names, SINKS[DEFAULT].decode(lines, names))
        if not self._job.id_column:
            columns[self.names[0]] = pa.array(scored)
        columns |= {name: _typed(columns[name], kind) for name, kind in part.outputs}
        return Chunk(scored, columns, among)

    def _from_answer(self, kept: Kept, result: Result) -> Chunk:
        numbers = kept.record_numbers()
        among = [Rejected(reject.record, reject.code, reject.detail) for reject in kept.rejects]
        among += [Rejected(int(numbers[each.row]), each.code, each.detail) for each in result.rejects]
        if not result.scored:
            return Chunk(np.empty(0, np.int64), {}, among)
        scored = np.delete(numbers, [each.row for each in result.rejects])
        arrays = scored_columns(self._job, kept, result)
        return Chunk(scored, dict(zip([*self.names, *result.columns], arrays, strict=True)), among)


def _typed(column: pa.Array, kind: str) -> pa.Array:
    """The values that a worker wrote as text, in the type that they had; whatever is no number or truth stays text."""
    if kind not in _TEXT_TYPES:
        return column
    return column.cast(pa.string()).cast(pa.float32() if kind == "halffloat" else pa.type_for_alias(kind)).cast(kind)
