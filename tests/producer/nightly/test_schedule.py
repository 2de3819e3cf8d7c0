"""When it fires, and by when a night's files are due: on the clock on the wall, whatever is done to it in spring."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from jobs.errors import SettingsError
from producer.nightly.clock import time_zone
from producer.nightly.schedule import Schedule
from tests.producer.nightly.place import BERLIN


def firings(at: str, begin: datetime, end: datetime) -> list[datetime]:
    schedule, found = Schedule(at, BERLIN), [begin]
    while found[-1] < end:
        found.append(schedule.next(found[-1]))
    return [schedule.local(moment) for moment in found[1:-1]]


@pytest.mark.parametrize("at", ["30 1 * * *", "30 2 * * *", "0 0 * * *"])
def test_a_year_has_one_firing_a_night_at_the_same_time_on_the_wall(at: str) -> None:
    """Also on the 28th of March, when half past two does not exist, and on the 31st of October, when it comes twice."""
    found = firings(at, datetime(2026, 12, 31, 12, tzinfo=BERLIN), datetime(2028, 1, 1, tzinfo=BERLIN))
    assert [moment.date() for moment in found] == [date(2027, 1, 1) + timedelta(days=day) for day in range(365)]
    minute, hour = map(int, at.split()[:2])
    odd = {moment.date(): moment.time() for moment in found if moment.time() != time(hour, minute)}
    assert odd == ({date(2027, 3, 28): time(3, 30)} if hour == 2 else {})


def test_every_half_hour_goes_on_through_the_night_without_an_hour() -> None:
    found = firings(
        "*/30 * * * *", datetime(2027, 3, 28, 1, 15, tzinfo=BERLIN), datetime(2027, 3, 28, 4, tzinfo=BERLIN)
    )
    assert [f"{moment:%H:%M}" for moment in found] == ["01:30", "03:00", "03:30"]


def test_lists_ranges_and_names_as_in_celery_beat() -> None:
    found = firings("0 22 * * mon-fri", datetime(2027, 5, 1, tzinfo=BERLIN), datetime(2027, 5, 15, tzinfo=BERLIN))
    assert [f"{moment:%a %d}" for moment in found] == [
        "Mon 03", "Tue 04", "Wed 05", "Thu 06", "Fri 07", "Mon 10", "Tue 11", "Wed 12", "Thu 13", "Fri 14",
    ]  # fmt: skip
    [leap] = firings("0 0 29 2 *", datetime(2027, 1, 1, tzinfo=BERLIN), datetime(2029, 1, 1, tzinfo=BERLIN))
    assert leap.date() == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("at", "day", "due"),
    [
        ("30 1 * * *", date(2027, 5, 4), "Wed 05 06:00"),  # in the small hours of the next day
        ("0 23 * * *", date(2027, 5, 4), "Wed 05 06:00"),  # in the evening of the same day
        ("30 1 * * tue-sat", date(2027, 5, 8), "Tue 11 06:00"),  # Saturday's, by Tuesday
        ("30 1 * * *", date(2027, 3, 27), "Sun 28 06:00"),  # a night of seven hours
    ],
)
def test_a_dates_files_are_due_at_the_first_deadline_after_their_firing(at: str, day: date, due: str) -> None:
    schedule = Schedule(at, BERLIN, time(6))
    found = schedule.due(schedule.night_of(day))
    assert found
    assert f"{schedule.local(found):%a %d %H:%M}" == due


def test_a_night_ends_with_its_deadline() -> None:
    schedule = Schedule("30 1 * * *", BERLIN, time(6))
    by_night = datetime(2027, 5, 5, 5, 59, tzinfo=BERLIN)
    assert schedule.end_of_night(by_night) == by_night + timedelta(minutes=1)
    assert schedule.end_of_night(datetime(2027, 5, 5, 6, tzinfo=BERLIN)) is None
    assert schedule.end_of_night(datetime(2027, 5, 5, 1, 29, tzinfo=BERLIN)) is None
    assert Schedule("30 1 * * *", BERLIN).end_of_night(by_night) is None


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("30 1 * *", "4 fields; a crontab has minute, hour"),
        ("61 1 * * *", "is no crontab"),
        ("0 0 30 2 *", "is no crontab"),
        ("at noon * * *", "is no crontab"),
    ],
)
def test_a_mistyped_crontab_is_one_line_at_the_start(at: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        Schedule(at, UTC)


def test_the_time_zone_is_the_machines_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    assert str(time_zone(None)) == "America/New_York"
    assert str(time_zone("Europe/Berlin")) == "Europe/Berlin"
    monkeypatch.delenv("TZ")
    local = datetime(2027, 7, 1, tzinfo=time_zone(None))
    if Path("/etc/localtime").exists():
        assert local.utcoffset() == local.replace(tzinfo=None).astimezone().utcoffset()
    with pytest.raises(SettingsError, match="'Berlin' is no time zone"):
        time_zone("Berlin")
