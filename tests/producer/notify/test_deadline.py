"""When a job is wanted, and when it is clear that it will be late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import localtime, strftime, time
from typing import Any

import pytest

from jobs.ledger import Ledger
from jobs.progress import Progress
from producer.outlook import deadline, forecast
from producer.outlook.deadline import DeadlineWatch, keep_deadline, missed, parse_deadline
from tests.support.steps import JOB

NOON = datetime(2026, 11, 23, 12, 0, 30)


def test_a_time_of_day_is_the_next_one() -> None:
    assert parse_deadline("6:00", NOON).replace(tzinfo=None) == datetime(2026, 11, 24, 6)
    assert parse_deadline("12:00", NOON).replace(tzinfo=None) == datetime(2026, 11, 24, 12)
    assert parse_deadline("12:01", NOON).replace(tzinfo=None) == datetime(2026, 11, 23, 12, 1)


def test_iso_8601_with_and_without_an_offset() -> None:
    assert parse_deadline("2026-11-24T06:00+02:00") == datetime(2026, 11, 24, 4, tzinfo=UTC)
    assert parse_deadline("2026-11-24 06:00").replace(tzinfo=None) == datetime(2026, 11, 24, 6)
    for text in ("24:00", "6:60", "tomorrow", ""):
        with pytest.raises(ValueError, match="time"):
            parse_deadline(text)


def at(hour: int, minute: int, second: int = 0, day: int = 24) -> float:
    return datetime(2026, 11, day, hour, minute, second).timestamp()


def test_the_warning_says_when_and_when_it_was_wanted() -> None:
    assert missed(at(6, 40), at(6, 0)) == "finishes at 06:40, wanted 06:00"
    assert missed(at(6, 40), at(6, 0), ended=True) == "finished at 06:40, wanted 06:00"
    assert missed(at(6, 0, 20), at(6, 0)) == "finishes at 06:00:20, wanted 06:00:00"
    assert missed(at(1, 0, day=25), at(6, 0)) == "finishes at 2026-11-25 01:00, wanted 2026-11-24 06:00"
    assert missed(None, at(6, 0, day=1)) == "is not finished, wanted 2026-11-01 06:00"
    soon = time() - 1
    assert missed(None, soon) == f"is not finished, wanted {strftime('%H:%M', localtime(soon))}"


def test_of_two_deadlines_the_earlier_counts(ledger: Ledger) -> None:
    ledger.submit(JOB, {"offset": 0})
    wanted = datetime(2026, 11, 24, 6, tzinfo=UTC)
    for moment in (wanted, wanted + timedelta(days=1)):
        keep_deadline(ledger, JOB.life, moment)
        assert ledger.progress(JOB.id).deadline == wanted.timestamp()
    keep_deadline(ledger, JOB.life, wanted - timedelta(hours=1))
    assert ledger.progress(JOB.id).deadline == wanted.timestamp() - 3600


class Clock:
    """A clock that the test moves."""

    strftime, localtime = staticmethod(strftime), staticmethod(localtime)

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    monotonic = time


class Night:
    """A job of 1,000 records at some rate, looked at four times a second."""

    def __init__(self, clock: Clock, wanted_in: float) -> None:
        self.clock, self.watch = clock, DeadlineWatch(JOB)
        self.began, self.answered = clock.now, 0.0
        self.counts = Progress(
            state="running", error=None, created=clock.now, started=None, finished=None, sealed=True,
            cursor={"offset": 1}, batches=10, done=0, collected=0, records=1000, read_rejects=0, scored=0,
            score_rejects=0, attempts=0, redelivered=0, duplicates=0, blank_lines=0, not_utf8=0,
            leases_lost=0, resent=0, output_bytes=0, rejects_bytes=0, unread_rejects=0, codes={},
            incarnation=JOB.incarnation, output=None, deadline=clock.now + wanted_in, retried=[],
            row_class=None, tensorflow=None, last_error=None,
        )  # fmt: skip

    def run(self, seconds: float, rate: float) -> list[tuple[float, str]]:
        """The warnings, with the seconds since the beginning."""
        warnings = []
        for _ in range(int(seconds * 4)):
            self.clock.now += 0.25
            self.answered = min(1000.0, self.answered + rate / 4)
            warning = self.watch.update(replace(self.counts, scored=int(self.answered)))
            if warning:
                warnings.append((self.clock.now - self.began, warning))
        return warnings


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock: Any = Clock()
    monkeypatch.setattr(deadline, "time", clock)
    monkeypatch.setattr(forecast, "time", clock)
    return clock


def test_it_warns_once_as_soon_as_the_forecast_is_late_and_not_in_the_first_seconds(clock: Clock) -> None:
    night = Night(clock, wanted_in=60)
    [(seconds, warning)] = night.run(90, rate=10)  # takes 100 s
    assert 5 <= seconds <= 15
    assert warning.startswith(f"{JOB.id} finishes at ")


def test_one_that_will_be_in_time_is_not_warned_of(clock: Clock) -> None:
    night = Night(clock, wanted_in=60)
    assert night.run(20, rate=0) == []  # workers that are still starting are no evidence
    assert night.run(39, rate=30) == []


def test_a_pause_that_is_made_up_for_is_no_warning(clock: Clock) -> None:
    night = Night(clock, wanted_in=60)
    assert night.run(8, rate=40) + night.run(3, rate=0) + night.run(40, rate=40) == []


def test_when_the_deadline_passes_it_warns_whatever_it_knows(clock: Clock) -> None:
    night = Night(clock, wanted_in=30)
    [(seconds, warning)] = night.run(60, rate=0)
    assert 30 <= seconds < 31
    assert "is not finished, wanted" in warning


def test_one_that_is_found_finished_too_late_is_told_too(clock: Clock) -> None:
    night = Night(clock, wanted_in=30)
    done = replace(night.counts, state="complete", scored=1000, finished=clock.now + 90)
    warning = night.watch.update(done)
    assert warning
    assert "finished at" in warning
    assert night.watch.update(done) is None
    in_time = replace(night.counts, state="complete", scored=1000, finished=clock.now + 20)
    assert DeadlineWatch(JOB).update(in_time) is None
