"""Scores a job's rejects again, after the model or the limit was mended, and puts them in their places in its files.

The rejected records are cut out of the input into a file of their own and scored as a job of their own; then the two
pairs of files are merged, in input order. The ledger is told what the files will be before they get their final names:
whatever stops the command in between, the next one finds the merged files by their digests and publishes them.
"""

import csv
import json
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from formats.csv.lines import format_rows
from formats.csv.reader import Reader
from formats.rejects import Reject, codes_by, is_mendable
from jobs import digest
from jobs.answers import HEADER
from jobs.errors import JobError
from jobs.ledger import Ledger
from jobs.proof import Written
from jobs.record import Job
from producer.outputs.litter import retry_room
from producer.outputs.part import Part, claim_both
from producer.outputs.paths import rejects_path
from producer.outputs.proof import noted_ranges
from producer.outputs.rows import REJECT_COLUMNS, reject_rows
from producer.pipeline.collect import UNREAD, publish


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


def retry_rejects(
    ledger: Ledger, job: Job, output: Path, max_record_bytes: int, score: Callable[[Path, Path], Job]
) -> bool:
    """Has `score(rejected records, their scores)` score what could be mended, and merges it into `output` and its
    rejects. False, and both are as they were, if none was scored: another model's reasons are none of this job's.
    Raises JobError, and changes nothing, if there is no such reject, the input has changed, another command writes
    these files, or the scores don't fit."""
    parts = claim_both(output, job.life)
    if parts is None:
        raise JobError(f"another command writes {output} at this moment")
    room = retry_room(output)
    published = False
    try:
        _clear(room)
        room.mkdir()
        cut = _cut_rejects(job, output, room / "rejected.csv", max_record_bytes)
        again = room / "rejected.scores.csv"
        by = score(cut.path, again)
        boundaries = _boundaries(ledger, job)
        merged = _merge(job, boundaries, output, again, cut, parts)
        if not merged.scored:
            for part, ranges in zip(parts, noted_ranges(ledger, job, ledger.progress(job.id)), strict=True):
                part.resume([part.path], ranges)
            publish(ledger, job, parts)
            return False
        if not _note(ledger, job, by, merged):
            raise JobError(f"{job.id} is not as it was when the retry began")
        published = True  # by whoever comes next, if this one does not
        publish(ledger, job, parts)
        return True
    finally:
        for part in parts:
            part.close() if published else part.discard()
        _clear(room)


def _clear(room: Path) -> None:
    try:
        if stat.S_ISDIR(room.lstat().st_mode):
            shutil.rmtree(room)
        else:
            room.unlink()
    except FileNotFoundError:
        pass


def _cut_rejects(job: Job, output: Path, path: Path, max_record_bytes: int) -> Cut:
    """Writes the records to score again to `path`."""
    wanted = [reject.record for reject in read_rejects(output) if is_mendable(reject.code)]
    if not wanted:
        raise JobError(f"{job.id} has no rejects that scoring again could mend")
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


def _boundaries(ledger: Ledger, job: Job) -> list[range]:
    """The records of each batch."""
    progress = ledger.progress(job.id)
    if not job.incarnation:  # format 1 has no batches that the ledger knows
        return [range(1, progress.records + 1)]
    sent = [proof.sent for proof in ledger.answers.proofs(job.life, 0, progress.batches)]
    return [range(each.first, each.first + each.records) for each in sent if each]


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


def _merge(
    job: Job, boundaries: Sequence[range], output: Path, again: Path, cut: Cut, parts: tuple[Part, Part]
) -> Merged:
    """Merges the scores file `again` of the cut records, and its rejects, with `output` and its own, into `parts`."""
    scores, rejects = (part.file for part in parts)
    for file in (scores, rejects):
        file.truncate(0)
        file.seek(0)
    with output.open("rb") as old, again.open("rb") as new:
        old_rows, new_rows = rows(old), rows(new)
        header = next(old_rows)
        if next(new_rows) != header:
            raise JobError(f"{job.id} was scored by a model with other outputs than this one")
        titles = format_rows([REJECT_COLUMNS])
        scores.write(header)
        rejects.write(titles)
        merged = Merged()
        merged.written[HEADER] = Written(digest.part(header), digest.part(titles))
        try:
            for batch, lines in enumerate(
                _merge_rows(job, boundaries, cut, old_rows, new_rows, (output, again), merged)
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
        raise JobError(f"{output} and its rejects are not as {job.id} wrote them: --again scores the file anew")
    merged.sizes = scores.tell(), rejects.tell()
    for part in parts:
        part.flush()
    return merged


def _note(ledger: Ledger, job: Job, by: Job, merged: Merged) -> bool:
    """Tells the ledger what the files will be."""
    codes, of_the_reader = merged.codes, codes_by("reader")
    fields: dict[str, str | int] = {"output_bytes": merged.sizes[0], "rejects_bytes": merged.sizes[1], UNREAD: 0}
    if by.model != job.model:
        before = json.loads(ledger.progress(job.id).fields.get("retried", "[]"))
        now = {"model": by.model, "model_name": by.model_name, "records": merged.scored}
        fields["retried"] = json.dumps([*before, now])
    return ledger.answers.retried(
        job.life,
        {code: number for code, number in codes.items() if code in of_the_reader},
        {code: number for code, number in codes.items() if code not in of_the_reader},
        fields,
        merged.written if job.incarnation else {},
    )


def _merge_rows(
    job: Job,
    boundaries: Sequence[range],
    cut: Cut,
    old_rows: Iterator[bytes],
    new_rows: Iterator[bytes],
    outputs: tuple[Path, Path],
    merged: Merged,
) -> Iterator[tuple[bytes, bytes, int]]:
    """Every record's row from where it is now, batch by batch: lines for both files, and how many of the first. Raises
    RuntimeError where one is missing: a StopIteration in a generator."""
    before, after = map(read_rejects, outputs)
    rejected, still = next(before, None), next(after, None)
    position = {record: index for index, record in enumerate(cut.records, 1)}
    for records in boundaries:
        scores: list[bytes] = []
        rejects: list[bytes] = []
        for record in records:
            if rejected is None or record != rejected.record:
                scores.append(next(old_rows))
                continue
            index = position.get(record)
            if index is not None and (still is None or still.record != index):
                scores.append(next(new_rows) if job.id_column else _renumber(next(new_rows), record))
                merged.add(record)
            else:
                if index is not None and still is not None:
                    rejected, still = replace(still, record=record, line=rejected.line), next(after, None)
                merged.codes[rejected.code] = merged.codes.get(rejected.code, 0) + 1
                rejects.append(reject_rows([rejected]))
            rejected = next(before, None)
        yield b"".join(scores), b"".join(rejects), len(scores)


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


def _renumber(row: bytes, record: int) -> bytes:
    return b"%d,%b" % (record, row.partition(b",")[2])
