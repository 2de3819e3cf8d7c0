"""How far a share that was found may be from the true one."""

import math
from typing import NamedTuple

Z = 1.959964  # of the standard normal distribution, 95 % lie within so many standard deviations of the mean


class Interval(NamedTuple):
    """A 95 % confidence interval; nan where there is none."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


NONE = Interval(math.nan, math.nan)


def wilson(found: int, of: int) -> Interval:
    """The interval of a share, `found` of `of` messages: wide where they are few, and never outside [0, 1].

    Wilson, "Probable inference, the law of succession, and statistical inference" (JASA 1927); Newcombe (1998) compares
    it with others, as his method 3.
    """
    if not of:
        return NONE
    share, z2 = found / of, Z * Z / of
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(z2 * share * (1 - share) + z2 * z2 / 4) / (1 + z2)
    # Rounding must not put the share itself outside.
    return Interval(max(0.0, middle - half) if found else 0.0, min(1.0, middle + half) if found < of else 1.0)
