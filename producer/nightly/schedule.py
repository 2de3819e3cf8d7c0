"""When the schedule fires, and by when a night's files are due: five crontab fields and a time of day, in a time zone.

The fields are those of Celery beat's crontab, which finds the next time on the clock on the wall. Which moment that
is, is decided here, so that a change of daylight saving time neither skips a night nor fires twice: a time that the
clock skips is as much later, and of one that comes twice the first counts.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from celery import Celery
from celery.schedules import crontab

from jobs.errors import SettingsError

NOON = time(12)
DAY = timedelta(days=1)
DAYS_KNOWN = 1 << 14  # minutes of which the date is remembered: a crontab takes its time to be asked


class Schedule:
    """`at` is `minute hour day-of-month month day-of-week`; `deadline` a local time of day, if there is one. Raises
    SettingsError for a crontab that is none."""

    def __init__(self, at: str, zone: tzinfo, deadline: time | None = None) -> None:
        self.zone = zone
        self.deadline = deadline
        self._day_of = lru_cache(DAYS_KNOWN)(self._find_day)
        fields = at.split()
        if len(fields) != 5:
            raise SettingsError(
                f"{at!r} has {len(fields)} fields; a crontab has minute, hour, day of the month, month, day of the week"
            )
        minute, hour, day, month, weekday = fields
        try:
            # In UTC, where the wall's clock knows no jumps.
            app = Celery(set_as_current=False)
            self._crontab = crontab(minute, hour, weekday, day, month, nowfun=lambda: datetime.now(UTC), app=app)
            self.next(datetime.now(UTC))
        except (ValueError, RuntimeError) as error:  # the latter: never, such as on the 30th of February
            raise SettingsError(f"{at!r} is no crontab: {error}") from None

    def next(self, after: datetime) -> datetime:
        """The first firing after that moment."""
        wall = after.astimezone(self.zone).replace(tzinfo=UTC, fold=0)
        while True:
            start, delta, _ = self._crontab.remaining_delta(wall)
            wall = start + delta
            firing = self._moment(wall)
            if firing > after:
                return firing

    def night_of(self, day: date) -> datetime:
        """The firing that is to score the files of a date: the first after its noon, be that in the evening or in the
        small hours of the next day."""
        return self.next(self._moment(datetime.combine(day, NOON)))

    def day_of(self, moment: datetime) -> date:
        """The date to whose night that moment belongs: the last one whose noon is before the next firing."""
        return self._day_of(moment.replace(second=0, microsecond=0))  # no firing is between the two

    def due(self, firing: datetime) -> datetime | None:
        """By when a firing's files are to be scored: the first deadline after it; None if there is no deadline."""
        if self.deadline is None:
            return None
        today = self.local(firing).date()
        days = (today + days * DAY for days in range(3))
        return next(moment for day in days if (moment := self._moment(datetime.combine(day, self.deadline))) > firing)

    def end_of_night(self, now: datetime) -> datetime | None:
        """The deadline of the night under way; None by day, and if there is no deadline."""
        due = self.due(now)
        return due if due is not None and self.next(due - DAY) <= now else None

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def _find_day(self, minute: datetime) -> date:
        firing = self.local(self.next(minute)).replace(tzinfo=None)
        return (firing - timedelta(hours=12, microseconds=1)).date()

    def _moment(self, wall: datetime) -> datetime:
        return wall.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
