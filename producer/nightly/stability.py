"""Whether a file is still being written: nobody tells, so it is looked at until it has been left alone for a while."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from formats.files.location import Location

PAUSE_SECONDS = 2.0  # between two looks at a file that seems long finished


@dataclass(frozen=True, slots=True)
class Look:
    """What a file looked like, and since when."""

    content: Hashable  # a size; of several files, each one's
    mtime_ns: int
    since: datetime


class Stability:
    """Remembers how files looked. A file is stable when its size and modification time have not changed for `settle`
    seconds; two seconds do, between two looks at least, if it was last modified longer ago than that. Of a night's
    files together, all have to be, and no other one may have come."""

    def __init__(self, settle: float) -> None:
        self._settle = settle
        self._seen: dict[Location, Look] = {}

    def due(self, path: Location, content: Hashable, mtime_ns: int, now: datetime) -> datetime | None:
        """When to look again; None if the file is stable."""
        seen = self._seen.get(path)
        if seen is None or (seen.content, seen.mtime_ns) != (content, mtime_ns):
            seen = self._seen[path] = Look(content, mtime_ns, now)
        old = now.timestamp() - mtime_ns / 1e9 >= self._settle
        due = seen.since + timedelta(seconds=min(PAUSE_SECONDS, self._settle) if old else self._settle)
        return due if due > now else None

    def why(self, path: Location) -> str:
        """Empty for a file that only needs another look."""
        seen = self._seen[path]
        fresh = seen.since.timestamp() - seen.mtime_ns / 1e9 < self._settle
        return "it may still be being written" if fresh else ""

    def keep(self, paths: set[Location]) -> None:
        """Forgets all the others."""
        self._seen = {path: look for path, look in self._seen.items() if path in paths}
