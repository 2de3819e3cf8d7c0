"""A year in a minute. Only the clock is simulated: files, server, worker and jobs are real. Schedulers are switched off
for nights on end, crash between any two steps and fire twice; files come late, grow slowly, and are broken at first."""

import contextlib
import random
import time as real_time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from producer.nightly import scoring
from producer.nightly.note import Note
from tests.producer.nightly.place import BERLIN, YEAR, Place, SimulatedClock

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DEADLINE = time(6)
SETTLE = 30 * MINUTE


class Crash(BaseException):
    """The scheduler is gone, between any two statements."""


@dataclass
class Arrival:
    """A night's file: when it is whole, and how it comes."""

    day: date
    kind: str
    whole: datetime

    @property
    def name(self) -> str:
        return f"m-{self.day}.csv"

    @property
    def due(self) -> datetime:
        return datetime.combine(self.day + DAY, DEADLINE, BERLIN)


class Year:
    """What happens in so many nights, by chance but always the same."""

    def __init__(self, place: Place, nights: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place, self.chance = place, random.Random(nights)
        self.begin = datetime(YEAR, 1, 1, 12, tzinfo=BERLIN)
        self.end = self.begin + (nights + 4) * DAY
        place.clock = self.clock = SimulatedClock(self.begin)
        self.arrivals = [self.plan(date(YEAR, 1, 1) + night * DAY) for night in range(nights)]
        self.counts: Counter[str] = Counter()
        self.off: list[tuple[datetime, datetime]] = []
        self.fuse = 0  # steps until a crash; 0: none
        for module, name in ((scoring, "submit"), (scoring.Submission, "wait"), (Note, "write")):
            monkeypatch.setattr(module, name, self.dangerous(getattr(module, name)))

    def plan(self, day: date) -> Arrival:
        night = datetime.combine(day + DAY, time(0), BERLIN)
        [kind] = self.chance.choices(["in time", "slow", "late", "slow and late", "broken"], [64, 14, 10, 6, 6])
        text = self.chance.choice(["home by six", "WIN a FREE prize, reply CLAIM now", "são 7 € por mês"])
        texts = [text] * self.chance.randint(2, 20)
        first = night + {"in time": 20, "slow": 70, "late": 420, "slow and late": 330, "broken": 20}[kind] * MINUTE
        first += self.chance.randint(0, 20) * MINUTE
        pieces = self.chance.randint(2, 8) if kind.startswith("slow") else 1
        if kind == "slow and late":
            pieces += 8
        for piece in range(1, pieces + 1):
            half = texts[: len(texts) * piece // pieces] or texts[:1]
            self.clock.at(first + (piece - 1) * 10 * MINUTE, self.writes(day, half))
        whole = first + (pieces - 1) * 10 * MINUTE
        if kind == "broken":
            self.clock.at(first, lambda: self.place.write(f"m-{day}.csv", texts, "id,message"))
            whole = night + DAY + 12 * HOUR
            self.clock.at(whole, self.writes(day, texts))
        return Arrival(day, kind, whole)

    def writes(self, day: date, texts: list[str]) -> Callable[[], Path]:
        return lambda: self.place.write(f"m-{day}.csv", texts)

    def dangerous(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A step, before or behind which a crash may come."""

        def run(*words: Any, **options: Any) -> Any:
            if step.__name__ == "write" and words[0].state != "complete":
                return step(*words, **options)  # else what is late would be said twice, which is as promised
            if crash := self.crashes():
                raise crash
            result = step(*words, **options)
            if crash := self.crashes():
                raise crash
            return result

        return run

    def crashes(self) -> Crash | None:
        self.fuse -= 1
        return Crash() if self.fuse == 0 else None

    def scheduler(self) -> Any:
        return self.place.service(deadline=DEADLINE, settle=SETTLE.total_seconds(), days=10)

    def live(self) -> None:
        """One scheduler after the other, to the end of the year."""
        night = self.begin + 12 * HOUR
        while night < self.end - 7 * DAY:  # a second one fires at the same time
            night += DAY
            if self.chance.random() < 0.1:
                self.clock.at(night + 90 * MINUTE + timedelta(seconds=self.chance.randint(0, 90)), self.second)
        while self.clock.now() < self.end:
            life = self.chance.randint(12, 24 * 12) * HOUR
            stop = min(self.clock.now() + life, self.end)
            self.fuse = self.chance.randint(1, 60) if self.end - stop > 7 * DAY else 0
            pauses = [MINUTE, HOUR, 12 * HOUR]
            try:
                self.place.run(stop, self.scheduler())
                self.counts["stopped"] += 1
                pauses += [2 * DAY, 4 * DAY]
            except Crash:
                self.counts["crashed"] += 1
                self.clock.cancel(self.place.end)
            self.fuse = 0
            gone = self.clock.now()
            if self.end - gone > 7 * DAY:
                self.clock.sleep(self.chance.choice(pauses).total_seconds())
                self.off.append((gone, self.clock.now()))

    def second(self) -> None:
        self.counts["fired twice"] += 1
        fuse, self.fuse = self.fuse, 0
        self.scheduler().once()
        self.fuse = fuse

    def dead(self, begin: datetime, end: datetime) -> timedelta:
        """For how long of that nobody looked."""
        zero = timedelta()
        return sum((max(min(back, end) - max(gone, begin), zero) for gone, back in self.off), zero)

    def missed(self) -> int:
        """How many firings nobody heard."""
        firings = [datetime.combine(arrival.day + DAY, time(1, 30), BERLIN) for arrival in self.arrivals]
        return sum(any(gone < firing < back for gone, back in self.off) for firing in firings)


@pytest.mark.parametrize(
    "nights", [30, pytest.param(365, marks=[pytest.mark.slow, pytest.mark.timeout(600)])], ids=["a month", "a year"]
)
def test_every_file_is_scored_once_every_missed_night_caught_up_every_late_one_reported(
    nights: int, place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    began = real_time.monotonic()
    year = Year(place, nights, monkeypatch)
    year.live()

    jobs = Counter(Path(job.input).name for job, progress in place.jobs() if progress.state == "complete")
    assert jobs == Counter({arrival.name: 1 for arrival in year.arrivals}), "scored once, and no half of a file"
    assert all(progress.attempts == progress.batches == 1 for _, progress in place.jobs())
    late = []
    for arrival in year.arrivals:
        path = place.folder / arrival.name
        note = place.note(path)
        assert note.state == "complete"
        assert len(place.scores(path)) == len(path.read_text().splitlines()) - 1 == note.receipt["scored"]
        completed = datetime.fromisoformat(str(note.completed))
        if completed > arrival.due:
            late.append(arrival.name)
        # At the next firing after it was whole, or at the next start, and when it had settled.
        waited = completed - arrival.whole - year.dead(arrival.whole, completed)
        assert waited < DAY + 2 * HOUR, arrival
    reported = [name for name in place.hooks.late() if name in jobs]  # the nights after the last have no files
    assert sorted(reported) == sorted(late), "each late one once, and no other"
    assert year.missed() > 0, "or this year shows nothing"
    assert year.counts.keys() == {"stopped", "crashed", "fired twice"}

    kinds = Counter(arrival.kind for arrival in year.arrivals)
    with capsys.disabled() if nights > 30 else contextlib.nullcontext():
        print(
            f"\n{nights} nights in {real_time.monotonic() - began:.0f} s: {dict(kinds)}, {dict(year.counts)}, "
            f"{year.missed()} firings missed, {len(late)} files late"
        )
