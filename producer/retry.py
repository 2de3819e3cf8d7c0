"""Scores a job's rejects again, after the model or the limit was mended, and puts them in their places in its files.

The rejected records are cut out of the input into a file of their own and scored as a job of their own; then the two
pairs of files are merged, in input order, and replace the old ones, the scores file last. Interrupted anywhere, it can
be run again.
"""

import csv
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from jobs.batch import Reject
from jobs.errors import JobError
from jobs.record import Job
from producer.collect import REJECT_COLUMNS, reject_rows, rejects_path
from producer.lines import format_rows
from producer.reader import Reader

# No model and no limit mends these.
BROKEN = frozenset({"bad_quoting", "unclosed_quote", "stray_cr", "too_few_fields", "too_many_fields"})
READER_CODES = BROKEN | {"record_too_large"}


@dataclass(frozen=True, slots=True)
class Cut:
    """The file of the records to score again, and their numbers in the input."""

    path: Path
    records: tuple[int, ...]


def read_rejects(output: Path) -> Iterator[Reject]:
    """The rejects beside the scores file `output`, in record order, however large their raw text is."""
    csv.field_size_limit(sys.maxsize)
    with rejects_path(output).open("rb") as file:
        whole = rows(file)
        next(whole)
        for row in whole:
            fields = next(csv.reader([row.decode("latin-1")]))  # bytes through a text reader, unaltered
            record, line, code, detail, raw = (field.encode("latin-1") for field in fields)
            yield Reject(int(record), int(line or 0), code.decode(), detail.decode(), raw)


def cut_rejects(job: Job, output: Path, max_record_bytes: int) -> Cut:
    """Writes the records to score again beside `output`. Raises JobError if there is none, or the input has changed."""
    _finish(output)
    wanted = [reject.record for reject in read_rejects(output) if reject.code not in BROKEN]
    if not wanted:
        raise JobError(f"{job.id} has no rejects that scoring again could mend")
    path = output.with_name(f"{output.stem}.retry.csv")
    found: list[int] = []
    with Reader(job.input, max_record_bytes) as reader, path.open("wb") as file:
        if (reader.size, reader.mtime_ns) != (job.size, job.mtime_ns):
            raise JobError(f"{job.input} has changed since {job.id} read it")
        file.write(format_rows([reader.columns]))
        ahead = iter(wanted)
        record = next(ahead, None)
        for block in reader.blocks([]):
            here = []
            while record is not None and record < block.end.record:
                here.append(record)
                record = next(ahead, None)
            places = reader.locate(block.start, here) if here else {}
            for number in here:
                if number in places:  # else it is still too large
                    file.write(places[number][1] + b"\n")
                    found.append(number)
    return Cut(path, tuple(found))


def merge(job: Job, total: int, output: Path, again: Path, cut: Cut) -> dict[str, int]:
    """Merges the scores file `again` of the cut records, and its rejects, into `output` of the job, which read `total`
    records. Returns the rejects that are left, by code. Raises JobError, and changes nothing, if the files don't fit
    each other."""
    new_output, new_rejects = _partials(output)
    with output.open("rb") as old, again.open("rb") as new:
        old_rows, new_rows = rows(old), rows(new)
        header = next(old_rows)
        if next(new_rows) != header:
            raise JobError(f"{job.id} was scored by a model with other outputs than this one")
        # The rejects first, here and in the end: _finish knows by them which of the two renames is left.
        with new_rejects.open("wb") as rejects, new_output.open("wb") as scores:
            scores.write(header)
            rejects.write(format_rows([REJECT_COLUMNS]))
            try:
                counts = _merge_rows(job, total, cut, old_rows, new_rows, (output, again), scores, rejects)
                fits = next(old_rows, None) is None and next(new_rows, None) is None
            except StopIteration:
                fits = False
            for file in (scores, rejects):
                file.flush()
                os.fsync(file.fileno())
    if not fits:
        new_output.unlink()
        new_rejects.unlink()
        raise JobError(f"{output} and its rejects are not as {job.id} wrote them: --again scores the file anew")
    new_rejects.replace(rejects_path(output))
    new_output.replace(output)
    return counts


def _merge_rows(
    job: Job,
    total: int,
    cut: Cut,
    old_rows: Iterator[bytes],
    new_rows: Iterator[bytes],
    outputs: tuple[Path, Path],
    scores: BinaryIO,
    rejects: BinaryIO,
) -> dict[str, int]:
    """Every record's row from where it is now. Raises StopIteration where one is missing."""
    counts: dict[str, int] = {}
    before, after = map(read_rejects, outputs)
    rejected, still = next(before, None), next(after, None)
    position = {record: index for index, record in enumerate(cut.records, 1)}
    for record in range(1, total + 1):
        if rejected is None or record != rejected.record:
            scores.write(next(old_rows))
            continue
        index = position.get(record)
        if index is not None and (still is None or still.record != index):
            scores.write(next(new_rows) if job.id_column else _renumber(next(new_rows), record))
        else:
            if index is not None and still is not None:
                rejected, still = replace(still, record=record, line=rejected.line), next(after, None)
            counts[rejected.code] = counts.get(rejected.code, 0) + 1
            rejects.write(reject_rows([rejected]))
        rejected = next(before, None)
    return counts


def rows(file: BinaryIO) -> Iterator[bytes]:
    """The rows of a file that we wrote, line ends in quoted fields and all."""
    lines: list[bytes] = []
    quotes = 0
    for line in file:
        lines.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            yield b"".join(lines)
            lines.clear()


def _partials(output: Path) -> tuple[Path, Path]:
    """What the scores file and the rejects file are called until they are merged."""
    scores, rejects = (path.with_name(path.name + ".partial") for path in (output, rejects_path(output)))
    return scores, rejects


def _finish(output: Path) -> None:
    """If a merge was stopped between its two renames, does the second."""
    scores, rejects = _partials(output)
    if scores.exists() and not rejects.exists():
        scores.replace(output)


def _renumber(row: bytes, record: int) -> bytes:
    return b"%d,%b" % (record, row.partition(b",")[2])
