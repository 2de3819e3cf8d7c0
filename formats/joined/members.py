"""The files of a joined source: what is known of each once all were looked at."""

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import xxhash

from formats.errors import InputError
from formats.files.location import Location, Url
from formats.shown import quoted, shown
from formats.source import Source

Opener = Callable[[Location], Source]  # raises InputError
AT_ONCE = 16  # objects that are looked at: each answers after a round trip or two, with a window of 8 MiB at most


class Member(NamedTuple):
    """One file, as it was when it was looked at."""

    name: str  # as it was given: what its records have in the column of names
    location: Location
    size: int  # bytes
    mtime_ns: int
    version: str

    def is_as(self, source: Source) -> bool:
        """Whether what was opened is still the same."""
        return (source.size, source.mtime_ns, source.version) == (self.size, self.mtime_ns, self.version)


def look_at(locations: Sequence[Location], names: Sequence[str], open_one: Opener) -> list[Member]:
    """Opens every file once, and closes it. Raises InputError for the first one that can't be opened, or whose columns
    are not those of the first file, in their order."""
    if not locations:
        raise InputError("no files to join")
    if len(names) != len(locations):
        raise ValueError("each file has one name")

    def look(name: str, location: Location) -> tuple[Member, list[str]]:
        with open_one(location) as source:
            return Member(name, location, source.size, source.mtime_ns, source.version), source.columns

    members: list[Member] = []
    stored = any(isinstance(location, Url) for location in locations)
    pool = ThreadPoolExecutor(AT_ONCE if stored else 1)
    first: list[str] | None = None
    try:
        looks = pool.map(look, names, locations) if stored else map(look, names, locations)
        for member, columns in looks:
            first = columns if first is None else first
            if columns != first:
                raise InputError(f"{member.location}: {_difference(columns, first, locations[0])}: score it by itself")
            if not member.size:
                raise InputError(f"{member.location}: empty")
            members.append(member)
    finally:
        pool.shutdown(cancel_futures=True)
    return members


def digest(members: Sequence[Member]) -> str:
    """What tells these files from others, and from themselves once one has changed: XXH3-128 over each one's name,
    size, time and version, in order. 32 hexadecimal digits."""
    state = xxhash.xxh3_128()
    for name, _, *about in members:
        state.update(json.dumps([os.fsencode(name).decode("latin-1"), *about]).encode() + b"\n")
    return state.hexdigest()


def _difference(columns: Sequence[str], wanted: Sequence[str], first: Location) -> str:
    """In words."""
    missing, surplus = Counter(wanted) - Counter(columns), Counter(columns) - Counter(wanted)
    if not missing and not surplus:
        at = next(place for place, pair in enumerate(zip(columns, wanted, strict=True)) if pair[0] != pair[1])
        return (
            f"its columns are those of {first} in another order: "
            f"column {at + 1} is {quoted(columns[at])} and not {quoted(wanted[at])}"
        )
    lacks = [f"it lacks {shown([*missing.elements()])}"] if missing else []
    has = [f"it has {shown([*surplus.elements()])} besides"] if surplus else []
    return f"its columns are not those of {first}: {'; '.join([*lacks, *has])}"
