"""Axes: from values to places, ticks where people would put them, and numbers as people read them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high`, with ticks (value, text) among them; logarithmic if `log`."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    label: str
    log: bool = False

    def at(self, value: float) -> float:
        """Its place between the ends: 0 at `low`, 1 at `high`, never outside."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def linear(low: float, high: float, label: str, count: int, text: Callable[[float], str] | None = None) -> Axis:
    """About `count` ticks at 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers for graph labels", 1990). The axis
    ends at `low` and `high`."""
    if not high > low:
        high = low + 1
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(nice for nice in (1, 2, 5, 10) if nice * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [number * step for number in range(first, last + 1)]
    if text is None:
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        text = compact if step >= 1 else (lambda value: f"{value:.{digits}f}")
    return Axis(low, high, tuple((value, text(value)) for value in values), label)


def from_zero(high: float, label: str, count: int, text: Callable[[float], str] | None = None) -> Axis:
    """From 0 to a tick at or above `high`."""
    axis = linear(0, high or 1, label, count, text)
    step = axis.ticks[1][0] if len(axis.ticks) > 1 else axis.high
    return linear(0, math.ceil((high or 1) / step - 1e-9) * step, label, count, text)


def decades(high: float, label: str) -> Axis:
    """Logarithmic, for counts from 1 to `high`: a tick at each power of ten. A count of 1 stands out a little."""
    top = max(1, math.ceil(math.log10(max(high, 2)) - 1e-9))
    every = 2 if top > 6 else 1
    ticks = tuple((10.0**power, compact(10.0**power)) for power in range(0, top + 1, every))
    return Axis(0.6, max(high, 2) * 1.3, tuple(tick for tick in ticks if tick[0] <= high * 1.3), label, log=True)


def clock(begin: float, end: float, count: int) -> Axis:
    """Time of day, where the report is made; `begin` and `end` in seconds since the epoch. Of less than ten minutes,
    seconds from the beginning. As an axis of seconds since `begin`."""
    length = end - begin
    if length < 600:
        return linear(0, length, "seconds since the first batch began", count)
    step = next((step for step in STEPS if length / step <= count), 86400 * math.ceil(length / 86400 / count))
    local = datetime.fromtimestamp(begin).astimezone()
    offset = local.utcoffset()
    shift = begin + (offset.total_seconds() if offset else 0)
    values = [
        number * step - shift for number in range(math.ceil(shift / step), math.floor((shift + length) / step) + 1)
    ]
    form = "%H:%M" if step < 86400 else "%d %b"
    ticks = tuple((value, datetime.fromtimestamp(begin + value).astimezone().strftime(form)) for value in values)
    return Axis(0, length, ticks, f"time of day ({local.tzname()})")


def compact(value: float) -> str:
    """1200 as 1.2k, 3000000 as 3M: for ticks, which are round."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.6g}{unit}"
    return f"{value:.6g}"


def percent(share: float) -> str:
    """A share as a percentage that tells none from few, and all from most."""
    if share in (0, 1):
        return f"{share:.0%}"
    hundred = share * 100
    if hundred < 0.01:
        return "<0.01%"
    if hundred > 99.99:
        return ">99.99%"
    digits = 2 if hundred < 1 or hundred > 99 else 1
    return f"{hundred:.{digits}f}%"


def number(value: float) -> str:
    """A threshold or score as people type it: up to six digits."""
    return f"{value:.6g}"


def duration(seconds: float) -> str:
    """0.42 s, 12.3 s, 4 min 05 s, 3 h 20 min."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02} min"
