"""The places that this process was told of, and which of them a job goes through. A worker opens nothing outside them,
whatever the server says."""

import os
from collections.abc import Iterable, Sequence

import xxhash

from formats.files.location import Location, Url
from jobs.place import Place
from jobs.record import Life
from jobs.roots import is_below, root_at
from jobs.spool import Spool

SPOOL = "spool"  # the name of the place that is the spool of one machine
NOWHERE = Spool(None)


class Places:
    """By their names."""

    def __init__(self, spool: Spool, roots: Iterable[Location] = ()) -> None:
        self.spool = spool
        self._named: dict[str, Place] = {name_of(root): root_at(root) for root in roots}
        if spool.is_there:
            self._named[SPOOL] = spool

    def of(self, name: str) -> Place:
        """The place of a job that goes by reference; one that is nowhere, if this process was not told of it."""
        return self._named.get(name, NOWHERE)

    @property
    def names(self) -> list[str]:
        return list(self._named)

    def forget(self, life: Life, kind: str = "*") -> None:
        """Removes all that is there of the job."""
        for place in self._named.values():
            place.forget(life, kind)


def name_of(root: Location) -> str:
    """The name of a root: by its path or URL alone."""
    return f"data-{xxhash.xxh3_64_hexdigest(os.fsencode(root))}"


def choose(inputs: Sequence[Location], roots: Sequence[Location], spool: bool) -> str:
    """The name of the place by which a job of these files goes; empty if there is none, and its batches travel."""
    if spool:
        return SPOOL
    return next((name_of(root) for root in roots if all(_has(root, each) for each in inputs)), "")


def _has(root: Location, input: Location) -> bool:
    if isinstance(root, Url) or isinstance(input, Url):
        return isinstance(root, Url) and isinstance(input, Url) and input.is_below(root)
    return is_below(input.resolve(), root.resolve())
