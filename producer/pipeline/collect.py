"""Writes the scores file and the rejects file as batches complete, in input order, holding only a window.

What is safely in the files is freed on the server; how far they are good, and the digest of every batch's lines, is
noted there in the same step, so whoever collects next goes on at that byte. They get their final names when they are
whole, with the receipt that proves them.
"""

import contextlib
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from formats.csv.rejects import reject_header, reject_rows
from formats.errors import NightshiftError
from formats.registry import sink_of
from formats.rejects import Reject
from formats.source import Source
from jobs import digest, keys
from jobs.answers import HEADER
from jobs.batch import Kept, Result, decode_answer
from jobs.digest import Bytes
from jobs.digest import Part as Range
from jobs.error_rows import ERROR, widened
from jobs.errors import JobError, LostError
from jobs.ledger import Ledger
from jobs.lock import Lock
from jobs.progress import Progress
from jobs.proof import Written
from jobs.record import Job
from jobs.reference import PartFile, is_part
from jobs.rows import all_rejects, score_columns
from jobs.server import AWAY
from producer.outputs.document import check_neighbour
from producer.outputs.first_rejects import rejects_in
from producer.outputs.litter import sweep
from producer.outputs.names import check_names, names_ahead, names_in, outputs_of
from producer.outputs.part_lines import copy_part
from producer.outputs.partial import Partial, claim_both
from producer.outputs.paths import final, rejects_path
from producer.outputs.proof import noted_output, noted_ranges
from producer.outputs.publishing import already_there, publish
from producer.outputs.raw import RawText

LOCK_SECONDS = 15.0
CHECKPOINT_SECONDS = 5.0
WINDOW_BYTES = 16 << 20  # of input whose batches are fetched at once,
MAX_WINDOW = 64  # of small ones
PARTS_WINDOW = 32  # batches; the server has but their names
EMPTY = digest.part(b"")


