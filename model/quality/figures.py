"""Every figure that labelled scores give, by name, and how far the figures spread over parts of the messages."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.errors import ModelError
from model.quality import calibration, curves, folds
from model.quality.metrics import HAM_COSTS, metrics


class Spread(NamedTuple):
    """A figure over several folds. `deviation` is the sample standard deviation (n - 1); nan where it has none."""

    mean: float
    deviation: float


def figures(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], threshold: float) -> dict[str, float]:
    """Compute everything from scores [N] in [0, 1] and labels [N]: nan where a figure is not defined.

    So it is for recall without spam, say; `Metrics` calls it 0. A total cost ratio without errors is inf.
    """
    found = metrics(scores, labels, threshold)
    curve = curves.trace(scores, labels)
    return {
        "accuracy": found.accuracy if found.messages else math.nan,
        "precision": found.precision if found.blocked else math.nan,
        "recall": found.recall if found.spam else math.nan,
        "false_positive_rate": found.false_positive_rate if found.ham else math.nan,
        "f1": found.f1 if found.spam or found.blocked else math.nan,
        "mcc": found.mcc if curve.is_defined else math.nan,
        "roc_auc": curves.roc_auc(curve),
        "average_precision": curves.average_precision(curve),
        "brier": calibration.brier(scores, labels),
        "calibration_error": calibration.calibration_error(calibration.reliability(scores, labels)),
        **{f"tcr_{cost}": found.total_cost_ratio(cost) for cost in HAM_COSTS},
    }


def over_folds(
    scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], threshold: float, count: int
) -> dict[str, Spread]:
    """Compute the figures on each of `count` stratified parts of the messages. ModelError if a label has too few.

    Nothing is trained: this is how much the figures owe to which messages were there, not cross-validation.
    """
    smallest = min(int(labels.sum()), int((~labels).sum()))
    if smallest < count:
        raise ModelError(f"{count} folds need as many messages of each label; one label has {smallest}")
    assigned = folds.stratified(labels, count)
    parts = [figures(scores[assigned == fold], labels[assigned == fold], threshold) for fold in range(count)]
    return {name: _spread([part[name] for part in parts]) for name in parts[0]}


def _spread(found: list[float]) -> Spread:
    if not all(math.isfinite(each) for each in found):
        return Spread(sum(found), math.nan)  # inf if one is infinite, nan if one is not defined
    return Spread(float(np.mean(found)), float(np.std(found, ddof=1)))
