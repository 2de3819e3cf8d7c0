"""A scheduler whose clock is simulated and whose everything else is real: files, server, one worker, jobs."""

import csv
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jobs.progress import Progress
from jobs.record import Job
from jobs.settings import Settings
from producer.nightly.files import Pattern, receipt_path
from producer.nightly.journal import FileStatus
from producer.nightly.note import Note
from producer.nightly.schedule import Schedule
from producer.nightly.scoring import Options
from producer.nightly.service import Service
from producer.nightly.trust import ONLY_OURS, Trust
from producer.notify.hooks import Hooks
from producer.outputs.receipt import Limit
from tests.support.checkout import MODEL
from tests.support.farm import Farm

BERLIN = ZoneInfo("Europe/Berlin")
YEAR = datetime.now(UTC).year + 1  # ahead of the real clock, which is the jobs'


class Over(BaseException):
    """The simulated time is up."""


class SimulatedClock:
    """Passes time at once. What is planned `at` a moment happens when it is slept past; it may raise."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._plans: list[tuple[datetime, int, Callable[[], object]]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        until = self._now + timedelta(seconds=seconds)
        while self._plans and self._plans[0][0] <= until:
            moment, _, happen = self._plans.pop(0)
            self._now = max(self._now, moment)
            happen()
        self._now = max(self._now, until)

    def at(self, moment: datetime, happen: Callable[[], object]) -> None:
        self._count += 1
        self._plans.append((moment, self._count, happen))
        self._plans.sort(key=lambda plan: plan[:2])

    def cancel(self, happen: Callable[[], object]) -> None:
        self._plans = [plan for plan in self._plans if plan[2] != happen]


class RecordedHooks(Hooks):
    """Remembers what it was told."""

    def __init__(self) -> None:
        super().__init__([], None, None, "receipt")
        self.told: list[tuple[str, str, str]] = []  # event, the input's name, text

    def send(self, event: str, text: str, *, input: str, **_: Any) -> None:
        self.told.append((event, Path(input).name, text))

    def late(self) -> list[str]:
        return [name for event, name, _ in self.told if event == "late"]


@dataclass
class Place:
    """A directory of inputs, and schedulers for it."""

    folder: Path
    farm: Farm
    clock: SimulatedClock
    hooks: RecordedHooks = field(default_factory=RecordedHooks)
    model: Path = MODEL

    def write(self, name: str, texts: list[str], header: str = "id,text") -> Path:
        """An input, as if written just now by the simulated clock."""
        path = self.folder / name
        with path.open("w", newline="") as file:
            file.write(header + "\n")
            csv.writer(file).writerows([number, text] for number, text in enumerate(texts, 1))
        return self.touch(path)

    def touch(self, path: Path) -> Path:
        moment = int(self.clock.now().timestamp() * 1e9)
        os.utime(path, ns=(moment, moment))
        return path

    def service(
        self,
        input: str = "m-{date}.csv",
        at: str = "30 1 * * *",
        deadline: time | None = None,
        url: str | None = None,
        days: int = 7,
        settle: float = 60.0,
        tries: int = 3,
        max_rejects: Limit | None = None,
        spool: Path | None = None,
        together: str | None = None,
        trust: Trust = ONLY_OURS,
    ) -> Service:
        """With `together`, an output, a night's files are one job."""
        schedule = Schedule(at, BERLIN, deadline)
        output, nights = (str(self.folder / together), schedule.day_of) if together else (None, None)
        return Service(
            Pattern(str(self.folder / input), output, days, self.folder / ".nightshift", nights, trust),
            schedule,
            Options(self.model, settle=settle, tries=tries, max_rejects=max_rejects, trust=trust),
            Settings(redis_url=url or self.farm.server.url, home=self.folder / "none", spool=spool),
            self.clock,
            self.hooks,
        )

    def once(self, **options: Any) -> dict[str, FileStatus]:
        """A round of a scheduler of its own; what became of each file, by name."""
        return {status.file.path.name: status for status in self.service(**options).once()}

    def run(self, until: datetime, service: Service | None = None) -> None:
        """A scheduler that ends then, at a moment when it sleeps."""
        self.clock.at(until, self.end)
        with pytest.raises(Over):
            (service or self.service()).run()

    def end(self) -> None:
        raise Over

    def scores(self, path: Path) -> list[dict[str, str]]:
        with path.with_name(f"{path.stem}.scores.csv").open(newline="") as lines:
            return list(csv.DictReader(lines))

    def note(self, path: Path) -> Note:
        return Note.read(receipt_path(path.with_name(f"{path.stem}.scores.csv")))

    def jobs(self) -> list[tuple[Job, Progress]]:
        """All jobs of this place that the server knows, oldest first."""
        ledger = self.farm.ledger
        jobs = [ledger.job(job_id) for job_id in ledger.job_ids()]
        return [(job, ledger.progress(job.id)) for job in jobs if self.folder.resolve() in Path(job.input).parents]


def moment(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """In Berlin, next year."""
    return datetime(YEAR, month, day, hour, minute, tzinfo=BERLIN)
