"""All jobs at a glance, again and again: what `producer status --watch` shows. Those that run, and those that ended
lately; how fast, how long still, by when wanted, and who works.

A table on a terminal, else a line for each job that changed, or that line as JSON. It only looks: it interrupts,
follows and collects nothing, and goes on when all jobs have ended, for the next.
"""

import json
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from rich.live import Live
from rich.table import Table
from rich.text import Text

from formats.harmless import shown
from jobs.errors import JobError
from jobs.identity import Worker
from jobs.ledger import Ledger
from jobs.presence import ALIVE_SECONDS
from jobs.server import AWAY
from producer.display.terminal import Terminal
from producer.outlook.deadline import DeadlineWatch
from producer.outlook.forecast import Forecast, clock
from producer.outputs.receipt import Receipt, make_receipt
from producer.server.connection import Connection

LOOK_SECONDS = 1.0
LINE_SECONDS = 5.0  # between two lines on a job whose state is the same
LATELY_SECONDS = 15 * 60.0  # a job that ended before is shown no more
COLORS = {"complete": "green", "failed": "red", "cancelled": "yellow", "stopped": "red"}


@dataclass(frozen=True, slots=True)
class Row:
    """A job at one moment."""

    receipt: Receipt
    answered: int  # records scored or rejected
    total: int  # records in all: an estimate until the input is read to its end
    sealed: bool  # it was
    rate: float  # records a second; of a job that ended, its average
    left: float | None  # seconds
    finish: float | None  # seconds since the epoch: when it will be finished, or was
    late: bool  # it missed its deadline, or will

    def to_dict(self) -> dict[str, Any]:
        """The receipt, and what is foreseen."""
        return {
            **self.receipt.to_dict(),
            "answered": self.answered,
            "total": self.total,
            "rate": round(self.rate, 1),
            "seconds_left": None if self.left is None else round(self.left, 1),
            "finish": None if self.finish is None else round(self.finish, 3),
            "late": self.late if self.receipt.deadline is not None else None,
        }


class View(NamedTuple):
    """What is to be seen at one moment."""

    workers: int
    processes: int
    rows: list[Row]


class Watcher:
    """Looks at the ledger, and remembers what rates need."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._forecasts: dict[str, tuple[Forecast, DeadlineWatch]] = {}
        self._late: set[str] = set()
        self._past: set[str] = set()  # ended long ago: not asked for again

    def look(self) -> View:
        """The jobs that run, oldest first, then those that ended lately, the last first."""
        alive = [worker for worker, ago in self._ledger.presence.workers().items() if ago <= ALIVE_SECONDS]
        processes = sum(Worker.parse(worker).processes for worker in alive)
        self._past -= {life.id for life in self._ledger.active()}  # enqueued again
        rows = [row for job_id in self._ledger.job_ids() if job_id not in self._past and (row := self._row(job_id))]
        rows.sort(key=lambda row: (1, -(row.finish or 0)) if row.receipt.state != "running" else (0, 0))
        return View(len(alive), processes, rows)

    def _row(self, job_id: str) -> Row | None:
        try:
            job, counts = self._ledger.job(job_id), self._ledger.progress(job_id)
        except JobError:  # forgotten at this moment
            return None
        receipt = make_receipt(job, counts)
        if counts.finished is not None:
            self._forecasts.pop(job_id, None)
            if time.time() - counts.finished > LATELY_SECONDS:
                self._past.add(job_id)
                return None
            rate = receipt.scored / receipt.scoring_seconds if receipt.scoring_seconds else 0.0
            answered = receipt.scored + receipt.rejected
            return Row(receipt, answered, counts.records, True, rate, None, counts.finished, bool(receipt.late))
        if job_id not in self._forecasts:
            self._forecasts[job_id] = Forecast(job), DeadlineWatch(job)
            self._late.discard(job_id)
        forecast, deadline = self._forecasts[job_id]
        forecast.update(counts)
        if deadline.update(counts):
            self._late.add(job_id)
        left, late = forecast.left, job_id in self._late
        finish = None if left is None else time.time() + left
        return Row(receipt, forecast.answered, forecast.total, counts.sealed, forecast.rate, left, finish, late)


class Show(Protocol):
    """One way of showing it."""

    def view(self, view: View) -> None: ...
    def away(self, error: Exception) -> None: ...


class Board:
    """A table that stays where it is, on a terminal."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def view(self, view: View) -> None:
        title = f"{_count(view.workers, 'worker')} with {_count(view.processes, 'process', 'processes')}"
        table = Table("job", "state", box=None, pad_edge=False, title_justify="left", title=title)
        for name in ("records", "%", "rate", "left", "finish", "attempts", "rejects", "deadline"):
            table.add_column(name, justify="right", no_wrap=True)
        table.columns[0].overflow = "ellipsis"
        table.columns[0].no_wrap = True
        for row in view.rows:
            table.add_row(*_cells(row))
        self._live.update(table if view.rows else Text(f"{title}; no job runs, and none ended lately"), refresh=True)

    def away(self, error: Exception) -> None:
        self._live.update(Text(shown(f"waiting for the server: {error}")), refresh=True)


