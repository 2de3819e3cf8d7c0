"""Parts of the messages: by the values of a column, and by the verdict that they would get."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.quality.intervals import Interval, wilson
from model.quality.metrics import Metrics, metrics


def shares(found: Metrics) -> dict[str, tuple[int, int]]:
    """The figures that are shares of messages: how many, of how many."""
    return {
        "accuracy": (found.true_positives + found.true_negatives, found.messages),
        "precision": (found.true_positives, found.blocked),
        "recall": (found.true_positives, found.spam),
        "false_positive_rate": (found.false_positives, found.ham),
    }


def share_intervals(found: Metrics) -> dict[str, Interval]:
    """Wilson's interval of each of them; nan where it is a share of nothing."""
    return {name: wilson(*parts) for name, parts in shares(found).items()}


class Group(NamedTuple):
    """The messages that have one value in the column."""

    value: str
    metrics: Metrics

    @property
    def shares(self) -> dict[str, float]:
        """By name; nan where not defined."""
        return {name: part / whole if whole else math.nan for name, (part, whole) in shares(self.metrics).items()}

    @property
    def intervals(self) -> dict[str, Interval]:
        return share_intervals(self.metrics)


def by_value(
    values: npt.NDArray[np.object_], scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], threshold: float
) -> list[Group]:
    """One group for each of the values [N] (str), the largest first; of equal size, by value."""
    names, numbers = np.unique(values, return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(numbers, minlength=len(names)))[:-1])
    found = [
        Group(str(name), metrics(scores[part], labels[part], threshold))
        for name, part in zip(names, parts, strict=True)
    ]
    return sorted(found, key=lambda group: (-group.metrics.messages, group.value))


class Verdict(NamedTuple):
    """The messages with a score in [from, the next verdict's)."""

    name: str  # ham, review or spam
    begin: float  # 0 for ham
    messages: int
    spam: int
    of: int  # all messages

    @property
    def share(self) -> float:
        return self.messages / self.of if self.of else math.nan

    @property
    def interval(self) -> Interval:
        """Of the share."""
        return wilson(self.messages, self.of)


def verdicts(
    scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], review: float, spam: float
) -> Sequence[Verdict]:
    """What becomes of messages with scores [N] and labels [N]: from `spam` on they are spam, else from `review` on for
    somebody to look at, else ham; as `model rules` has it."""
    level = (scores >= review).astype(np.int64) + (scores >= spam)
    counts, caught = np.bincount(level, minlength=3), np.bincount(level[labels], minlength=3)
    rows = zip(("ham", "review", "spam"), (0.0, review, spam), counts, caught, strict=True)
    return [Verdict(name, begin, int(many), int(bad), len(scores)) for name, begin, many, bad in rows]
