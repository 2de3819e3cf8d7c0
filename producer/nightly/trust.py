"""Whose files the schedule takes. It looks into folders that others may write to, and what it reads lands in files that
others may read: a link there, or another user's file, may be somebody's try to have read what only the schedule can."""

import os
import pwd
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from formats.files.location import Location
from jobs.errors import SettingsError

ANYBODY = "anybody"


@dataclass(frozen=True, slots=True)
class Trust:
    """In regular files of the schedule's own user and groups, and of these `users` (their numbers); with `anybody`, of
    whoever there is. What an object storage has, it has let in itself."""

    users: frozenset[int] = frozenset()
    anybody: bool = False

    @classmethod
    def read(cls, words: Sequence[str]) -> Self:
        """Of users' names or numbers, or `anybody`. Raises SettingsError for a user that there is not."""
        users = [_user(word) for word in words if word != ANYBODY]
        return cls(frozenset(users), ANYBODY in words)

    def objection(self, path: Location, base: str) -> str:
        """Why a file is not taken; empty if it is. `base` is the folder, with a slash at its end, that the schedule's
        pattern names itself: only the way to that may lead through links."""
        if not isinstance(path, Path):
            return ""
        try:
            status = path.lstat()
            is_led_away = os.path.realpath(path) != _plainly(path, base)
        except OSError:  # it is gone: the next look will tell
            return ""
        if stat.S_ISLNK(status.st_mode) or is_led_away:
            return "it is a link, or behind one, and links are not followed"
        return self.objection_to(status)

    def objection_to(self, status: os.stat_result) -> str:
        """The same, of a file that is opened."""
        if not stat.S_ISREG(status.st_mode):
            return "it is no regular file"
        ours = status.st_uid in (os.geteuid(), *self.users) or status.st_gid in (os.getegid(), *os.getgroups())
        if ours or self.anybody:
            return ""
        return f"it belongs to {_name(status.st_uid)}, who is not among ours: --foreign {_name(status.st_uid)} takes it"


ONLY_OURS = Trust()


def _plainly(path: Path, base: str) -> str:
    """Where it is if no step behind the base is a link."""
    return os.path.join(os.path.realpath(base or "."), str(path).removeprefix(base))  # noqa: PTH118 -- as realpath has it


def _user(word: str) -> int:
    try:
        return int(word) if word.isdecimal() else pwd.getpwnam(word).pw_uid
    except KeyError:
        raise SettingsError(f"{word!r} is no user here, nor {ANYBODY!r}, whose files are to be taken") from None


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
