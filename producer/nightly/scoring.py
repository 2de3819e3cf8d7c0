"""One file that wants scores: its job, the receipt beside its scores, and what becomes of a try that fails."""

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from formats.errors import InputError, NightshiftError
from formats.files.local import reading_only
from graphs.errors import GraphError
from graphs.words import NOTHING, Words
from jobs.errors import JobError
from jobs.progress import Progress
from jobs.reasons import UNEXPLAINED, Explain
from jobs.record import Job
from jobs.settings import Settings
from producer.client import Client
from producer.display.reporters import Silence
from producer.nightly.clock import Clock
from producer.nightly.files import File
from producer.nightly.journal import FileState, FileStatus, Journal
from producer.nightly.note import Note, Subject
from producer.nightly.several import look_at, lost
from producer.nightly.trust import ONLY_OURS, Trust
from producer.notify.hooks import Hooks
from producer.outputs.receipt import Limit, written
from producer.pipeline.plan import Plan, make_plan
from producer.submission import Submission, submit

TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to make of a file."""

    model: Path
    id_column: str | None = None
    keep: Sequence[str] = ()
    all_columns: bool = False
    errors: bool = False
    threshold: float | None = None
    explain: Explain = UNEXPLAINED
    settle: float = 60.0  # seconds without a change that make a file complete; also the pause before another try
    tries: int = 3
    max_rejects: Limit | None = None
    words: Words = NOTHING  # those beside the model included
    dialect: Mapping[str, Any] = field(default_factory=dict)  # what was said of how files are read
    trust: Trust = ONLY_OURS  # whose files are read


class Scorer:
    """Scores files, one at a time. Whoever calls holds the file's lock."""

    def __init__(self, options: Options, settings: Settings, clock: Clock, journal: Journal, hooks: Hooks) -> None:
        self.options = options
        self._settings, self._clock, self._journal, self._hooks = settings, clock, journal, hooks

    def subject(self, file: File, model: str) -> Subject | None:
        """The file as it is now, None if it is gone; `model` is the model's sha256."""
        try:
            found = look_at(file)
        except InputError as error:  # a storage that does not say
            self._journal.say(str(error))
            return None
        if found is None:
            return None
        whole, files = found
        settings: dict[str, Any] = {
            "id": self.options.id_column,
            "keep": list(self.options.keep),
            "max_record_bytes": self._settings.max_record_bytes,
        }
        settings |= {name: True for name in ("all_columns", "errors") if getattr(self.options, name)}
        if self.options.threshold is not None:
            settings["threshold"] = self.options.threshold
        if self.options.explain.pieces:
            settings["explain"] = list(self.options.explain)
        words = self.options.words.to_dict()
        if words:
            settings["words"] = words
        if self.options.dialect:
            settings["dialect"] = dict(self.options.dialect)
        return Subject(str(file.path.resolve()), *whole, model, settings, files)

    def given_up(self, file: File, subject: Subject, note: Note) -> FileStatus | None:
        """A file to be left alone until it, the model or a setting changes."""
        if note.state == "newer":
            return FileStatus(file, "given up", note.error or "")
        if why := lost(file, subject, note):
            return FileStatus(file, "given up", why)
        if note.subject != subject:
            return None
        if note.state == "cancelled":
            return FileStatus(file, "cancelled", note.error or "")
        if note.state == "stopped" and note.limit == self._limit:
            return FileStatus(file, "stopped", note.error or "", over_budget=True)
        if note.state == "failed" and note.tries >= self.options.tries:
            return FileStatus(file, "given up", f"after {note.tries} tries: {note.error}")
        return None

    def tell_lost(self, status: FileStatus, subject: Subject) -> None:
        """The hook, once: somebody has to bring the files back, or to score the new ones elsewhere."""
        note = Note.read(status.file.receipt)
        if lost(status.file, subject, note) and note.error != status.detail:
            self._hooks.send("failed", f"{status.file}: {status.detail}", input=subject.input)
            note.error = status.detail
            note.write(status.file.receipt)

    @property
    def _limit(self) -> str | None:
        """--max-rejects as it is typed."""
        return written(self.options.max_rejects) if self.options.max_rejects else None

    def later(self, file: File, state: FileState, detail: str = "") -> FileStatus:
        """To be looked at again in a while."""
        pause = timedelta(seconds=max(self.options.settle, 1.0))
        return FileStatus(file, state, detail, again=self._clock.now() + pause)

    def score(
        self, connection: Client, file: File, subject: Subject, due: datetime | None, tick: Callable[[], None]
    ) -> FileStatus:
        """Follows the file's job to its end; calls `tick` once a second or so meanwhile. `due` is the deadline that the
        job's followers report. Raises what is neither the file's nor the job's fault: ServerError, redis.RedisError,
        OSError, and NightshiftError for a full disk."""
        with reading_only(self.options.trust.objection_to):
            return self._score(connection, file, subject, due, tick)

    def _score(
        self, connection: Client, file: File, subject: Subject, due: datetime | None, tick: Callable[[], None]
    ) -> FileStatus:
        file.output.parent.mkdir(parents=True, exist_ok=True)
        note = Note.read(file.receipt)
        options = self.options
        try:
            plan = self._plan(file)
        except (InputError, GraphError) as error:
            if self.subject(file, subject.model) != subject:
                return self._changing(file)
            status = self._fail(file, subject, note, str(error))
            if note.tries == 1:  # another try would only say so again
                self._hooks.send("failed", f"{file} was not scored: {error}", input=subject.input)
            return status
        with plan.source:
            if not self._is_of(plan, file, subject):
                return self._changing(file)
            self._begin(file, subject, note)
            try:
                submission = submit(connection, plan, deadline=due, say=self._journal.say)
            except GraphError as error:
                return self._fail(file, subject, note, str(error))
            try:
                watch = _JournalReporter(submission.job, self._journal, tick)
                receipt = submission.wait(file.place, watch, options.max_rejects)
            except JobError as error:
                state = _end(submission)
                self._mark_late(note, due)
                if self.subject(file, subject.model) != subject:
                    return self._changing(file)
                return self._fail(file, subject, note, str(error), state)
        self._mark_late(note, due)
        self._succeed(file, subject, note)
        over = receipt.too_many(options.max_rejects)
        detail = f"{receipt.scored:,} of {receipt.records:,} records scored in {receipt.seconds} s"
        if file.parts is not None:
            detail = f"{len(file.parts):,} file{'' if len(file.parts) == 1 else 's'}, {detail}"
        if receipt.rejected:
            detail += f", {receipt.rejected:,} rejected"
        if receipt.none_scored:
            detail += f": {receipt.most_frequent}"
        elif over:
            detail += ", more than allowed"
        return FileStatus(file, "complete", detail, receipt=receipt, over_budget=over)

    def _is_of(self, plan: Plan, file: File, subject: Subject) -> bool:
        """Whether the plan was made from what was looked at."""
        if file.parts is not None:  # the plan has the sizes of their copies
            return plan.job.model == subject.model and self.subject(file, subject.model) == subject
        modified = plan.job.mtime_ns or subject.mtime_ns  # a job knows an object by its version alone
        return (plan.job.size, modified, plan.job.model) == (subject.size, subject.mtime_ns, subject.model)

    def _plan(self, file: File) -> Plan:
        options = self.options
        # A night of one file has the column that says which, too.
        called = {part: os.fsdecode(part) for part in file.parts or ()}
        return make_plan(
            file.path if file.parts is None else file.parts, self._settings, called=called,
            model=options.model, id_column=options.id_column, keep=options.keep, all_columns=options.all_columns,
            errors=options.errors, threshold=options.threshold, explain=options.explain, words=options.words,
            dialect=options.dialect,
        )  # fmt: skip

    def _begin(self, file: File, subject: Subject, note: Note) -> None:
        """Notes that it is at it: should it be killed, what it scored was not made by hand."""
        same = note.subject == subject
        begun = replace(note, state="pending", subject=subject, tries=note.tries if same else 0)
        same_file = note.subject and (note.subject.size, note.subject.mtime_ns) == (subject.size, subject.mtime_ns)
        if not same_file and not subject.files:  # a night that has scores is not late for another file's
            begun.completed = None
        begun.write(file.receipt)

    def _mark_late(self, note: Note, due: datetime | None) -> None:
        """A deadline that passed while the job was followed: the follower has reported it."""
        if due is not None and due <= self._clock.now():
            note.late = self._now()

    def by_hand(self, file: File, subject: Subject, note: Note) -> bool:
        """Whether a command has scored the file as the schedule would: same input, model and settings. From then on its
        receipt is the schedule's too."""
        if note.subject is not None or not note.document or not note.is_whole(file.output):
            return False
        if not file.is_published():
            return False
        try:
            job = Job.from_dict(note.document["record"])
            with reading_only(self.options.trust.objection_to):
                plan = self._plan(file)
        except (NightshiftError, KeyError, TypeError, ValueError, AttributeError):
            return False
        with plan.source:
            if replace(job, again="", input=plan.job.input).id != plan.job.id:
                return False
        self._succeed(file, subject, note)
        return True

    def _succeed(self, file: File, subject: Subject, note: Note) -> None:
        before = note.subject
        same = before is not None and (
            (before.size, before.mtime_ns) == (subject.size, subject.mtime_ns) or bool(subject.files)
        )
        note.state, note.subject, note.error, note.tries = "complete", subject, None, 0
        note.limit = None
        note.noted = self._now()
        note.completed = (note.completed if same else None) or note.noted
        note.document = Note.read(file.receipt).document
        note.write(file.receipt)

    def _fail(self, file: File, subject: Subject, note: Note, error: str, end: str = "failed") -> FileStatus:
        """Notes a try that failed; `end` is the state in which its job ended."""
        note.tries = note.tries + 1 if note.subject == subject else 1
        note.state = "cancelled" if end == "cancelled" else "stopped" if end == "stopped" else "failed"
        note.subject, note.limit = subject, self._limit if end == "stopped" else None
        note.error, note.noted = error, self._now()
        note.write(file.receipt)
        return self.given_up(file, subject, note) or self.later(
            file, "failed", f"try {note.tries} of {self.options.tries}: {error}"
        )

    def _changing(self, file: File) -> FileStatus:
        return self.later(file, "waiting", "it is being changed")

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="seconds")


class _JournalReporter(Silence):
    """Says what the follower says, and lets others do something meanwhile."""

    def __init__(self, job: Job, journal: Journal, tick: Callable[[], None]) -> None:
        super().__init__(job)
        self._name, self._journal, self._tick = Path(job.input).name, journal, tick
        self._tick_due = 0.0

    def update(self, counts: Progress) -> None:  # noqa: ARG002 -- Reporter's
        if time.monotonic() >= self._tick_due:
            self._tick_due = time.monotonic() + TICK_SECONDS
            self._tick()

    def say(self, text: str) -> None:
        self._journal.say(f"{self._name}: {text}")

    warn = say


def _end(submission: Submission) -> str:
    """How the job that failed us ended. One that did not end can't be continued, for what was collected of it is gone,
    or its input is: the next try starts over."""
    with contextlib.suppress(JobError):  # somebody else has forgotten it
        state = submission.progress().state
        if state in ("running", "complete"):
            submission.cancel()
            submission.forget()
        return state
    return "forgotten"
