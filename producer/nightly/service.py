"""When to look: at the start, at each firing and, in between, again at what could not be scored yet."""

from datetime import datetime, timedelta

from jobs.settings import Settings
from producer.client import Client
from producer.nightly.clock import Clock, sleep_until
from producer.nightly.files import File, Pattern
from producer.nightly.journal import FileStatus, Journal
from producer.nightly.lateness import Lateness
from producer.nightly.rounds import Rounds
from producer.nightly.schedule import Schedule
from producer.nightly.scoring import Options, Scorer
from producer.nightly.stability import PAUSE_SECONDS
from producer.notify.hooks import Hooks

MOMENT = timedelta(seconds=PAUSE_SECONDS)
ONCE_SETTLES = 5  # how long --once waits for files that are being written, in settling times, without a deadline


class Service:
    """Runs rounds: a round is a firing, or the start, and all its looks."""

    def __init__(
        self,
        pattern: Pattern,
        schedule: Schedule,
        options: Options,
        settings: Settings,
        clock: Clock,
        hooks: Hooks,
        as_json: bool = False,
    ) -> None:
        self._schedule, self._clock = schedule, clock
        self._settle = timedelta(seconds=max(options.settle, 1.0))
        self._journal = Journal(schedule, clock, as_json)
        lateness = Lateness(schedule, clock, self._journal, hooks)
        scorer = Scorer(options, settings, clock, self._journal, hooks)
        self._rounds = Rounds(pattern, schedule, scorer, lateness, self._journal, clock, lambda: Client(settings))

    def run(self) -> None:
        """For ever."""
        while True:
            until = self._schedule.next(self._clock.now())
            self._round(until)
            self._journal.say(f"next at {self._schedule.local(until):%Y-%m-%d %H:%M %Z}")
            sleep_until(self._clock, until)

    def once(self) -> list[FileStatus]:
        """One round, which ends with the deadline or, without one, after five settling times; a job that runs by then
        is followed to its end. Returns what was scored, and what was left at the last look."""
        until = self._schedule.due(self._clock.now()) or self._clock.now() + ONCE_SETTLES * self._settle
        return self._round(until, for_more=False)

    def _round(self, until: datetime, for_more: bool = True) -> list[FileStatus]:
        """Looks again until nothing is left that another look could change, or until the next look would come too late.
        With `for_more`, it goes on looking for new files until the night's deadline."""
        self._rounds.begin()
        complete: dict[File, FileStatus] = {}
        while True:
            statuses = self._rounds.look()
            complete |= {status.file: status for status in statuses if status.state == "complete"}
            statuses = [complete.get(status.file, status) if status.scored else status for status in statuses]
            again = min((status.again for status in statuses if status.again), default=None)
            if again is None and for_more and self._schedule.end_of_night(self._clock.now()):
                again = self._clock.now() + self._settle
            if again is None or again >= until or again - self._clock.now() > MOMENT:
                self._journal.sum_up(statuses)
            if again is None or again >= until:
                return statuses
            sleep_until(self._clock, again)