class Lines:
    """A line for each job that changed: at once if its state did or it is late now, else every few seconds."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[object, object, float]] = {}
        self._away = False
        self._workers: tuple[int, int] | None = None

    def view(self, view: View) -> None:
        self._away = False
        if self._workers != (view.workers, view.processes):
            self._workers = view.workers, view.processes
            self.workers(view)
        now = time.monotonic()
        for row in view.rows:
            job, state, figures = row.receipt.job, (row.receipt.state, row.late), (row.answered, row.receipt.attempts)
            said = self._said.get(job)
            if said is None or said[0] != state or (said[1] != figures and now - said[2] >= LINE_SECONDS):
                self._said[job] = state, figures, now
                self.row(row, view)

    def workers(self, view: View) -> None:
        text = f"{_count(view.workers, 'worker')} with {_count(view.processes, 'process', 'processes')}"
        print(text, flush=True)

    def row(self, row: Row, _: View) -> None:
        receipt = row.receipt
        about = "" if row.sealed else "about "
        parts = [f"{receipt.job}: {receipt.state}", f"{row.answered:,} of {about}{row.total:,} records"]
        if row.rate:
            parts.append(f"{row.rate:,.0f}/s")
        if receipt.state == "running":
            parts.append(f"{clock(row.left)} left")
        parts.append(f"{receipt.attempts:,} attempts, {receipt.rejected:,} rejected")
        if receipt.deadline is not None:
            parts.append(f"wanted {_moment(receipt.deadline)}" + (", late" if row.late else ""))
        if receipt.error:
            parts.append(receipt.error)
        print(shown(", ".join(parts)), flush=True)

    def away(self, error: Exception) -> None:
        if not self._away:
            print(shown(f"waiting for the server: {error}"), file=sys.stderr, flush=True)
        self._away = True


class JsonLines(Lines):
    """The same moments, for programs: the receipt, what is foreseen, and the workers."""

    def workers(self, view: View) -> None:
        pass  # in every line

    def row(self, row: Row, view: View) -> None:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": moment, **row.to_dict(), "workers": view.workers, "processes": view.processes}
        print(json.dumps(line), flush=True)


def watch(connection: Connection, as_json: bool = False) -> None:
    """Shows all jobs until it is interrupted. A server that is away is waited for."""
    watcher = Watcher(connection.ledger)
    with ExitStack() as stack:
        show: Show
        if as_json:
            show = JsonLines()
        elif sys.stdout.isatty():
            show = Board(stack.enter_context(Live(console=Terminal(), auto_refresh=False)))
        else:
            show = Lines()
        while True:
            try:
                show.view(watcher.look())
            except AWAY as error:
                if connection.embedded:
                    connection.embedded.check_server()
                show.away(error)
            time.sleep(LOOK_SECONDS)


def _cells(row: Row) -> Iterable[str | Text]:
    receipt = row.receipt
    about = "" if row.sealed else "~"
    wanted = "" if receipt.deadline is None else _moment(receipt.deadline)
    return (
        receipt.job,
        Text(shown(receipt.state), COLORS.get(receipt.state, "")),
        f"{row.answered:,} of {about}{row.total:,}",
        f"{100 * row.answered // row.total}" if row.total else "",
        f"{row.rate:,.0f}/s" if row.rate else "",
        clock(row.left) if receipt.state == "running" else "",
        _moment(row.finish) if row.finish else "",
        f"{receipt.attempts:,}",
        f"{receipt.rejected:,}",
        Text(f"{wanted}, late", "red") if row.late else wanted,
    )


def _moment(seconds: float) -> str:
    """A local time, with the date unless it is today's."""
    moment = time.localtime(seconds)
    return time.strftime("%H:%M" if moment[:3] == time.localtime()[:3] else "%F %H:%M", moment)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
