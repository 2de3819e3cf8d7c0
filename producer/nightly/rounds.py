"""One look at all files: which have scores, which are still being written; and those that can be scored are scored."""

import contextlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import redis

from formats.errors import InputError, NightshiftError
from formats.files.location import Location
from graphs.errors import GraphError
from jobs import keys
from jobs.errors import ServerError
from jobs.lock import Lock
from jobs.server import AWAY
from producer.client import Client
from producer.graph import read_graph
from producer.nightly.clock import Clock
from producer.nightly.files import File, Pattern
from producer.nightly.journal import FileStatus, Journal
from producer.nightly.lateness import Lateness
from producer.nightly.note import Note
from producer.nightly.schedule import Schedule
from producer.nightly.scoring import Scorer
from producer.nightly.stability import Stability

LOCK_SECONDS = 10.0  # after so long without a sign of life another scheduler takes a file over
TROUBLE = (ServerError, redis.RedisError, *AWAY)  # the server's: no file's fault


class Rounds:
    """Looks whenever it is asked to. Between looks it remembers no more than how the files looked: what is done, the
    receipts say. A look with nothing to do needs no server."""

    def __init__(
        self,
        pattern: Pattern,
        schedule: Schedule,
        scorer: Scorer,
        lateness: Lateness,
        journal: Journal,
        clock: Clock,
        connect: Callable[[], Client],
    ) -> None:
        self._pattern, self._schedule, self._scorer, self._lateness = pattern, schedule, scorer, lateness
        self._journal, self._clock, self._connect = journal, clock, connect
        self._open = contextlib.ExitStack()  # of one look
        self._connection: Client | None = None
        self._stability = Stability(scorer.options.settle)
        self._model = Model(scorer.options.model)
        self._token = uuid.uuid4().hex
        # In this round:
        self._scored: set[Location] = set()
        self._blocked: Counter[Location] = Counter()

    def begin(self) -> None:
        """A new round."""
        self._scored.clear()
        self._blocked.clear()
        self._journal.begin()

    def look(self) -> list[FileStatus]:
        """One status a file. Scores what can be scored, one file after the other: each has all workers to itself."""
        try:
            files, clashing, refused = self._pattern.find(self._schedule.local(self._clock.now()))
        except InputError as error:  # a storage that does not list
            self._journal.say(str(error))
            files, clashing, refused = [], [], []
        places = {file.place for file in files}
        self._stability.keep(places)
        statuses = [
            self._scorer.later(file, "blocked", f"another file wants to become {file.place} as well")
            for file in clashing
        ]
        statuses += [FileStatus(file, "refused", why) for file, why in refused]
        model = ""
        try:
            model = self._model.sha256()
        except GraphError as error:
            statuses += [self._scorer.later(file, "blocked", str(error)) for file in files]
            files = []
        statuses += [status for file in files if (status := self._done(file, model))]
        done = {status.file for status in statuses}
        todo = sorted((file for file in files if file not in done), key=self._urgency)
        with contextlib.ExitStack() as self._open:
            unscored = [
                status.file
                for status in statuses
                if not status.scored and not (status.state == "refused" and status.file.place in places)
            ]
            self._report_late([*self._lateness.missing(self._pattern), *unscored, *todo])
            for status in statuses:
                self._journal.add(status)
            statuses += self._work_through(todo, model)
        return statuses

    def _done(self, file: File, model: str) -> FileStatus | None:
        """A status, if the scores are there as they should be."""
        subject = self._scorer.subject(file, model)
        if subject is None:
            return None
        note = Note.read(file.receipt)
        if note.done(subject, file.output) and file.is_published():
            return FileStatus(file, "done")
        if self._scorer.by_hand(file, subject, note):
            return FileStatus(file, "done", "by a receipt made by hand")
        return None

    def _urgency(self, file: File) -> tuple[bool, datetime, str]:
        """What can still be in time goes before what is late already."""
        return self._lateness.passed(file), self._lateness.night(file), str(file.path)

    def _work_through(self, todo: list[File], model: str) -> list[FileStatus]:
        statuses: list[FileStatus] = []
        trouble = ""
        for index, file in enumerate(todo):
            tick = partial(self._report_late, todo[index + 1 :])
            try:
                status = self._scorer.later(file, "blocked", trouble) if trouble else self._see(file, model, tick)
            except TROUBLE as error:
                trouble = str(error)
                status = self._scorer.later(file, "blocked", trouble)
            except (NightshiftError, OSError) as error:  # a full disk, say, which is not the file's fault
                self._blocked[file.place] += 1
                status = self._scorer.later(file, "blocked", str(error))
                if self._blocked[file.place] >= self._scorer.options.tries:
                    status = FileStatus(file, "blocked", f"until the next round: {error}")
            statuses.append(status)
            self._journal.add(status)
        return statuses

    def _see(self, file: File, model: str, tick: Callable[[], None]) -> FileStatus:
        """A file without scores: scores it if it can be."""
        subject = self._scorer.subject(file, model)
        if subject is None:
            return self._scorer.later(file, "waiting", "it is gone")
        given_up = self._scorer.given_up(file, subject, Note.read(file.receipt))
        if given_up:
            self._scorer.tell_lost(given_up, subject)
            return given_up
        if self._blocked[file.place] >= self._scorer.options.tries:
            return FileStatus(file, "blocked", "until the next round")
        if file.place in self._scored:  # a log that grows all night is not scored all night
            return FileStatus(file, "waiting", "it changed since it was scored: the next round is for that")
        content = tuple(sorted((name, *each) for name, each in subject.files.items())) or subject.size
        again = self._stability.due(file.place, content, subject.mtime_ns, self._clock.now())
        if again is not None:
            return FileStatus(file, "waiting", self._stability.why(file.place), again)
        renewed = time.monotonic()

        def while_it_runs() -> None:
            nonlocal renewed
            if time.monotonic() > renewed + LOCK_SECONDS / 3:
                self._hold(file)
                renewed = time.monotonic()
            tick()

        if not self._hold(file):
            return self._scorer.later(file, "busy")
        try:
            if status := self._done(file, model):  # by whoever held it until now
                return status
            given_up = self._scorer.given_up(file, subject, Note.read(file.receipt))
            if given_up:
                return given_up
            due = self._lateness.ahead(file)
            status = self._scorer.score(self._connected(), file, subject, due, while_it_runs)
            if status.scored:
                self._scored.add(file.place)
            return status
        finally:
            self._let_go(file)

    def _report_late(self, files: Sequence[File]) -> None:
        self._lateness.report(files, self._take, self._let_go)

    def _take(self, file: File) -> bool:
        """To report it late. Without a server nobody can be asked, and it is all the more worth a report."""
        try:
            return self._hold(file)
        except TROUBLE:
            return True

    def _hold(self, file: File) -> bool:
        """False if another scheduler is at it."""
        return self._lock(self._connected(), file).hold()

    def _let_go(self, file: File) -> None:
        if self._connection is not None:
            with contextlib.suppress(redis.RedisError):  # then it runs out
                self._lock(self._connection, file).let_go()

    def _lock(self, connection: Client, file: File) -> Lock:
        return Lock(connection.ledger, keys.output(file.place), LOCK_SECONDS, self._token)

    def _connected(self) -> Client:
        """Opened by a look that needs it, for as long as that takes."""
        if self._connection is None:
            self._connection = self._open.enter_context(self._connect())
            self._open.callback(self._forget_connection)
        return self._connection

    def _forget_connection(self) -> None:
        self._connection = None


class Model:
    """The current model's digest, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[tuple[int, int], str] | None = None

    def sha256(self) -> str:
        """In hexadecimal. Raises GraphError for a file that is no frozen graph, or is not there."""
        try:
            status = self._path.stat()
        except OSError:
            return read_graph(self._path).sha256  # which says what is wrong
        look = status.st_size, status.st_mtime_ns
        if self._known is None or self._known[0] != look:
            self._known = look, read_graph(self._path).sha256
        return self._known[1]
