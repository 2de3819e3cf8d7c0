"""A place: somewhere that producer and workers can both read and write beside the server. A job that goes by reference
goes through one: workers read its input there, and write the parts of its files."""

import re
import secrets
from collections.abc import Iterable
from typing import BinaryIO, Protocol

from formats.files.location import Location
from jobs.digest import Bytes
from jobs.errors import DamagedError
from jobs.record import Life

_PART = "part"


class Place(Protocol):
    """Raises SettingsError where this process was not told of it."""

    @property
    def is_there(self) -> bool:
        """Whether it was."""

    def grant(self, life: Life, path: str, read_from: Location | None = None) -> None:
        """Lets workers read the job's input themselves, in the place that `read_from` says, if it is another.
        Raises NightshiftError if
        that can't be written."""

    def granted(self, life: Life, path: str) -> Location | None:
        """The job's input, which the server says is at `path`, if a worker may read that."""

    def put_part(self, life: Life, batch: int, attempt: int, *data: Bytes) -> str:
        """Writes a batch's lines under a name that nobody else has, which is returned. Raises NightshiftError if they
        can't be written, SettingsError if anybody might write there."""

    def open_part(self, life: Life, name: str) -> BinaryIO:
        """Raises LostError if it is not there."""

    def drop_parts(self, life: Life, names: Iterable[str]) -> None:
        """Removes what is collected, or was written for nothing."""

    def forget(self, life: Life, kind: str = "*") -> None:
        """Removes all that is there of the job."""


def name_of(life: Life, batch: int, kind: str) -> str:
    """Of what is kept for a batch."""
    return f"{prefix(life)}.{batch}.{kind}"


def part_name(life: Life, batch: int, attempt: int) -> str:
    """Another one each time: who comes too late must not replace what was written first."""
    return name_of(life, batch, f"{attempt}-{secrets.token_hex(4)}.{_PART}")


def prefix(life: Life) -> str:
    """What the names of all that is there of the job begin with, and a dot. Raises DamagedError for a life whose name
    is none: the server's word would lead out of the folder, or stand for other jobs' files."""
    if not life.is_valid:
        raise DamagedError(f"{life.name[:80]!r} is no job's name")
    return life.name.replace(":", ".")


def is_part_of(life: Life, name: str) -> bool:
    """The name may come from the server: it is no path, and no other job's."""
    return re.fullmatch(rf"{re.escape(prefix(life))}\.[0-9]+\.[0-9]+-[0-9a-f]{{8}}\.{_PART}", name) is not None
