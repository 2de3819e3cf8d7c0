"""The spool: what waits to be scored or collected, as files in a folder that producer and workers share on one machine.

The server has a claim check in its place, and neither copies megabytes nor writes them to its append-only file. What is
too small for a file to pay stays on the server. Whose input a worker may read itself, by reference, the spool says too:
the server's word opens no file.
"""

import os
from collections.abc import Iterable

from formats.files.location import Location, locate
from jobs.digest import Bytes
from jobs.errors import SettingsError
from jobs.folder import Folder, open_file
from jobs.place import name_of
from jobs.record import Life

SMALLEST = 16 << 10  # bytes; a file costs what so many cost on their way through the server
CLAIM_CHECK = b"spool:"  # and the file's size; no Arrow stream begins so
INPUT = "input"  # the kind of what says which file may be read


class Spool(Folder):
    """The folder's files; without a folder, all is on the server.

    A file is there before its claim check is, and goes after it. Whoever writes it again writes the same bytes, since a
    batch follows from its job and its number.
    """

    setting = "NIGHTSHIFT_SPOOL"

    def put(self, life: Life, batch: int, kind: str, data: Bytes) -> Bytes:
        """What the server is to have: a claim check, or the data. Raises NightshiftError if the file can't be
        written, SettingsError if anybody might."""
        size = memoryview(data).nbytes
        if self._folder is None or size < SMALLEST:
            return data
        self._write(self._folder, name_of(life, batch, kind), data)
        return CLAIM_CHECK + b"%d" % size

    def get(self, life: Life, batch: int, kind: str, value: bytes) -> bytes | None:
        """What was put, from what the server has; None if its file is not there, or not whole. Raises SettingsError
        for a claim check where no folder is known."""
        if not value.startswith(CLAIM_CHECK):
            return value
        if self._folder is None:
            raise SettingsError(f"{life.id} is in its producer's NIGHTSHIFT_SPOOL, which is not set here")
        try:
            self._check(self._folder)
            with open_file(self._folder / name_of(life, batch, kind)) as file:
                data = file.read()
        except OSError:
            return None
        return data if len(data) == int(value.removeprefix(CLAIM_CHECK)) else None

    def grant(self, life: Life, path: str, read_from: Location | None = None) -> None:
        """Lets workers read the job's input themselves. Raises as `put` does."""
        if self._folder is not None:
            said, place = os.fsencode(path), os.fsencode(read_from or path)
            both = said if place == said else said + b"\0" + place  # no path has a zero byte
            self._write(self._folder, name_of(life, 0, INPUT), both)

    def granted(self, life: Life, path: str) -> Location | None:
        if self._folder is None:
            return None
        try:
            self._check(self._folder)
            with open_file(self._folder / name_of(life, 0, INPUT)) as file:
                said, _, read_from = os.fsdecode(file.read()).partition("\0")
            return locate(read_from or said) if said == path else None
        except OSError:
            return None

    def drop(self, life: Life, batches: Iterable[int], kind: str) -> None:
        """Removes the files of batches whose claim checks are gone."""
        if self._folder is not None:
            for batch in batches:
                (self._folder / name_of(life, batch, kind)).unlink(missing_ok=True)
