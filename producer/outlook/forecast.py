"""How fast a job is, how much of it is left, and when it will be finished, from its counters."""

import time
from collections import deque

from jobs.progress import Progress
from jobs.record import Job

RATE_SECONDS = 10.0  # the rate is that of the last ten seconds


class Forecast:
    """Rate and time left, from the counters so far. `window`: the seconds over which the rate is taken."""

    def __init__(self, job: Job, window: float = RATE_SECONDS) -> None:
        self._size, self._limit = job.read_bytes, job.limit
        self._window = window
        self._seen: deque[tuple[float, int]] = deque()
        self.answered = 0  # records scored or rejected
        self.total = 0  # records in the whole file: an estimate by its bytes until it is read to the end
        self.rate = 0.0  # records a second
        self.left: float | None = None  # seconds; None: no telling
        self.evidence = 0.0  # seconds that the rate was taken over

    def update(self, counts: Progress) -> None:
        now = time.monotonic()
        answered = counts.scored + counts.score_rejects  # by workers: reading alone is no progress
        self.answered = answered + counts.read_rejects
        offset = counts.cursor["offset"]
        estimate = counts.records if counts.sealed or not offset else counts.records * self._size // offset
        self.total = max(counts.records, min(estimate, self._limit) if self._limit else estimate)
        if not answered:
            self._seen.clear()  # the wait for the first worker is no part of the rate
        self._seen.append((now, answered))
        while now - self._seen[0][0] > self._window:
            self._seen.popleft()
        began, before = self._seen[0]
        self.evidence = now - began if answered else 0.0
        self.rate = (answered - before) / (now - began) if now > began else 0.0
        self.left = (self.total - self.answered) / self.rate if self.rate else None


def clock(seconds: float | None) -> str:
    """Seconds as 1:02:03 or 2:03, ? for None."""
    if seconds is None:
        return "?"
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
