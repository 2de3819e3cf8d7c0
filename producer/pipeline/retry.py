"""Scores a job's rejects again, after the model or the limit was mended, and puts them in their places in its files.

The rejected records are cut out of the input into a file of their own and scored as a job of their own; then the two
pairs of files are merged, in input order. The ledger is told what the files will be before they get their final names:
whatever stops the command in between, the next one finds the merged files by their digests and publishes them.
"""

import contextlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from formats.csv.dialect import Dialect
from formats.errors import NightshiftError
from formats.files import safe
from formats.files.location import Location
from formats.rejects import codes_by, is_mendable
from graphs.words import Words
from jobs.errors import JobError
from jobs.input import open_input
from jobs.ledger import Ledger
from jobs.record import Job
from jobs.settings import Settings
from producer.outputs.litter import retry_room
from producer.outputs.partial import claim_both
from producer.outputs.proof import noted_ranges
from producer.outputs.publishing import publish
from producer.outputs.rejects import read_rejects
from producer.pipeline.merge import Merged, merge
from producer.pipeline.plan import make_plan
from producer.pipeline.reporter import Reporter
from producer.pipeline.run import Run
from producer.pipeline.submit import submit
from producer.server.connection import Connection


@dataclass(frozen=True, slots=True)
class Cut:
    """The files of the records to score again, each with the name of the input's file that it is of if the input is
    several, and the records' numbers in the input."""

    files: dict[Location, str]
    dialect: Dialect
    records: tuple[int, ...]


def retry(
    connection: Connection, job: Job, output: Path, model: Location | None, words: Words, report: Reporter
) -> bool:
    """Scores what could be mended with `model`, by default the job's own, and merges it into `output` and its rejects.
    It is fed as the job was, but for what `words` say.
    False, and both are as they were, if none was scored: another model's reasons are none of this job's. Raises
    JobError, and changes nothing, if there is no such reject, the input has changed, another command writes these
    files, or the scores don't fit."""
    ledger = connection.ledger
    parts = claim_both(output, job.life)
    if parts is None:
        raise JobError(f"another command writes {output} at this moment")
    room = retry_room(output)
    published = False
    try:
        _clear(room)
        room.mkdir(mode=safe.PRIVATE_FOLDER)
        cut = _cut_rejects(job, output, room, connection.settings)
        again = room / f"rejected.scores{output.suffix}"
        by, signer = _score(
            connection, job, cut, again, model or _own_model(ledger, job, room, connection.settings), words, report
        )
        merged = merge(job, _boundaries(ledger, job), output, again, cut.records, parts)
        if not merged.scored:
            for part, ranges in zip(parts, noted_ranges(ledger, job, ledger.progress(job.id)), strict=True):
                part.resume([part.path], ranges)
            publish(ledger, job, parts)
            return False
        if not _note(ledger, job, by, signer, merged):
            raise JobError(f"{job.id} is not as it was when the retry began")
        published = True  # by whoever comes next, if this one does not
        publish(ledger, job, parts)
        return True
    except OSError as error:
        raise NightshiftError(f"{error.filename or output}: {error.strerror}") from error
    finally:
        for part in parts:
            part.close() if published else part.discard()
        _clear(room)


def _own_model(ledger: Ledger, job: Job, folder: Path, settings: Settings) -> Path:
    """The job's model, as a file in `folder`, with its signature."""
    graph = ledger.model(job.model)
    if graph is None:
        raise JobError(f"the model of {job.id} is not on the server any more: name it with --model")
    path = folder / (Path(job.model_name).name or "model.pb")
    with safe.create(path) as file:
        file.write(graph)
    signatures = ledger.signatures(job.model)
    if signatures:
        from graphs.model_signature import beside, preferred
        from graphs.signing_keys import trusted

        signature = preferred(job.model, signatures, trusted(settings.model_keys) if settings.model_keys else {})
        if signature:
            with safe.create(beside(path)) as file:
                file.write(signature.encode())
    return path


