"""What the jobs' timelines add up to, read incrementally: seconds by stage, and each running job's rate lately."""

import contextlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable

from jobs.errors import DamagedError
from jobs.ledger import Ledger
from jobs.timeline import Finish

BUCKETS = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600)  # seconds, and +Inf
RATE_SECONDS = 300.0  # the rate is that of the last five minutes, or of the job's life
READ = 10_000  # entries fetched at once
MOST = 100_000  # entries read at a scrape: what is left is read at the next


class Stage:
    """The histogram of one stage's seconds. It only grows, as a Prometheus histogram must: what a forgotten job took
    stays in it."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(BUCKETS, seconds)] += 1  # a bucket includes its bound
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound and how many took at most that."""
        found, seen = [], 0
        for bound, count in zip((*BUCKETS, float("inf")), self._counts, strict=True):
            seen += count
            found.append(("+Inf" if bound == float("inf") else str(float(bound)), float(seen)))
        return found


class Batches:
    """Where the reading of each job's timeline is, and what came of it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.stages: dict[str, Stage] = {}
        self._read: dict[tuple[str, float], int] = {}  # job and time of creation: one that failed may begin again
        self._recent: dict[tuple[str, float], deque[tuple[float, int]]] = {}

    def update(self, jobs: Iterable[tuple[str, float]], now: float) -> None:
        """Reads what is new of `jobs` (id, time of creation), and forgets the others."""
        jobs = list(jobs)
        for known in self._read.keys() - set(jobs):
            del self._read[known], self._recent[known]
        left = MOST
        for job in jobs:
            recent = self._recent.setdefault(job, deque())
            first = self._read.setdefault(job, 0)
            with contextlib.suppress(DamagedError):  # the others' are told
                while left > 0 and (entries := self.ledger.timeline(job[0], first, min(READ, left))):
                    first += len(entries)
                    left -= len(entries)
                    self._add(entries, recent, now)
            self._read[job] = first
            while recent and recent[0][0] < now - RATE_SECONDS:
                recent.popleft()

    def _add(self, entries: Iterable[Finish], recent: deque[tuple[float, int]], now: float) -> None:
        for entry in entries:
            if entry.at >= now - RATE_SECONDS:
                recent.append((entry.at, entry.scored + entry.rejected))
            for stage, seconds in entry.work.seconds.items():
                self.stages.setdefault(stage, Stage()).add(seconds)

    def rate(self, job: tuple[str, float], started: float | None, now: float) -> float:
        """Records that workers answered per second lately; 0 if there were none."""
        recent = self._recent.get(job)
        if not recent or started is None:
            return 0.0
        return sum(records for _, records in recent) / max(1e-3, min(RATE_SECONDS, now - started))
