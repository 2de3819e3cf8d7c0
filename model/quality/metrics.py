"""What a threshold does to labelled messages: counts, and the rates that follow from them."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# How many passed spam messages a blocked ham message weighs: 9 if its sender is asked to send it again, 999 if it is
# deleted. Androutsopoulos et al., "An evaluation of naive Bayesian anti-spam filtering" (2000, arXiv:cs/0006013).
HAM_COSTS = (9, 999)


class Metrics(NamedTuple):
    """Counts of messages at a threshold; positive means spam. A rate whose denominator is 0 is 0."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def messages(self) -> int:
        return sum(self)

    @property
    def spam(self) -> int:
        return self.true_positives + self.false_negatives

    @property
    def ham(self) -> int:
        return self.true_negatives + self.false_positives

    @property
    def blocked(self) -> int:
        return self.true_positives + self.false_positives

    @property
    def accuracy(self) -> float:
        return _ratio(self.true_positives + self.true_negatives, self.messages)

    @property
    def precision(self) -> float:
        return _ratio(self.true_positives, self.blocked)

    @property
    def recall(self) -> float:
        return _ratio(self.true_positives, self.spam)

    @property
    def false_positive_rate(self) -> float:
        return _ratio(self.false_positives, self.ham)

    @property
    def f1(self) -> float:
        return _ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)

    @property
    def mcc(self) -> float:
        """Matthews' correlation coefficient, in [-1, 1] (Matthews, 1975): fair however rare spam is."""
        agreement = self.true_positives * self.true_negatives - self.false_positives * self.false_negatives
        unblocked = self.true_negatives + self.false_negatives
        return _ratio(agreement, math.sqrt(self.blocked * self.spam * self.ham * unblocked))

    def total_cost_ratio(self, ham_cost: float) -> float:
        """TCR: the cost of no filter, over that of this one. Below 1, no filter is better; inf if it makes no error.

        N_spam / (ham_cost * FP + FN), Androutsopoulos et al. (2000). nan where there is neither spam nor error.
        """
        cost = ham_cost * self.false_positives + self.false_negatives
        if cost == 0:
            return math.inf if self.spam else math.nan
        return self.spam / cost

    def as_dict(self) -> dict[str, float]:
        """Everything, in the order people read it."""
        rates = {name: round(getattr(self, name), 6) for name in ("accuracy", "precision", "recall", "f1", "mcc")}
        return {"messages": self.messages, **rates, **self._asdict()}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def metrics(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], threshold: float = 0.5) -> Metrics:
    """Compare scores [N] with labels [N]; a score of at least `threshold` says spam."""
    said = scores >= threshold
    return Metrics(
        int((said & labels).sum()),
        int((said & ~labels).sum()),
        int((~said & ~labels).sum()),
        int((~said & labels).sum()),
    )
