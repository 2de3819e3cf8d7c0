"""Says, once for a file, that its night's deadline has passed and it has no scores yet."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from formats.errors import InputError
from formats.files.listing import Look
from producer.nightly.clock import Clock
from producer.nightly.files import File, Pattern
from producer.nightly.journal import Journal
from producer.nightly.note import Note
from producer.nightly.schedule import Schedule
from producer.nightly.several import look_at
from producer.notify.hooks import Hooks


class Lateness:
    """A file's night is the first firing after noon of its date or, without a date, after it was last modified. Its
    deadline is the first one after that firing. A file that once had scores is not late for better ones."""

    def __init__(self, schedule: Schedule, clock: Clock, journal: Journal, hooks: Hooks) -> None:
        self._schedule, self._clock, self._journal, self._hooks = schedule, clock, journal, hooks
        self._began = clock.now()
        self._settled: set[tuple[Path, datetime]] = set()  # receipts that need no more reading, for a deadline

    def night(self, file: File) -> datetime:
        if file.day is not None:
            return self._schedule.night_of(file.day)
        return self._schedule.next(self._modified(file))

    def due(self, file: File) -> datetime | None:
        """The file's deadline, if there are deadlines."""
        return self._schedule.due(self.night(file)) if self._schedule.deadline else None

    def passed(self, file: File) -> bool:
        due = self.due(file)
        return due is not None and due <= self._clock.now()

    def ahead(self, file: File) -> datetime | None:
        """The deadline that is yet to come, unless the file had scores before."""
        due = self.due(file)
        return None if due is None or due <= self._clock.now() or self._known(file, due) else due

    def missing(self, pattern: Pattern) -> list[File]:
        """Where there is one file a date: that of the last night whose deadline has passed, if it is not there.
        Deadlines before this scheduler began don't count: perhaps there were no files yet."""
        today = self._schedule.local(self._clock.now()).date()
        for ago in range(pattern.days + 1):
            file = pattern.of(today - timedelta(days=ago))
            if file is None:
                break
            due = self.due(file)
            if due is not None and due <= self._clock.now():
                return [] if _is_there(file) or due < self._began else [file]
        return []

    def report(self, files: Sequence[File], take: Callable[[File], bool], let_go: Callable[[File], None]) -> None:
        """Reports those of the files, none of which has scores, that are late. `take` and `let_go` keep another
        scheduler from doing the same; one that is at the file already sees to it itself."""
        for file in files:
            due = self.due(file)
            if due is None or due > self._clock.now() or (file.receipt, due) in self._settled:
                continue
            if not self._known(file, due):
                if not take(file):
                    continue
                try:
                    if not self._known(file, due):
                        self._report(file, due)
                finally:
                    let_go(file)
            self._settled.add((file.receipt, due))

    def _known(self, file: File, due: datetime) -> bool:
        """Whether it was reported, or had scores. A name without a date may be another file each night."""
        note = Note.read(file.receipt)
        if note.late and datetime.fromisoformat(note.late) >= due:
            return True
        if note.completed is None:
            return False
        return file.day is not None or datetime.fromisoformat(note.completed) >= self._modified(file)

    def _report(self, file: File, due: datetime) -> None:
        text = f"{file} is late: no scores by {self._schedule.local(due):%Y-%m-%d %H:%M}"
        if not _is_there(file):
            text += ", and it is not there"
        # Before it is noted: rather twice than never.
        self._hooks.send("late", text, input=str(file.path.resolve()))
        self._journal.say(text)
        note = Note.read(file.receipt)
        note.late = self._clock.now().isoformat(timespec="seconds")
        try:
            file.receipt.parent.mkdir(parents=True, exist_ok=True)
            note.write(file.receipt)
        except OSError as error:
            self._journal.say(f"{file.receipt}: {error.strerror}")

    def _modified(self, file: File) -> datetime:
        found = _look(file)
        return datetime.fromtimestamp(found.mtime_ns / 1e9, UTC) if found else self._clock.now()


def _look(file: File) -> Look | None:
    """None if it is gone, or a storage does not say."""
    try:
        found = look_at(file)
    except InputError:
        return None
    return found[0] if found else None


def _is_there(file: File) -> bool:
    return _look(file) is not None