class Collector:
    """Collects a job into `output`, one call at a time. Of several collectors one writes, under a lock."""

    def __init__(self, ledger: Ledger, job: Job, output: Path, source: Source | None) -> None:
        self._ledger, self._job = ledger, job
        self._place = ledger.places.of(job.by_reference)
        self._output = final(output)
        self._sink = sink_of(output)
        self._raw, self._has_input = RawText(source), source is not None
        self._lock = Lock(ledger, keys.collector(job.life), LOCK_SECONDS)
        self._files: tuple[Partial, Partial] | None = None
        # Batches that are whole in the files, and the bytes of both up to there. Set in one step, so that whatever
        # breaks in the middle of a batch (Ctrl-C, a full disk) leaves them right.
        self._written = (0, 0, 0)
        self._window = max(1, min(MAX_WINDOW, WINDOW_BYTES // job.batch_bytes))
        if job.by_reference:
            self._window = PARTS_WINDOW
        self._safe = 0  # batches that the server knows to be there...
        self._noted = False  # ...or may know: its answer may be lost
        self._header = Written(EMPTY, EMPTY)
        self._outputs: tuple[str, ...] = ()  # their names, once the header is written
        self._lines: dict[int | str, Written] = {}  # of the batches that the server does not know to be there
        self._parts: dict[int, str] = {}  # those of them that are parts
        self._checkpoint_due = 0.0
        self.finished = False
        self.taken_from: Path | None = None  # where another command had collected what is in them
        self.left_alone = False  # the files were there already, as the job wrote them

    @property
    def collected(self) -> int:
        """Batches that are whole in the files; 0 while they are not open."""
        return self._written[0] if self._files else 0

    def first_rejects(self, count: int) -> list[Reject]:
        """Of the rejects in the files so far, `count` at most; none while they are not open. Raises NightshiftError."""
        return rejects_in(self._files[1], count) if self._files else []

    def step(self, progress: Progress) -> bool:
        """Writes what is complete; True if the files grew or are finished. Raises LostError if what was collected
        before is nowhere to be found, JobError if another job writes the same files, NightshiftError if they can't be
        written."""
        if self.finished:
            return False
        try:
            return self._step(progress)
        except OSError as error:
            raise NightshiftError(f"{error.filename or self._output}: {error.strerror}") from error

    def _step(self, progress: Progress) -> bool:
        if not self._lock.hold():
            self._drop()
            return False
        if self._files and progress.collected != self._safe:
            self._drop()  # somebody else collected while the lock was not ours
        if self._files is None:
            progress = self._ledger.progress(self._job.id)
            unread = progress.unread_rejects
            if unread and self._has_input:
                raise LostError(f"{unread:,} rejects of {self._job.id} were collected while its input was away")
            self._raw.unread = unread
            if already_there(self._ledger, self._job, self._output, progress):
                self.finished = self.left_alone = True
                return True
            if not self._open(progress):
                return False
        first = self._written[0]
        wanted = min(self._window, max(0, progress.done - first))
        pairs = self._ledger.answers.results(self._job.life, first, wanted)
        if progress.state == "complete" and wanted and not pairs:
            raise LostError(f"batch {first} of {self._job.id} is not on the server any more")
        for kept, result in pairs:
            if not self._learn_outputs(result, progress):
                break
            if is_part(result):
                self._write_part(PartFile.decode(result))
            else:
                self._write(*decode_answer(self._job, kept, result))
        whole = progress.state == "complete" and self._written[0] == progress.batches
        if whole and not self._header.scores.size:  # nothing was scored: it names what was asked for
            self._write_header(self._job.output_names)
        if whole or time.monotonic() > self._checkpoint_due:
            self._checkpoint()
        if whole:
            self._publish()
        return self._written[0] > first or whole

    def _learn_outputs(self, result: bytes, progress: Progress) -> bool:
        """Where rejects have rows too: whether the outputs' names are known, by this batch or by one behind it."""
        if not self._job.errors or self._outputs:
            return True
        if names := names_in(result) or names_ahead(self._ledger, self._job, progress, self._written[0]):
            self._write_header(names)
        return bool(names)

    def _write(self, kept: Kept, result: Result) -> None:
        assert self._files  # noqa: S101 -- opened by `_step`
        scores, rejects = (part.file for part in self._files)
        lines: Bytes = b""
        rejected = b""
        if result.scored:
            self._write_header(result.columns)
        columns = score_columns(self._job, kept, result, self._outputs)
        if columns:
            lines = self._sink.encode(columns)
            scores.write(lines)
        found = all_rejects(self._job, kept, result, partial(self._raw.locate, kept.position))
        if found:
            rejected = reject_rows(found, self._job.placed)
            rejects.write(rejected)
        self._lines[self._written[0]] = Written(
            digest.part(lines), digest.part(rejected), result.scored, digest.head(lines)
        )
        self._written = self._written[0] + 1, scores.tell(), rejects.tell()

    def _write_part(self, part: PartFile) -> None:
        """What a worker has written. Raises LostError unless it is that."""
        assert self._files  # noqa: S101 -- opened by `_step`
        scores, rejects = (each.file for each in self._files)
        if part.outputs:
            self._write_header(name for name, _ in part.outputs)
        with self._place.open_part(self._job.life, part.name) as file:
            self._lines[self._written[0]] = copy_part(
                part,
                file,
                (scores, rejects),
                partial(widened, self._sink, self._job, outputs=self._outputs),
                self._job.placed,
            )
        self._parts[self._written[0]] = part.name
        self._written = self._written[0] + 1, scores.tell(), rejects.tell()

    def _write_header(self, outputs: Iterable[str]) -> None:
        """Of the scores file, once: the outputs' names are known when something is scored. Raises JobError if another
        batch had other ones, as a matrix may whose width the graph does not know, InputError for a name that a column
        has already."""
        assert self._files  # noqa: S101 -- opened by `_step`
        scores = self._files[0].file
        self._outputs = tuple(outputs)
        names = [self._job.id_name, *self._job.keep, *self._outputs, *([ERROR] if self._job.errors else [])]
        line = self._sink.header(names)
        if self._header.scores.size:
            if self._header.scores not in (digest.part(line), Range(len(line), "")):
                raise JobError(
                    f"{self._job.id}: batch {self._written[0]} has other columns than those before it, as the width of "
                    "an output is free: --fetch NODE[i] takes one column"
                )
            return
        check_names(names)  # how many columns a matrix has, its first row tells
        scores.write(line)
        self._header = self._lines[HEADER] = self._header._replace(scores=digest.part(line))
        self._written = self._written[0], scores.tell(), self._written[2]

    def _open(self, progress: Progress) -> bool:
        """Opens the files where they are good up to; False if another process has them open."""
        check_neighbour(self._output)
        files = claim_both(self._output, self._job.life)
        if files is None:
            return False
        self._lines, self._parts, self._outputs = {}, {}, ()
        self._safe, self._noted = progress.collected, progress.collected > 0
        try:
            ranges = noted_ranges(self._ledger, self._job, progress)
            for part, parts, sources in zip(files, ranges, self._sources(progress), strict=True):
                source = part.resume(sources, parts)
                if source and source != part.path:
                    self.taken_from = self.taken_from or source
        except BaseException as error:
            for part in files:
                part.discard() if isinstance(error, LostError) else part.close()
            raise
        scores, rejects = (part.file for part in files)
        if progress.collected:
            self._header = self._ledger.answers.header(self._job.life) or self._header_of_format_1(progress)
        else:
            line = reject_header(self._job.placed)
            rejects.write(line)
            self._header = self._lines[HEADER] = Written(EMPTY, digest.part(line))
        if self._job.errors and self._header.scores.size:
            with files[0].partial.open("rb") as file:
                self._outputs = outputs_of(self._job, self._sink, file)
        self._written = progress.collected, scores.tell(), rejects.tell()
        self._files = files
        self._checkpoint_due = time.monotonic() + CHECKPOINT_SECONDS
        return True

    def _sources(self, progress: Progress) -> tuple[list[Path], list[Path]]:
        """Where what was collected may be, of both files: here, or where the job was collected to last."""
        outputs = dict.fromkeys(path for path in (self._output, noted_output(progress)) if path)
        pairs = [(Partial(path, self._job.life), Partial(rejects_path(path), self._job.life)) for path in outputs]
        scores, rejects = (
            [
                path
                for pair in pairs
                for path in (pair[index].partial, pair[index].path)
                # Without digests a job of format 1 would take any file of that size which the server names.
                if self._job.incarnation or path in (pair[index].partial, self._output, rejects_path(self._output))
            ]
            for index in (0, 1)
        )
        return scores, rejects

    def _header_of_format_1(self, progress: Progress) -> Written:
        return Written(Range(progress.output_bytes, ""), EMPTY)

    def _checkpoint(self) -> None:
        assert self._files  # noqa: S101 -- opened by `_step`
        for part in self._files:
            part.flush()
        end, scores, rejects = self._written
        fields: dict[str, str | int] = {"output": str(self._output), "output_bytes": scores, "rejects_bytes": rejects}
        if self._raw.unread:
            fields["unread_rejects"] = self._raw.unread
        self._noted = True
        batches = range(self._safe, end)
        if self._ledger.answers.collected(self._job.life, self._lock.token, batches, fields, self._lines):
            self._safe = end
            self._lines = {}
            collected = [name for batch, name in self._parts.items() if batch in batches]
            self._place.drop_parts(self._job.life, collected)
            self._parts = {}
        else:
            self._drop()
        self._checkpoint_due = time.monotonic() + CHECKPOINT_SECONDS

    def _publish(self) -> None:
        if self._files is None:  # somebody else collects now
            return
        publish(self._ledger, self._job, self._files)
        self._files = None
        self.finished = True
        self._ledger.answers.sweep_spool(self._job.life)

    def _drop(self) -> None:
        if self._files:
            for part in self._files:
                part.close()
            self._files = None

    def discard(self) -> None:
        """The job has failed or was stopped: what was collected of it, here or by a command that was killed, is of no
        use, nor is what others left here that nobody needs."""
        if self._files is None:
            with contextlib.suppress(OSError, JobError):  # another job writes there, or the folder is gone
                self._files = claim_both(self._output, self._job.life)
        if self._files:
            for part in self._files:
                part.discard()
            self._files = None
        sweep(self._ledger, self._job, self._output)

    def close(self) -> None:
        """Makes what was written safe, if that is possible, and lets another collector go on at once."""
        with contextlib.suppress(OSError, *AWAY):
            if self._files and self._written[0] > self._safe:
                self._checkpoint()
        if self._files and not self._noted:  # nothing in them that the server has not
            self.discard()
        self._drop()
        with contextlib.suppress(*AWAY):  # then the lock runs out
            self._lock.let_go()
