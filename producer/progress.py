"""How far a job is, for people, on stderr: a bar with rate and time left on a terminal, plain lines elsewhere."""

import sys
import time
from collections import deque
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from jobs.ledger import Progress as Counts
from jobs.record import Job

LINE_SECONDS = 5.0
RATE_SECONDS = 10.0  # the rate is that of the last ten seconds


class Reporter(Protocol):
    """Is told of the job's counters, some times a second."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def update(self, counts: Counts) -> None: ...
    def say(self, text: str) -> None: ...


class Forecast:
    """Rate and time left, from the counters so far."""

    def __init__(self, job: Job) -> None:
        self._size = job.size
        self._seen: deque[tuple[float, int]] = deque()
        self.answered = 0  # records scored or rejected
        self.total = 0  # records in the whole file: an estimate by its bytes until it is read to the end
        self.rate = 0.0  # records a second
        self.left: float | None = None  # seconds

    def update(self, counts: Counts) -> None:
        now = time.monotonic()
        answered = counts.scored + counts.score_rejects  # by workers: reading alone is no progress
        self.answered = answered + counts.read_rejects
        offset = counts.cursor["offset"]
        estimate = counts.records if counts.sealed or not offset else counts.records * self._size // offset
        self.total = max(counts.records, estimate)
        if not answered:
            self._seen.clear()  # the wait for the first worker is no part of the rate
        self._seen.append((now, answered))
        while now - self._seen[0][0] > RATE_SECONDS:
            self._seen.popleft()
        began, before = self._seen[0]
        self.rate = (answered - before) / (now - began) if now > began else 0.0
        self.left = (self.total - self.answered) / self.rate if self.rate else None


class Bar:
    """For a terminal."""

    def __init__(self, job: Job) -> None:
        self._forecast = Forecast(job)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%  {task.fields[detail]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID = self._bar.add_task(job.id, total=None, detail="waiting for workers")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, counts: Counts) -> None:
        forecast = self._forecast
        forecast.update(counts)
        far = f"{forecast.answered:,} of {_about(counts)}{forecast.total:,}"
        pace = f"{forecast.rate:,.0f}/s  {_clock(forecast.left)} left" if forecast.rate else "waiting for workers"
        self._bar.update(self._task, total=forecast.total or None, completed=forecast.answered, detail=f"{far}  {pace}")

    def say(self, text: str) -> None:
        self._bar.console.print(text, highlight=False)


class Lines:
    """For logs and pipes: a line every few seconds."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._forecast = Forecast(job)
        self._due = time.monotonic() + LINE_SECONDS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def update(self, counts: Counts) -> None:
        forecast = self._forecast
        forecast.update(counts)
        if time.monotonic() < self._due or counts.state != "running":
            return
        self._due = time.monotonic() + LINE_SECONDS
        far = f"{forecast.answered:,} of {_about(counts)}{forecast.total:,} records"
        pace = f"{forecast.rate:,.0f}/s, {_clock(forecast.left)} left" if forecast.rate else "waiting for workers"
        self.say(f"{self._job.id}: {far}, {pace}")

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Silence(Lines):
    """For --quiet, and for the Python API."""

    def update(self, counts: Counts) -> None:
        pass

    def say(self, text: str) -> None:
        pass


def reporter(job: Job, quiet: bool) -> Reporter:
    if quiet:
        return Silence(job)
    return Bar(job) if sys.stderr.isatty() else Lines(job)


def _about(counts: Counts) -> str:
    return "" if counts.sealed else "about "


def _clock(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
