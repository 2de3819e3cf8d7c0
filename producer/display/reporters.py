"""How far a job is, on stderr: a bar with rate and time left on a terminal, plain lines elsewhere, or lines of JSON."""

import logging
import sys
import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from formats.harmless import shown
from jobs import logs
from jobs.progress import Progress as Counts
from jobs.record import Job
from producer.display.terminal import Terminal
from producer.outlook.forecast import Forecast, clock
from producer.pipeline.reporter import Reporter

log = logging.getLogger(__name__)

LINE_SECONDS = 5.0


class Bar:
    """For a terminal."""

    def __init__(self, job: Job) -> None:
        self._forecast = Forecast(job)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%  {task.fields[detail]}", markup=False),
            console=Terminal(stderr=True),
            transient=True,
        )
        self._task: TaskID = self._bar.add_task(shown(job.id), total=None, detail="waiting for workers")

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
        pace = f"{forecast.rate:,.0f}/s  {clock(forecast.left)} left" if forecast.rate else "waiting for workers"
        self._bar.update(self._task, total=forecast.total or None, completed=forecast.answered, detail=f"{far}  {pace}")

    def say(self, text: str) -> None:
        self._bar.console.print(text, highlight=False)

    warn = say


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
        pace = f"{forecast.rate:,.0f}/s, {clock(forecast.left)} left" if forecast.rate else "waiting for workers"
        self._progress(f"{self._job.id}: {far}, {pace}")

    def _progress(self, text: str) -> None:
        self.say(text)

    def say(self, text: str) -> None:
        self.warn(text)

    def warn(self, text: str) -> None:
        print_error(text)


class Records(Lines):
    """For --log-format json."""

    def _progress(self, text: str) -> None:
        forecast = self._forecast
        left = None if forecast.left is None else round(forecast.left, 1)
        fields = {
            "answered": forecast.answered,
            "total": forecast.total,
            "rate": round(forecast.rate, 1),
            "seconds_left": left,
        }
        log.info("%s", text, extra={"job": self._job.id, "fields": fields})

    def warn(self, text: str) -> None:
        log.warning("%s", text, extra={"job": self._job.id})


class Silence(Lines):
    """For --quiet, and for the Python API: only that it waits is said, lest it seem to hang."""

    def update(self, counts: Counts) -> None:
        pass

    def say(self, text: str) -> None:
        pass


def print_error(text: str) -> None:
    print(shown(text), file=sys.stderr, flush=True)


def reporter(job: Job, quiet: bool) -> Reporter:
    if quiet:
        return Silence(job)
    if logs.as_json():
        return Records(job)
    return Bar(job) if sys.stderr.isatty() else Lines(job)


def _about(counts: Counts) -> str:
    return "" if counts.sealed else "about "
