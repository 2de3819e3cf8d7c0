"""Whether one model is better than another on the same messages, or was luckier."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.quality.intervals import NONE, Interval, Z

EXACT_BELOW = 25  # messages on which the two differ


class Difference(NamedTuple):
    """Two models on the same messages: on how many only the one, or only the other, is right."""

    messages: int
    only_this: int
    only_other: int
    p: float  # the chance of such a difference, or a greater one, if both were equally good
    test: str  # exact, or chi-squared

    @property
    def gain(self) -> float:
        """By how much the share of messages that this one is right about is greater; nan without messages."""
        return (self.only_this - self.only_other) / self.messages if self.messages else math.nan

    @property
    def interval(self) -> Interval:
        """Of the gain, by its normal approximation for pairs (Fleiss, "Statistical methods for rates and proportions",
        1981, 8.2): sd^2 = (b + c - (b - c)^2 / n) / n^2. nan where the two never differ.
        """
        differ = self.only_this + self.only_other
        if not differ:
            return NONE
        half = Z * math.sqrt(differ - (self.only_this - self.only_other) ** 2 / self.messages) / self.messages
        return Interval(max(-1.0, self.gain - half), min(1.0, self.gain + half))


def compare(
    scores: npt.NDArray[np.float32], other: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], threshold: float
) -> dict[str, Difference]:
    """Two models' scores [N] of the same messages, with labels [N], at one threshold: over all messages, the spam and
    the ham. Over all, a caught spam message makes good for a lost ham one; apart, it doesn't."""
    this_right, other_right = ((each >= threshold) == labels for each in (scores, other))
    parts = {"all": np.ones(len(labels), bool), "spam": labels, "ham": ~labels}
    return {
        name: mcnemar(
            int(part.sum()),
            int((part & this_right & ~other_right).sum()),
            int((part & other_right & ~this_right).sum()),
        )
        for name, part in parts.items()
    }


def mcnemar(messages: int, only_this: int, only_other: int) -> Difference:
    """McNemar, "Note on the sampling error of the difference between correlated proportions or percentages"
    (Psychometrika 1947): only messages on which the two differ say which one is better.

    Below 25 of those it is the exact test, two-sided: of b + c fair coins at most min(b, c) fall one way, times two.
    From there on chi-squared with one degree of freedom and Edwards' continuity correction (Psychometrika 1948),
    (|b - c| - 1)^2 / (b + c).
    """
    differ = only_this + only_other
    if differ < EXACT_BELOW:
        tail = sum(math.comb(differ, each) for each in range(min(only_this, only_other) + 1))
        return Difference(messages, only_this, only_other, min(1.0, 2 * tail / 2**differ), "exact")
    statistic = max(0, abs(only_this - only_other) - 1) ** 2 / differ
    return Difference(messages, only_this, only_other, chi_squared_tail(statistic), "chi-squared")


def chi_squared_tail(statistic: float) -> float:
    """The chance that chi-squared with one degree of freedom, a squared normal variable, is at least `statistic`."""
    return math.erfc(math.sqrt(statistic / 2))
