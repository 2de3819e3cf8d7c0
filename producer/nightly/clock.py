"""The time that the schedule goes by: the system's, unless a test brings its own; and this machine's time zone."""

import os
import time
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from jobs.errors import SettingsError

SLICE_SECONDS = 60.0  # slept at a time: the system's clock may be set, and the machine may have been asleep itself


class Clock(Protocol):
    """Tells the time and passes it."""

    def now(self) -> datetime:
        """Aware, in any zone."""
        ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The real one."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def sleep_until(clock: Clock, moment: datetime) -> None:
    while (left := (moment - clock.now()).total_seconds()) > 0:
        clock.sleep(min(left, SLICE_SECONDS))


def time_zone(name: str | None) -> tzinfo:
    """The zone of that IANA name; without one, this machine's: TZ, else /etc/localtime, else UTC. Raises SettingsError
    for a name that is none."""
    name = name or os.environ.get("TZ", "").removeprefix(":")
    if name:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise SettingsError(f"{name!r} is no time zone; one is Europe/Berlin, for example") from None
    try:
        with Path("/etc/localtime").open("rb") as rules:
            return ZoneInfo.from_file(rules, "localtime")
    except (OSError, ValueError):
        return UTC
