"""A manifest: which files a job's input is, where it is several. The record has what stands for all of them, and the
version that follows from each; this is what a worker or a later command needs to have the same source without looking
at every file again.

Some ten bytes a file: too many for the record, which is read all the time; few enough to be stored once, and read once
by a process. It comes from the server like everything else, so it opens nothing: the place that the job goes through
says what may be read (`opener`).
"""

import hashlib
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from formats.errors import NightshiftError
from formats.files.location import Location, Url, locate
from formats.joined.members import Member, Opener, digest
from formats.source import Source
from jobs.errors import DamagedError
from jobs.place import Place
from jobs.record import Life

LARGEST = 256 << 20  # bytes of what is unpacked: millions of files
_COLUMNS = ("names", "sizes", "times", "versions")


class NotGrantedError(NightshiftError):
    """A file that is said to be of the job's input may not be read here."""


@dataclass(frozen=True)
class Manifest:
    """The members' locations are absolute."""

    members: tuple[Member, ...]

    @cached_property
    def version(self) -> str:
        """That of the source which has these files."""
        return digest(self.members)

    @cached_property
    def word(self) -> str:
        """What a place is told, and asked for, in the stead of a file's path: nobody makes another manifest with the
        same one (SHA-256)."""
        return f"manifest:{hashlib.sha256(self._text).hexdigest()}"

    @cached_property
    def _text(self) -> bytes:
        """JSON, by columns: alike stands by alike. Times are told by their distances. A location is told if it does
        not follow from the folder that most names are in."""
        base = _base(self.members)
        content = {
            "base": base,
            "names": [each.name for each in self.members],
            "sizes": [each.size for each in self.members],
            "times": _steps([each.mtime_ns for each in self.members]),
            "versions": [each.version for each in self.members],
            "elsewhere": {
                number: os.fsdecode(each.location)
                for number, each in enumerate(self.members)
                if os.fsdecode(each.location) != f"{base}{each.name}"
            },
        }
        return json.dumps(content, separators=(",", ":")).encode()

    def encode(self) -> bytes:
        return zlib.compress(self._text, 9)

    @classmethod
    def decode(cls, data: bytes, version: str) -> Self:
        """Raises DamagedError for what is none of that version."""
        try:
            unpacker = zlib.decompressobj()
            text = unpacker.decompress(data, LARGEST)
            manifest = cls(tuple(_members(json.loads(text)))) if unpacker.eof else None
            if manifest is not None and manifest.version == version:
                return manifest
        except (
            ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, MemoryError,
            zlib.error, NightshiftError,
        ):  # fmt: skip
            pass
        raise DamagedError("what the server has as the list of its files is another job's, or damaged") from None

    def opener(self, place: Place, life: Life, open_one: Opener) -> Opener:
        """Opens files of this list as far as the place lets the job read them: all if it was told of this very list, as
        a spool is; else each by itself, as below a root. What it returns raises NotGrantedError, and InputError."""
        if place.granted(life, self.word) is not None:
            return open_one

        def open_granted(location: Location) -> Source:
            found = place.granted(life, os.fsdecode(location))
            if found is None:
                raise NotGrantedError(f"{location} may not be read here: see NIGHTSHIFT_SPOOL and NIGHTSHIFT_DATA")
            return open_one(found)

        return open_granted


def _members(content: dict[str, Any]) -> list[Member]:
    """Raises ValueError, TypeError, KeyError or NightshiftError for what is no manifest."""
    base, elsewhere = content["base"], content["elsewhere"]
    rows = zip(*(content[column] for column in _COLUMNS), strict=True)
    members = []
    time = 0
    for number, (name, size, step, version) in enumerate(rows):
        time += step
        if not all(type(each) is int for each in (size, time)) or not all(
            type(each) is str for each in (name, version)
        ):
            raise ValueError("a size and a time are numbers, a name and a version are texts")
        location = locate(elsewhere.get(str(number)) or f"{base}{name}")
        if size <= 0 or not (isinstance(location, Url) or location.is_absolute()):
            raise ValueError("a file of the list has a size and an absolute path")
        members.append(Member(name, location, size, time, version))
    if not members:
        raise ValueError("a list has files")
    return members


def _base(members: Sequence[Member]) -> str:
    """The folder from which the first name leads to the first location; empty if none does."""
    name, location, *_ = members[0]
    text = os.fsdecode(location)
    return text.removesuffix(name) if not isinstance(location, Url) and text.endswith(f"/{name}") else ""


def _steps(numbers: Sequence[int]) -> list[int]:
    return [number - before for before, number in zip([0, *numbers], numbers, strict=False)]
