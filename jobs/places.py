"""Where producer and workers can both read and write beside the server: what a job may go by reference through.

A place is the spool of one machine, or a root of NIGHTSHIFT_DATA: a folder that all who were told of it have under the
same path, as on a shared file system. A worker opens nothing outside its places, whatever the server says.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import xxhash

from jobs.errors import SettingsError
from jobs.record import Life
from jobs.spool import Spool

SPOOL = "spool"  # the name of the place that is one
_PARTS = ".nightshift"  # the folder of a root in which parts wait


class Root(Spool):
    """A root of NIGHTSHIFT_DATA. Every input below it may be read."""

    setting = "NIGHTSHIFT_DATA"

    def __init__(self, root: Path) -> None:
        self._root, self._parts = root, root / _PARTS
        super().__init__(self._parts)

    def _check(self, folder: Path) -> None:
        """Nor may it be a link, which could lead outside."""
        if folder.is_symlink():
            raise SettingsError(f"{self.setting}: {folder} is a link")
        super()._check(folder)

    def forget(self, life: Life, kind: str = "*") -> None:
        if not self._parts.is_symlink():
            super().forget(life, kind)

    def drop_parts(self, life: Life, names: Iterable[str]) -> None:
        if not self._parts.is_symlink():
            super().drop_parts(life, names)

    def grant(self, life: Life, path: str) -> None:
        """It needs no word: whoever has set the root has said so."""

    def granted(self, life: Life, path: str) -> Path | None:
        """Links on the way may stay within the root."""
        del life
        try:
            found = Path(path).resolve(strict=True)
            root = self._root.resolve(strict=True)
        except ValueError:  # no path at all
            return None
        except (OSError, RuntimeError):
            return Path(path) if _is_below(Path(path), self._root) else None  # whoever opens it says why it can't
        return found if _is_below(found, root) else None


class Places:
    """Those that this process was told of."""

    def __init__(self, spool: Spool, roots: Iterable[Path] = ()) -> None:
        self.spool = spool
        self._named: dict[str, Spool] = {name_of(root): Root(root) for root in roots}
        if spool.is_there:
            self._named[SPOOL] = spool

    def of(self, name: str) -> Spool:
        """The place of a job that goes by reference; one that is nowhere, if this process was not told of it."""
        return self._named.get(name) or Spool(None)

    @property
    def names(self) -> list[str]:
        return list(self._named)

    def forget(self, life: Life, kind: str = "*") -> None:
        """Removes all that is there of the job."""
        for place in self._named.values():
            place.forget(life, kind)


def name_of(root: Path) -> str:
    """The name of a root: by its path alone."""
    return f"data-{xxhash.xxh3_64_hexdigest(os.fsencode(root))}"


def choose(input: Path, roots: Sequence[Path], spool: bool) -> str:
    """The place by which a job of that input goes; empty if there is none, and its batches travel."""
    if spool:
        return SPOOL
    path = input.resolve()
    return next((name_of(root) for root in roots if _is_below(path, root.resolve())), "")


def _is_below(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and ".." not in path.parts
