"""Scores a job's rejects again, after the model or the limit was mended, and puts them in their places in its files.

The rejected records are cut out of the input into a file of their own and scored as a job of their own; then the two
pairs of files are merged, in input order, and replace the old ones, the scores file last. Interrupted anywhere, it can
be run again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from jobs.batch import Reject
from jobs.errors import JobError
from jobs.record import Job
from producer.collect import REJECT_COLUMNS, rejects_path
from producer.lines import format_rows
from producer.reader import Reader

# No model and no limit mends these.
BROKEN = frozenset({"bad_quoting", "unclosed_quote", "too_few_fields", "too_many_fields"})
READER_CODES = BROKEN | {"record_too_large"}


@dataclass(frozen=True, slots=True)
class Cut:
    """The file of the records to score again, and their numbers in the input."""

    path: Path
    records: tuple[int, ...]


def read_rejects(output: Path, max_record_bytes: int) -> Iterator[Reject]:
    """The rejects beside the scores file `output`, in record order."""
    # Quoting may double the raw text; the other fields are short.
    with Reader(rejects_path(output), 2 * max_record_bytes + (1 << 16)) as reader:
        for block in reader.blocks(REJECT_COLUMNS):
            columns = (column.to_pylist() for column in block.records.columns)
            for record, line, code, detail, raw in zip(*columns, strict=True):
                yield Reject(int(record), int(line or 0), code.decode(), detail.decode(), raw)


def cut_rejects(job: Job, output: Path, max_record_bytes: int) -> Cut:
    """Writes the records to score again beside `output`. Raises JobError if there is none, or the input has changed."""
    rejects = read_rejects(output, max(max_record_bytes, job.max_record_bytes))
    wanted = [reject.record for reject in rejects if reject.code not in BROKEN]
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
    records. Returns the rejects that are left, by code. Raises JobError if the two have different columns."""
    counts: dict[str, int] = {}
    limit = max(job.max_record_bytes, 1 << 20)
    new_output, new_rejects = (path.with_name(path.name + ".partial") for path in (output, rejects_path(output)))
    with (
        output.open("rb") as old,
        again.open("rb") as new,
        new_output.open("wb") as scores,
        new_rejects.open("wb") as rejects,
    ):
        old_rows, new_rows = rows(old), rows(new)
        header = next(old_rows)
        if next(new_rows) != header:
            raise JobError(
                f"{again} has other columns than {output}: {job.id} was scored by a model with other outputs"
            )
        scores.write(header)
        rejects.write(format_rows([REJECT_COLUMNS]))
        before = read_rejects(output, limit)
        after = read_rejects(again, limit)
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
    new_rejects.replace(rejects_path(output))
    new_output.replace(output)
    return counts


def reject_rows(rejects: Sequence[Reject]) -> bytes:
    """As they stand in the rejects file."""
    return format_rows([r.record, r.line or "", r.code, r.detail, r.raw] for r in rejects)


def rows(file: BinaryIO) -> Iterator[bytes]:
    """The rows of a file that we wrote, line ends in quoted fields and all."""
    row = b""
    for line in file:
        row += line
        if row.count(b'"') % 2 == 0:
            yield row
            row = b""


def _renumber(row: bytes, record: int) -> bytes:
    return b"%d,%b" % (record, row.partition(b",")[2])
