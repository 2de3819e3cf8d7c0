"""What a round did, for people on stderr and, if asked for, for programs on stdout: a line where something happened."""

import json
import logging
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from formats.files.location import Location
from formats.harmless import shown
from jobs import logs
from producer.nightly.clock import Clock
from producer.nightly.files import File
from producer.nightly.schedule import Schedule
from producer.outputs.receipt import Receipt

FileState = Literal[
    "done", "complete", "waiting", "busy", "failed", "blocked", "given up", "cancelled", "stopped", "refused"
]
SUMMARY: dict[FileState, str] = {
    "complete": "scored",
    "done": "done before",
    "waiting": "not left alone for long enough",
    "busy": "with another scheduler",
    "failed": "failed, to be tried again",
    "blocked": "could not be tried",
    "given up": "given up",
    "cancelled": "cancelled",
    "stopped": "stopped, for their rejects",
    "refused": "refused, as links or others' files",
}


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A file at one look. `done`: it was before; `complete`: it is now; `again`: when it is worth another look, None if
    only another file, or another model, would change anything."""

    file: File
    state: FileState
    detail: str = ""
    again: datetime | None = None
    receipt: Receipt | None = None
    over_budget: bool = False  # complete, with more rejects than allowed; or stopped, for being bound to have more

    @property
    def scored(self) -> bool:
        return self.state in ("done", "complete")


class Journal:
    """Says a thing once a round, however often it is looked at."""

    def __init__(self, schedule: Schedule, clock: Clock, as_json: bool = False) -> None:
        self._schedule, self._clock, self._as_json = schedule, clock, as_json
        self._log = logging.getLogger("producer.nightly")
        self._round = clock.now()
        self._said: dict[tuple[Location, Location], tuple[FileState, str]] = {}
        self._summary = ""

    def begin(self) -> None:
        """A new round: from now on everything is news again."""
        self._round = self._clock.now()
        self._said.clear()
        self._summary = ""

    def add(self, status: FileStatus) -> None:
        key, news = (status.file.path, status.file.place), (status.state, status.detail)
        before = self._said.get(key)
        if before == news or (before and before[0] == "complete" and status.state == "done"):
            return
        self._said[key] = news
        if self._as_json:
            print(json.dumps(self._line(status)), flush=True)
        if status.state not in ("done", "waiting") or status.detail:  # others wait for a moment only
            self.say(f"{status.file}: {status.state}" + (f", {status.detail}" if status.detail else ""))

    def sum_up(self, statuses: list[FileStatus]) -> None:
        """One line for the whole look, unless the last look's said the same."""
        counts = Counter(status.state for status in statuses)
        parts = [f"{counts[state]} {text}" for state, text in SUMMARY.items() if counts[state]]
        text = ", ".join(parts) or "no file matches"
        if text != self._summary:
            self._summary = text
            self.say(text)

    def say(self, text: str) -> None:
        if logs.as_json():
            self._log.info(text)
        else:
            now = self._schedule.local(self._clock.now())
            print(f"{now:%Y-%m-%d %H:%M:%S} {shown(text)}", file=sys.stderr, flush=True)

    def _line(self, status: FileStatus) -> dict[str, object]:
        receipt = status.receipt
        return {
            "round": self._schedule.local(self._round).isoformat(timespec="seconds"),
            "time": self._schedule.local(self._clock.now()).isoformat(timespec="seconds"),
            "file": str(status.file.path),
            "files": None if status.file.parts is None else len(status.file.parts),
            "date": status.file.day and status.file.day.isoformat(),
            "output": str(status.file.place),
            "state": status.state,
            "detail": status.detail or None,
            "over_budget": status.over_budget,
            "receipt": receipt.to_dict() if receipt else None,
        }
