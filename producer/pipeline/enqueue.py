"""Enqueues a job's batches, as far as there is room: payload or reference, ledger entry and message in one step."""

import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from formats.files.location import Location, Url
from formats.packed.folder import use
from formats.source import Source
from jobs import keys
from jobs.input import manifest_of
from jobs.ledger import Ledger
from jobs.lock import Lock
from jobs.progress import Progress
from jobs.record import Job
from jobs.server import AWAY
from jobs.spool import INPUT
from producer.pipeline.batching import Batch, Way
from producer.pipeline.referring import Referring
from producer.pipeline.serving import Serving

LOCK_SECONDS = 10.0  # another producer takes over when this one has been silent for as long
BATCHES_PER_PROCESS = 3  # outstanding: one being scored, one prefetched, one in the queue,
WINDOW_BYTES = 32 << 20  # or as many as this is of input, if that is more,
REFERRED_BYTES = 512 << 20  # or this, where they are but references: the queue shows how much there is to do
MAX_WINDOW = 512  # of small ones
ROUND_TRIP_BYTES = 1 << 20  # of input, and of batches as many as those are, are enqueued together,
MOST_AT_ONCE = 4 << 20  # or of what is sent, which is more where most of it is rejects
GRANT_SECONDS = 5.0  # between two words to workers that they may read the input
AT_ONCE = 4  # round trips before somebody looks whether there is something to collect


class Enqueuer:
    """Enqueues a job's batches a few a call, as far as the window allows.

    Of several producers on the same job one enqueues, under a lock; if it falls silent another goes on where it was.
    """

    def __init__(self, ledger: Ledger, job: Job, source: Source, window: int) -> None:
        self._ledger, self._job, self._source = ledger, job, source
        self._window = window
        self._lock = Lock(ledger, keys.producer(job.life), LOCK_SECONDS)
        self._number: int | None = None
        self._place = ledger.places.of(job.by_reference)
        self._grant_due = 0.0
        self._granted = _granted(job, source)
        self._copies = _copies(job, source)
        self._way = self._choose()
        self._batches: Iterator[Batch[Any]] = iter(())
        self._mean = job.batch_bytes  # of the batches enqueued last, in bytes of input
        self.finished = False
        self.is_behind = False  # there is room for more than it enqueued in its last step

    def step(self, progress: Progress, processes: int) -> bool:
        """Enqueues the next batches, if there are any and room for them; True if the job moved on."""
        if progress.state == "running" and time.monotonic() >= self._grant_due:  # again: somebody may have tidied up
            if self._place.is_there:
                self._place.grant(self._job.life, *self._granted)
            for path in self._copies:
                use(path)
            self._grant_due = time.monotonic() + GRANT_SECONDS
        self.is_behind = False
        if self.finished or progress.sealed:
            self.finished = True
            return False
        if not self._lock.hold():
            self._number = None
            return False
        ahead = REFERRED_BYTES if self._place.is_there else WINDOW_BYTES
        small = min(MAX_WINDOW, ahead // max(1, self._mean))
        window = self._window or max(1, BATCHES_PER_PROCESS * processes, small)
        room = rest = window - progress.outstanding
        for _ in range(AT_ONCE):
            enqueued = self._next(rest)
            rest -= enqueued
            if not enqueued:
                break
        self.is_behind = rest > 0 and not self.finished
        return room > 0

    def _next(self, room: int) -> int:
        """Enqueues up to `room` batches in one round trip; how many, none if it was not this one's turn or there is
        none left."""
        if room <= 0:
            return 0
        if self._number is None:
            fresh = self._ledger.progress(self._job.id)
            if fresh.incarnation != self._job.incarnation:
                return 0  # whoever follows says so
            self._number, self._batches = fresh.batches, self._way.batches(fresh.cursor)
        number, self._number = self._number, None  # where the ledger is, should this fail half-way
        entries, size, sent = [], 0, 0
        for batch in itertools.islice(self._batches, room):
            entry = self._way.entry(batch)
            entries.append(entry)
            size += batch.size
            sent += memoryview(entry.payload).nbytes + memoryview(entry.kept).nbytes
            if size >= ROUND_TRIP_BYTES or sent >= MOST_AT_ONCE:
                break
        if not entries:
            self._seal(number)
            return 0
        self._mean = size // len(entries)
        # Another producer may have been faster, or the job has ended.
        if self._ledger.enqueue(self._job.life, number, entries) != number + len(entries):
            return 0
        self._number = number + len(entries)
        return len(entries)

    def _choose(self) -> "Way[Any]":
        """By reference where that is how the job goes, and this process can reach the place."""
        return Referring(self._source, self._job) if self._place.is_there else Serving(self._source, self._job)

    def _seal(self, batches: int) -> None:
        if not self._source.unchanged():
            self._ledger.fail(self._job.life, f"{self._job.input} changed while it was being read")
        self.finished = self._ledger.seal(self._job.life, batches)

    def close(self) -> None:
        """Lets another producer go on at once."""
        with contextlib.suppress(*AWAY):  # then the lock runs out
            self._lock.let_go()
            # What was granted at the moment in which the job ended: nobody else would take it away.
            if self._grant_due and not self._ledger.is_running(self._job.life):
                self._place.forget(self._job.life, INPUT)


def _copies(job: Job, source: Source) -> list[Path]:
    """That are read in the place of files."""
    manifest = manifest_of(job)
    read = [each.location for each in manifest.members] if manifest else [source.read_from]
    return [each for each in read if isinstance(each, Path)] if job.copy_bytes else []


def _granted(job: Job, source: Source) -> tuple[str, Location | None]:
    """What the place is told that workers may read, and where that is."""
    manifest = manifest_of(job)
    if manifest:
        return manifest.word, None
    return job.input, source.read_from if isinstance(source.read_from, Url) else source.read_from.resolve()
