"""A file on its way: beside its final name, with its job's incarnation in its own, until it is whole.

Whoever writes it has it locked. By that two jobs that would write to one place know of each other.
"""

import contextlib
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from formats.files import safe
from jobs.digest import Part as Range
from jobs.errors import JobError, LostError
from jobs.record import Life
from producer.outputs.files import CHUNK_BYTES, begins_with, make_safe, sync_folder
from producer.outputs.paths import rejects_path

FOLDER_SECONDS = 5.0  # for which a folder's lock is waited for: whoever may look into a folder may lock it, for ever


class Partial:
    """Of one file of one life of a job."""

    def __init__(self, path: Path, life: Life) -> None:
        self.path = path
        self._ours = f"{path.name}.{life.incarnation or life.id.rpartition('-')[2]}.partial"
        self.partial = path.with_name(self._ours)
        self._file: BinaryIO | None = None

    @property
    def file(self) -> BinaryIO:
        """What was claimed, open to be read and written."""
        if self._file is None:
            raise ValueError(f"{self.partial} is not claimed")
        return self._file

    def claim(self) -> bool:
        """Opens it, for this process alone: a stalled collector that wakes up late must not write into it. False if
        another process has it. Raises OSError, for what is there and not ours as well."""
        while True:
            file = safe.open_or_create(self.partial)
            if not _lock(file):
                file.close()
                return False
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), self.partial.lstat()):
                    self._file = file
                    return True
            file.close()  # whoever had it gave it its final name meanwhile

    def others(self) -> Iterator[Path]:
        """The files that other jobs are writing just now, for this place."""
        for other in self.path.parent.iterdir():
            name = other.name
            if name.startswith(f"{self.path.name}.") and name.endswith(".partial") and name != self._ours:
                with contextlib.suppress(OSError), _open_to_look(other) as file:
                    if stat.S_ISREG(os.fstat(file.fileno()).st_mode) and not _lock(file):
                        yield other

    def resume(self, sources: Sequence[Path], ranges: Sequence[Range]) -> Path | None:
        """Goes on behind `ranges`, which are here, or are copied from the first of `sources` that begins with them;
        returns that. Raises LostError if none does, OSError."""
        size = sum(each.size for each in ranges)
        source = None
        if not begins_with(self.partial, ranges):
            source = next((path for path in sources if begins_with(path, ranges, links=True)), None)
            if source is None:
                raise LostError(f"{sources[-1] if sources else self.path} is not there as it was written")
            with source.open("rb") as whole:
                self.file.truncate(0)
                self.file.seek(0)
                shutil.copyfileobj(whole, self.file, CHUNK_BYTES)
            self.file.flush()
            if not begins_with(self.partial, ranges):
                raise LostError(f"{source} changed while it was being copied")
        self.file.truncate(size)
        self.file.seek(size)
        return source

    def flush(self) -> None:
        """Returns when the disk has what was written. Raises OSError."""
        make_safe(self.file)

    def publish(self) -> None:
        """Gives it its final name. Raises OSError."""
        self.flush()
        safe.check_replaceable(self.path)
        self.partial.replace(self.path)
        sync_folder(self.path.parent)
        self.close()

    def discard(self) -> None:
        self.partial.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        if self._file:
            with contextlib.suppress(OSError):  # a full disk; what counts was synced before
                self._file.close()
            self._file = None


def claim_both(output: Path, life: Life) -> tuple[Partial, Partial] | None:
    """The scores file and the rejects file, opened for this process alone; None if another process writes them for the
    same job. Raises JobError if one writes them for another job, OSError."""
    scores, rejects = Partial(output, life), Partial(rejects_path(output), life)
    folder = os.open(output.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock_folder(folder)
        other = next((path for part in (scores, rejects) for path in part.others()), None)
        if other is not None:
            raise JobError(f"another job writes {other.name.rsplit('.', 2)[0]} at this moment: name another --output")
        if scores.claim() and rejects.claim():
            return scores, rejects
        scores.close()
        return None
    finally:
        os.close(folder)


def _open_to_look(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def _lock_folder(folder: int) -> None:
    """For a while at most, and on some network file systems not at all: the files' own locks are left."""
    deadline = time.monotonic() + FOLDER_SECONDS
    while time.monotonic() < deadline:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        except OSError:
            return
        else:
            return


def _lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
