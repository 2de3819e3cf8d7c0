"""Every threshold at once: the ROC and precision-recall curves of scores, and the areas under them."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.quality.metrics import Metrics


class Curve(NamedTuple):
    """What is blocked at each distinct score as the threshold, from the highest down. K is how many there are."""

    thresholds: npt.NDArray[np.float32]  # [K], descending
    true_positives: npt.NDArray[np.int64]  # [K]
    false_positives: npt.NDArray[np.int64]  # [K]
    spam: int
    ham: int

    @property
    def is_defined(self) -> bool:
        """Whether there is something to tell apart: both spam and ham."""
        return self.spam > 0 and self.ham > 0

    @property
    def precision(self) -> npt.NDArray[np.float64]:
        return self.true_positives / (self.true_positives + self.false_positives)

    def at(self, index: int) -> Metrics:
        """The counts at `thresholds[index]`."""
        caught, lost = int(self.true_positives[index]), int(self.false_positives[index])
        return Metrics(caught, lost, self.ham - lost, self.spam - caught)


def trace(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_]) -> Curve:
    """Sort scores [N] with labels [N] into a curve. Equal scores share a point: no threshold tells them apart."""
    order = np.argsort(-scores, kind="stable")
    ranked, spam = scores[order], labels[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], [True] if len(ranked) else []))
    caught = np.cumsum(spam, dtype=np.int64)[last]
    return Curve(ranked[last], caught, last + 1 - caught, int(labels.sum()), int((~labels).sum()))


def roc_auc(curve: Curve) -> float:
    """The chance that a spam message scores above a ham one, a tie counting half (Hanley and McNeil, 1982).

    The trapezoids under the ROC curve, in exact integers. nan unless there are both spam and ham.
    """
    if not curve.is_defined:
        return math.nan
    caught = np.concatenate([[0], curve.true_positives])
    lost = np.diff(curve.false_positives, prepend=0)
    return int((lost * (caught[1:] + caught[:-1])).sum()) / (2 * curve.spam * curve.ham)


def average_precision(curve: Curve) -> float:
    """The area under the precision-recall curve as steps: the mean precision over the spam messages. nan without any.

    The sum of (R_n - R_(n-1)) * P_n: no straight lines between points, which would flatter (Davis and Goadrich, 2006).
    """
    if not curve.spam:
        return math.nan
    return float((np.diff(curve.true_positives, prepend=0) * curve.precision).sum() / curve.spam)


def corners(curve: Curve) -> npt.NDArray[np.int64]:
    """The indices of the points where the ROC curve turns, first and last among them: they draw the same picture."""
    across, up = np.diff(curve.false_positives, prepend=0), np.diff(curve.true_positives, prepend=0)
    turns = across[1:] * up[:-1] != across[:-1] * up[1:]
    return np.flatnonzero(np.append(turns, [True] if len(across) else []))
