"""Writes the scores file and the rejects file as batches complete, in input order, holding only a window.

What is safely in the files is freed on the server; how far they are good is noted there in the same step, so whoever
collects next goes on at that byte. They get their final names when they are whole.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from jobs import keys
from jobs.batch import Kept, Reject, Result
from jobs.errors import JobError, NightshiftError
from jobs.ledger import Ledger
from jobs.lock import Lock
from jobs.progress import Progress
from jobs.record import Job
from jobs.server import AWAY
from producer.lines import format_columns, format_rows
from producer.reader import Position, Reader

LOCK_SECONDS = 15.0
CHECKPOINT_SECONDS = 5.0
WINDOW_BYTES = 16 << 20  # of input whose batches are fetched at once,
MAX_WINDOW = 64  # of small ones
REJECT_COLUMNS = ("record", "line", "code", "detail", "raw")


def rejects_path(output: Path) -> Path:
    """Beside the scores file: out.csv has out.rejects.csv."""
    return output.with_name(f"{output.stem}.rejects.csv")


def reject_rows(rejects: Iterable[Reject]) -> bytes:
    """As they stand in the rejects file; a line that is not known is empty."""
    return format_rows([r.record, r.line or "", r.code, r.detail, r.raw] for r in rejects)


class Rows:
    """From a batch's kept columns and result to its rows in the two files."""

    def __init__(self, job: Job, reader: Reader | None) -> None:
        self._job = job
        self._reader = (
            reader  # None: the input is gone or changed, and no raw text can be had of what a worker rejected
        )

    def scores(self, kept: Kept, result: Result) -> list[pa.Array]:
        """The scores file's columns: id, kept columns, outputs; one row a scored record."""
        numbers = kept.record_numbers()
        columns = list(kept.columns) if self._job.id_column else [pa.array(numbers), *kept.columns]
        if result.rejects:
            scored = pa.array(np.delete(np.arange(kept.rows), [reject.row for reject in result.rejects]))
            columns = [column.take(scored) for column in columns]
        return [*columns, *result.columns.values()]

    def rejects(self, kept: Kept, result: Result) -> list[Reject]:
        """All rejects of the batch, in record order."""
        found = list(kept.rejects)
        if result.rejects:
            numbers = kept.record_numbers()
            wanted = [int(numbers[reject.row]) for reject in result.rejects]
            places = self._reader.locate(Position(*kept.position), wanted) if self._reader else {}
            for record, reject in zip(wanted, result.rejects, strict=True):
                line, raw = places.get(record, (0, b""))
                found.append(Reject(record, line, reject.code, reject.detail, raw))
            found.sort(key=lambda reject: reject.record)
        return found


