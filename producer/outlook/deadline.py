"""The time by which a job is wanted: how it is written, and the warning as soon as it can't be met.

A deadline is kept with its job (the ledger's field `deadline`, seconds since the epoch), and is no part of its id.
"""

import re
import time
from datetime import datetime, timedelta

from jobs.ledger import Ledger
from jobs.progress import IN_VAIN, Progress
from jobs.record import Job, Life
from producer.outlook.forecast import Forecast

RATE_SECONDS = 60.0  # a calmer rate than the progress bar's
EVIDENCE_SECONDS = 5.0  # of progress, before a forecast counts
PATIENCE_SECONDS = 5.0  # for which the forecast must have been late without a break


def parse_deadline(text: str, now: datetime | None = None) -> datetime:
    """`06:00` is the next such local time; anything else is ISO 8601, local unless it has an offset. Raises ValueError,
    whose text says what is wrong."""
    now = now or datetime.now()
    if match := re.fullmatch(r"(\d{1,2}):(\d\d)", text.strip()):
        hour, minute = map(int, match.groups())
        if hour > 23 or minute > 59:
            raise ValueError(f"{text} is no time of day")
        moment = now.replace(tzinfo=None, hour=hour, minute=minute, second=0, microsecond=0)
        if moment <= now.replace(tzinfo=None):
            moment += timedelta(days=1)
        return moment.astimezone()
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is neither a time such as 06:00 nor a date and time of ISO 8601") from None


def keep_deadline(ledger: Ledger, life: Life, deadline: datetime) -> None:
    """Stores the deadline with the job. Of two the earlier counts: a command that is run again at 06:30, to resume its
    job, does not want tomorrow's 06:00."""
    before = ledger.progress(life.id).deadline
    if before is None or deadline.timestamp() < before:
        ledger.note(life, deadline=deadline.timestamp())


def missed(finish: float | None, wanted: float, ended: bool = False) -> str:
    """`finishes at 06:40, wanted 06:00`: with seconds where the minutes agree, with the date where the days don't.
    `finish` None: nobody can tell when."""
    if finish is None:
        today = _moment(wanted, "%F") == _moment(time.time(), "%F")
        return f"is not finished, wanted {_moment(wanted, '%H:%M' if today else '%F %H:%M')}"
    form = "%H:%M"
    if _moment(finish, "%F") != _moment(wanted, "%F"):
        form = "%F %H:%M"
    if _moment(finish, form) == _moment(wanted, form):
        form += ":%S"
    return f"{'finished' if ended else 'finishes'} at {_moment(finish, form)}, wanted {_moment(wanted, form)}"


class DeadlineWatch:
    """Over one followed job's deadline. It may get an earlier one while it runs."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._forecast = Forecast(job, RATE_SECONDS)
        self._late_since: float | None = None
        self._warned_of: float | None = None

    def update(self, counts: Progress) -> str | None:
        """The warning, once a deadline: when the forecast has been past it for some seconds, or when it has passed."""
        wanted = counts.deadline
        self._forecast.update(counts)
        if wanted is None or wanted == self._warned_of:
            return None
        if counts.finished is not None:
            text = missed(counts.finished, wanted, ended=True) if counts.finished > wanted else None
        else:
            text = self._look(wanted, time.time())
        if text is None or counts.state in IN_VAIN:
            return None
        self._warned_of = wanted
        return f"{self._job.id} {text}"

    def _look(self, wanted: float, now: float) -> str | None:
        left = self._forecast.left
        finish = None if left is None else now + left
        if now > wanted:
            return missed(finish, wanted)
        if finish is None or finish <= wanted or self._forecast.evidence < EVIDENCE_SECONDS:
            self._late_since = None
            return None
        if self._late_since is None:
            self._late_since = time.monotonic()
        return missed(finish, wanted) if time.monotonic() - self._late_since >= PATIENCE_SECONDS else None


def _moment(seconds: float, form: str) -> str:
    return time.strftime(form, time.localtime(seconds))
