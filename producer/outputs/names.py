"""The names of a scores file's columns. Those of the outputs, a record that is scored tells: a matrix has several."""

from collections import Counter
from collections.abc import Sequence
from typing import BinaryIO

from formats.errors import InputError
from formats.shown import quoted
from formats.sink import Sink
from jobs.batch import Result
from jobs.digest import Bytes
from jobs.ledger import Ledger
from jobs.progress import Progress
from jobs.record import Job
from jobs.reference import PartFile, is_part

WINDOW = 512  # batches of which the counts are asked at once


def check_names(names: Sequence[str]) -> None:
    """Raises InputError if one stands there twice: no reader could tell them apart."""
    twice = next((name for name, number in Counter(names).items() if number > 1), None)
    if twice is not None:
        raise InputError(
            f"the scores file would have two columns named {quoted(twice)}: --fetch NAME=NODE gives an output another "
            "name, and --keep names the columns to carry through"
        )


def outputs_of(job: Job, sink: Sink, file: BinaryIO) -> tuple[str, ...]:
    """Those in the header of a scores file with rejects in it."""
    names = sink.fields(next(sink.rows(file)))[1 + len(job.keep) : -1]
    return tuple(name.decode(errors="surrogateescape") for name in names)


def names_in(result: Bytes) -> tuple[str, ...]:
    """Those of a batch; none if nothing of it was scored."""
    if is_part(result):
        return tuple(name for name, _ in PartFile.decode(bytes(result)).outputs)
    found = Result.decode(bytes(result))
    return tuple(found.columns) if found.scored else ()


def names_ahead(ledger: Ledger, job: Job, progress: Progress, first: int) -> tuple[str, ...]:
    """Those of the first batch from `first` on of which anything is scored by now. If there is none, those that were
    asked for once the job is complete, and none before."""
    for start in range(first, progress.batches, WINDOW):
        proofs = ledger.answers.proofs(job.life, start, min(WINDOW, progress.batches - start))
        for batch, (_, answered, _) in enumerate(proofs, start):
            if answered and answered.scored:
                [(_, result)] = ledger.answers.results(job.life, batch, 1) or [(b"", b"")]
                return names_in(result) if result else ()
    return job.output_names if progress.state == "complete" else ()
