"""The files of a joined source that are open: some of them, opened when they are needed."""

import contextlib
from collections.abc import Iterator, Sequence

from formats.errors import ChangedError
from formats.files.location import Url
from formats.joined.ahead import Ahead
from formats.joined.members import Member, Opener
from formats.source import Source

KEPT = 32  # a process may have a thousand files, and may have several such sources
KEPT_OBJECTS = 2  # each has up to five windows of 8 MiB in memory


class OpenFiles:
    """By their numbers. Used by one thread."""

    def __init__(self, members: Sequence[Member], open_one: Opener) -> None:
        self._members, self._open_one = members, open_one
        stored = any(isinstance(each.location, Url) for each in members)
        self._most = KEPT_OBJECTS if stored else KEPT
        self._ahead = Ahead(members, open_one) if stored else None
        self._open: dict[int, Source] = {}  # the one that was used last is the last
        self._used: dict[int, int] = {}  # by how many at this moment
        self._closed = False
        self.columns: list[str] | None = None  # of the first one that was opened: those of all

    @contextlib.contextmanager
    def using(self, number: int) -> Iterator[Source]:
        """The file, which stays open within the block. Raises InputError if it can't be opened, ChangedError if it is
        not what it was when it was looked at."""
        if self._closed:
            raise ValueError("the files are closed")
        source = self._open.pop(number, None) or self._opened(number)
        self._open[number] = source
        self._used[number] = self._used.get(number, 0) + 1
        self._close_some()
        try:
            yield source
        finally:
            self._used[number] -= 1

    def will_use(self, number: int) -> None:
        """The files from that one on will be wanted soon, in their order."""
        if self._ahead:
            self._ahead.prepare(number)

    def unchanged(self, number: int) -> bool | None:
        """Of an open one, whether it is still the same; None of others."""
        source = self._open.get(number)
        return source.unchanged() if source else None

    def close(self) -> None:
        self._closed = True
        if self._ahead:
            self._ahead.close()
        for source in self._open.values():
            source.close()
        self._open.clear()

    def _opened(self, number: int) -> Source:
        member = self._members[number]
        source = self._ahead.take(number) if self._ahead else self._open_one(member.location)
        if self.columns is None:
            self.columns = list(source.columns)
        if not member.is_as(source) or source.columns != self.columns:
            source.close()
            raise ChangedError(f"{member.location}: the file changed since it was looked at first")
        return source

    def _close_some(self) -> None:
        surplus = len(self._open) - self._most
        if surplus <= 0:
            return
        for number in [number for number in self._open if not self._used.get(number)][:surplus]:
            self._open.pop(number).close()
            del self._used[number]