class Collector:
    """Collects a job into `output`, one call at a time. Of several collectors one writes, under a lock."""

    def __init__(self, ledger: Ledger, job: Job, output: Path, reader: Reader | None) -> None:
        self._ledger, self._job = ledger, job
        self._output = output.resolve()
        self._rows = Rows(job, reader)
        self._lock = Lock(ledger, f"{keys.job(job.id)}:collector", LOCK_SECONDS)
        self._files: tuple[_Part, _Part] | None = None
        # Batches that are whole in the files, and the bytes of both up to there. Set in one step, so that whatever
        # breaks in the middle of a batch (Ctrl-C, a full disk) leaves them right.
        self._written = (0, 0, 0)
        self._window = max(1, min(MAX_WINDOW, WINDOW_BYTES // job.batch_bytes))
        self._safe = 0  # batches that the server knows to be there...
        self._noted = False  # ...or may know: its answer may be lost
        self._header = False
        self._checkpoint_due = 0.0
        self.finished = False

    def step(self, progress: Progress) -> bool:
        """Writes what is complete; True if the files grew or are finished. Raises JobError if what was collected
        before is nowhere to be found, NightshiftError if the files can't be written."""
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
            if self._already_there(progress):
                self.finished = True
                return True
            if not self._open(progress):
                return False
        assert self._files  # noqa: S101 -- just opened
        first = self._written[0]
        pairs = self._ledger.results(self._job.id, first, min(self._window, max(0, progress.batches - first)))
        for kept_bytes, result_bytes in pairs:
            self._write(Kept.decode(kept_bytes), Result.decode(result_bytes))
        whole = progress.state == "complete" and self._written[0] == progress.batches
        if whole or time.monotonic() > self._checkpoint_due:
            self._checkpoint()
        if whole:
            self._publish()
        return bool(pairs) or whole

    def _write(self, kept: Kept, result: Result) -> None:
        assert self._files  # noqa: S101
        scores, rejects = self._files
        columns = self._rows.scores(kept, result)
        if result.scored:
            if not self._header:
                outputs = list(result.columns)
                scores.file.write(format_rows([[self._job.id_name, *self._job.keep, *outputs]]))
                self._header = True
            scores.file.write(format_columns(columns))
        found = self._rows.rejects(kept, result)
        if found:
            rejects.file.write(reject_rows(found))
        self._written = self._written[0] + 1, scores.file.tell(), rejects.file.tell()

    def _open(self, progress: Progress) -> bool:
        """Opens the files where they are good up to; False if another process has them open."""
        scores, rejects = _Part(self._output, self._job), _Part(rejects_path(self._output), self._job)
        if not (scores.claim() and rejects.claim()):
            scores.close()
            rejects.close()
            return False
        self._safe, self._noted = progress.collected, progress.collected > 0
        if progress.collected:
            source = Path(progress.fields["output"])
            sizes = int(progress.fields["output_bytes"]), int(progress.fields["rejects_bytes"])
            for part, origin, size in zip((scores, rejects), (source, rejects_path(source)), sizes, strict=True):
                part.resume(_Part(origin, self._job), size)
            self._header = sizes[0] > 0
        else:
            scores.restart()
            rejects.restart()
            rejects.file.write(format_rows([REJECT_COLUMNS]))
            self._header = False
        self._written = progress.collected, scores.file.tell(), rejects.file.tell()
        self._files = scores, rejects
        self._checkpoint_due = time.monotonic() + CHECKPOINT_SECONDS
        return True

    def _checkpoint(self) -> None:
        assert self._files  # noqa: S101
        for part in self._files:
            part.file.flush()
            os.fsync(part.file.fileno())
        end, scores, rejects = self._written
        fields: dict[str, str | int] = {"output": str(self._output), "output_bytes": scores, "rejects_bytes": rejects}
        self._noted = True
        if self._ledger.collected(self._job.id, self._lock.token, self._safe, end, fields):
            self._safe = end
        else:
            self._drop()
        self._checkpoint_due = time.monotonic() + CHECKPOINT_SECONDS

    def _publish(self) -> None:
        if self._files is None:  # somebody else collects now
            return
        scores, rejects = self._files
        if not self._header:  # nothing was scored: the header names what was asked for
            scores.file.write(format_rows([[self._job.id_name, *self._job.keep, *self._job.fetches]]))
            self._header = True
            self._written = self._written[0], scores.file.tell(), rejects.file.tell()
            self._checkpoint()
        for part in (rejects, scores):  # the scores file appears last: when it is there, all is there
            part.publish()
        self._files = None
        self.finished = True
        self._ledger.sweep_spool(self._job.id)

    def _already_there(self, progress: Progress) -> bool:
        """Whether this very output was finished before."""
        if progress.state != "complete" or progress.collected < progress.batches or "output" not in progress.fields:
            return False
        size = int(progress.fields["output_bytes"])
        return Path(progress.fields["output"]) == self._output and _size(self._output) == size

    def _drop(self) -> None:
        if self._files:
            for part in self._files:
                part.close()
            self._files = None

    def discard(self) -> None:
        """The job has failed: what was collected of it is of no use."""
        if self._files:
            for part in self._files:
                part.partial.unlink(missing_ok=True)
            self._drop()

    def close(self) -> None:
        """Makes what was written safe, if that is possible, and lets another collector go on at once."""
        with contextlib.suppress(OSError, *AWAY):
            if self._files and self._written[0] > self._safe:
                self._checkpoint()
        if self._files and not self._noted:  # nothing in them that the server has not
            for part in self._files:
                part.partial.unlink(missing_ok=True)
        self._drop()
        with contextlib.suppress(*AWAY):  # then the lock runs out
            self._lock.let_go()


class _Part:
    """A file on its way: beside its final name, with the job's id in its own, until it is whole."""

    def __init__(self, path: Path, job: Job) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.name}.{job.id.rpartition('-')[2]}.partial")
        self.file: BinaryIO

    def claim(self) -> bool:
        """Opens it, for this process alone: a stalled collector that wakes up late must not write into it."""
        self.file = Path.open(self.partial, "a+b")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def restart(self) -> None:
        self.file.truncate(0)
        self.file.seek(0)

    def resume(self, origin: "_Part", size: int) -> None:
        """Goes on behind the first `size` bytes, which are here or have to be copied from where they were collected."""
        if _size(self.partial) < size or origin.path != self.path:
            source = next((path for path in (origin.partial, origin.path) if _size(path) >= size), None)
            if source is None:
                raise JobError(
                    f"part of the scores was collected to {origin.path}, which is not there any more; "
                    "--again scores the file anew"
                )
            with source.open("rb") as whole:
                self.file.truncate(0)
                shutil.copyfileobj(whole, self.file, 1 << 20)
        self.file.truncate(size)
        self.file.seek(size)

    def publish(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.partial.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self.file.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # a full disk; what counts was synced before
            self.file.close()


def _size(path: Path) -> int:
    """In bytes; -1 if it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