def _score(
    connection: Connection, job: Job, cut: "Cut", scores: Path, model: Location, words: Words, report: Reporter
) -> tuple[Job, str | None]:
    """Scores the cut records to `scores`, by a job of their own, which is forgotten: no news of it are told. Returns
    that job, and who signed its model."""
    plan = make_plan(
        [*cut.files], connection.settings, model=model, id_column=job.id_column, keep=job.keep, words=words, like=job,
        errors=job.errors, threshold=job.threshold, explain=job.explained, dialect=cut.dialect,
        called=cut.files if job.files else {},
    )  # fmt: skip
    with plan.source:
        by = submit(connection, plan, 0, None, report.warn)
        run = Run(connection, by, plan.source, plan.graph.data)
        run.to_its_end(report, output=scores)
    signer = connection.ledger.progress(run.job.id).signer
    connection.ledger.removal.erase(run.job.life)
    return run.job, signer


def _clear(room: Path) -> None:
    if safe.is_ours(room):
        shutil.rmtree(room) if room.is_dir() and not room.is_symlink() else room.unlink(missing_ok=True)


def _cut_rejects(job: Job, output: Path, room: Path, settings: Settings) -> Cut:
    """Writes the records to score again to a file in `room`, or to one for each of the input's files that has such."""
    wanted = [reject.record for reject in read_rejects(output) if is_mendable(reject.code)]
    if not wanted:
        raise JobError(f"{job.id} has no rejects that scoring again could mend")
    files: dict[Location, str] = {}
    found: list[int] = []
    file: BinaryIO | None = None
    with open_input(job, settings.home, settings.max_record_bytes) as source, contextlib.ExitStack() as opened:
        ahead = iter(wanted)
        record = next(ahead, None)
        for block in source.blocks([]):
            here = []
            while record is not None and record < block.end.record:
                here.append(record)
                record = next(ahead, None)
            places = source.locate(block.start, here) if here else {}
            here = [number for number in here if number in places]  # others are still too large
            name = source.file_of(block)
            if here and (file is None or name not in files.values()):
                path = room / f"rejected{len(files)}{Path(job.input).suffix}"
                opened.close()
                file = opened.enter_context(safe.create(path))
                file.write(source.excerpt_head())
                files[path] = name
            for number in here:
                cast(BinaryIO, file).write(source.excerpt(places[number].raw))
                found.append(number)
        if not files:
            raise JobError(f"{job.id} has no rejects that scoring again could mend: they are larger than the limit")
        return Cut(files, source.excerpt_dialect, tuple(found))


def _boundaries(ledger: Ledger, job: Job) -> list[range]:
    """The records of each batch."""
    progress = ledger.progress(job.id)
    if not job.incarnation:  # format 1 has no batches that the ledger knows
        return [range(1, progress.records + 1)]
    sent = [proof.sent for proof in ledger.answers.proofs(job.life, 0, progress.batches)]
    return [range(each.first, each.first + each.records) for each in sent if each]


def _note(ledger: Ledger, job: Job, by: Job, signer: str | None, merged: Merged) -> bool:
    """Tells the ledger what the files will be."""
    codes, of_the_reader = merged.codes, codes_by("reader")
    scores, rejects = merged.sizes
    fields: dict[str, str | int] = {"output_bytes": scores, "rejects_bytes": rejects, "unread_rejects": 0}
    if by.model != job.model:
        now = {"model": by.model, "model_name": by.model_name, "records": merged.scored}
        if signer:
            now["signer"] = signer
        fields["retried"] = json.dumps([*ledger.progress(job.id).retried, now])
    return ledger.answers.retried(
        job.life,
        {code: number for code, number in codes.items() if code in of_the_reader},
        {code: number for code, number in codes.items() if code not in of_the_reader},
        fields,
        merged.written if job.incarnation else {},
    )
