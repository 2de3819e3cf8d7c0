"""Puts records that were scored after all in their places: two pairs of scores file and rejects file become one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from formats.csv.rejects import reject_header, reject_rows
from formats.registry import sink_of
from jobs import digest
from jobs.answers import HEADER
from jobs.errors import JobError
from jobs.proof import Written
from jobs.record import Job
from producer.outputs.partial import Partial
from producer.outputs.rejects import read_rejects


@dataclass(slots=True)
class Merged:
    """What the files are after a retry: rejects by code, the batches' lines, and which records were scored."""

    codes: dict[str, int] = field(default_factory=dict)
    written: dict[int | str, Written] = field(default_factory=dict)
    sizes: tuple[int, int] = (0, 0)
    scored: list[list[int]] = field(default_factory=list)  # [first, last] of consecutive records

    def add(self, record: int) -> None:
        if self.scored and self.scored[-1][1] == record - 1:
            self.scored[-1][1] = record
        else:
            self.scored.append([record, record])


def merge(
    job: Job,
    boundaries: Sequence[range],
    output: Path,
    again: Path,
    numbers: Sequence[int],
    parts: tuple[Partial, Partial],
) -> Merged:
    """Merges the scores file `again` of the records of these `numbers`, and its rejects, with `output` and its own,
    into `parts`. `boundaries` are the records of each batch. Raises JobError if they don't fit."""
    sink = sink_of(output)
    scores, rejects = (part.file for part in parts)
    for file in (scores, rejects):
        file.truncate(0)
        file.seek(0)
    with output.open("rb") as old, again.open("rb") as new:
        old_rows, new_rows = sink.rows(old), sink.rows(new)
        header = next(old_rows)
        if next(new_rows) != header:
            raise JobError(f"{job.id} was scored by a model with other outputs than this one")
        titles = reject_header(job.placed)
        scores.write(header)
        rejects.write(titles)
        merged = Merged()
        merged.written[HEADER] = Written(digest.part(header), digest.part(titles))
        try:
            for batch, lines in enumerate(
                _merge_rows(job, boundaries, numbers, old_rows, new_rows, (output, again), merged)
            ):
                scores.write(lines[0])
                rejects.write(lines[1])
                merged.written[batch] = Written(
                    digest.part(lines[0]), digest.part(lines[1]), lines[2], digest.head(lines[0])
                )
            fits = next(old_rows, None) is None and next(new_rows, None) is None
        except RuntimeError:  # a row is missing
            fits = False
    if not fits:
        raise JobError(f"{output} and its rejects are not as {job.id} wrote them: --again scores the file again")
    merged.sizes = scores.tell(), rejects.tell()
    for part in parts:
        part.flush()
    return merged


def _merge_rows(
    job: Job,
    boundaries: Sequence[range],
    numbers: Sequence[int],
    old_rows: Iterator[bytes],
    new_rows: Iterator[bytes],
    outputs: tuple[Path, Path],
    merged: Merged,
) -> Iterator[tuple[bytes, bytes, int]]:
    """Every record's row from where it is now, batch by batch: lines for both files, and how many are scored. Raises
    RuntimeError where one is missing: a StopIteration in a generator."""
    sink = sink_of(outputs[0])
    before, after = map(read_rejects, outputs)
    rejected, still = next(before, None), next(after, None)
    position = {record: index for index, record in enumerate(numbers, 1)}
    for records in boundaries:
        scores: list[bytes] = []
        rejects: list[bytes] = []
        scored = 0
        for record in records:
            old = None
            if job.errors or rejected is None or record != rejected.record:
                old = next(old_rows)
            if rejected is None or record != rejected.record:
                scores.append(old or b"")
                scored += 1
                continue
            index = position.get(record)
            mended = index is not None and (still is None or still.record != index)
            if mended or (job.errors and index is not None):
                old = next(new_rows) if job.id_column else sink.renumber(next(new_rows), record)
            if old is not None:  # where rejects have a row too, each has one
                scores.append(old)
            if mended:
                scored += 1
                merged.add(record)
            else:
                if index is not None and still is not None:
                    rejected = replace(still, record=record, line=rejected.line, offset=rejected.offset)
                    still = next(after, None)
                merged.codes[rejected.code] = merged.codes.get(rejected.code, 0) + 1
                rejects.append(reject_rows([rejected], job.placed))
            rejected = next(before, None)
        yield b"".join(scores), b"".join(rejects), scored
