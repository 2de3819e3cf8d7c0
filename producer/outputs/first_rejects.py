"""The first rejects of a job that still runs, wherever they are: on the server, in parts, in the input."""

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from itertools import islice

from formats.csv.rejects import decode_rejects
from formats.errors import NightshiftError
from formats.rejects import Reject
from formats.source import Source
from jobs.batch import Kept, decode_answer
from jobs.ledger import Ledger
from jobs.record import Job
from jobs.reference import PartFile, Reference, is_part, is_reference
from jobs.rows import all_rejects
from producer.outputs.files import read
from producer.outputs.partial import Partial
from producer.outputs.raw import RawText

WINDOW = 512  # batches of which the counts are asked at once


def first_rejects(ledger: Ledger, job: Job, source: Source | None, batches: range, count: int) -> list[Reject]:
    """Up to `count` of those that are known in `batches`, in record order. Without `source`, the input, fewer are: not
    those that a splitter found and no worker has written yet. What can't be read is left out: they are examples."""
    found: list[Reject] = []
    for batch in _with_rejects(ledger, job, batches):
        try:
            found += islice(_of_batch(ledger, job, source, batch), count - len(found))
        except (NightshiftError, OSError):
            continue
        if len(found) == count:
            break
    return found


def rejects_in(part: Partial, count: int) -> list[Reject]:
    """The first `count` of a rejects file that is being written. Raises NightshiftError if it can't be."""
    try:
        part.file.flush()
        with part.partial.open("rb") as file:
            file.readline()  # the header
            return list(islice(decode_rejects(file), count))
    except OSError as error:
        raise NightshiftError(f"{error.filename or part.path}: {error.strerror}") from error


def _with_rejects(ledger: Ledger, job: Job, batches: range) -> Iterator[int]:
    """Those of them that have any, by what the ledger has noted."""
    for first in range(batches.start, batches.stop, WINDOW):
        proofs = ledger.answers.proofs(job.life, first, min(WINDOW, batches.stop - first))
        for batch, (sent, answered, _) in enumerate(proofs, first):
            if (sent and sent.rejected) or (answered and answered.rejected):
                yield batch


def _of_batch(ledger: Ledger, job: Job, source: Source | None, batch: int) -> list[Reject]:
    pairs = ledger.answers.results(job.life, batch, 1)
    if not pairs:
        return _of_reader(ledger, job, source, batch)
    [(kept, result)] = pairs
    if is_part(result):
        lines = PartFile.decode(result).written
        with ledger.places.of(job.by_reference).open_part(job.life, PartFile.decode(result).name) as file:
            file.seek(lines.scores.size)
            return list(decode_rejects(BytesIO(read(file, lines.rejects.size))))
    batch_kept, answer = decode_answer(job, kept, result)
    return all_rejects(job, batch_kept, answer, partial(RawText(source).locate, batch_kept.position))


def _of_reader(ledger: Ledger, job: Job, source: Source | None, batch: int) -> list[Reject]:
    """Of a batch that no worker has answered for."""
    payload, kept = ledger.answers.given(job.life, batch)
    if kept is not None:
        return list(Kept.decode(kept).rejects)
    if payload is None or not is_reference(payload) or source is None:
        return []
    reference = Reference.decode(payload)
    rejects = (each for found in reference.ranges if found.broken for each in source.read(found, []).rejects)
    return [each for each in rejects if reference.first <= each.record < reference.end]
