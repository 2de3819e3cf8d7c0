"""Objects that are opened before they are needed, while another is read: each answers after a round trip or more."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from formats.files.stored import WINDOW_BYTES
from formats.joined.members import Member, Opener
from formats.source import Source

MOST = 16  # objects
MOST_BYTES = 2 * WINDOW_BYTES  # of them in memory: the first window of each


class Ahead:
    """Of these files. Used by one thread."""

    def __init__(self, members: Sequence[Member], open_one: Opener) -> None:
        self._members, self._open_one = members, open_one
        self._coming: dict[int, Future[Source]] = {}
        self._pool = ThreadPoolExecutor(MOST, thread_name_prefix="open")

    def prepare(self, number: int) -> None:
        """The files from that one on will be wanted, in their order; those that were to come otherwise are not."""
        wanted, room = [], MOST_BYTES
        for behind in range(number, min(number + MOST, len(self._members))):
            room -= min(self._members[behind].size, WINDOW_BYTES)
            if room < 0:
                break
            wanted.append(behind)
        for other in self._coming.keys() - wanted:
            _drop(self._coming.pop(other))
        for each in wanted:
            if each not in self._coming:
                self._coming[each] = self._pool.submit(self._open_one, self._members[each].location)

    def take(self, number: int) -> Source:
        """The file, opened. Raises as its opener does."""
        coming = self._coming.pop(number, None)
        return coming.result() if coming else self._open_one(self._members[number].location)

    def close(self) -> None:
        for coming in self._coming.values():
            _drop(coming)
        self._coming.clear()
        self._pool.shutdown()


def _drop(coming: "Future[Source]") -> None:
    """Closes it once it is opened."""
    if not coming.cancel():
        coming.add_done_callback(lambda done: None if done.exception() else done.result().close())
