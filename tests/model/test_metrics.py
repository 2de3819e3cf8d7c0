"""The figures that people decide by: each against a value worked out by hand, and where it is not defined."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from model.errors import ModelError
from model.quality import curves, figures, folds, thresholds
from model.quality.metrics import Metrics, metrics

SCORES = np.array([0.9, 0.5, 0.4, 0.1, 0.8], np.float32)
LABELS = np.array([True, True, True, False, False])


def test_the_figures_by_hand() -> None:
    found = metrics(SCORES, LABELS)
    assert (found.true_positives, found.false_positives, found.true_negatives, found.false_negatives) == (2, 1, 1, 1)
    assert found.as_dict() == {
        "messages": 5, "accuracy": 0.6, "precision": 0.666667, "recall": 0.666667, "f1": 0.666667, "mcc": 0.166667,
        "true_positives": 2, "false_positives": 1, "true_negatives": 1, "false_negatives": 1,
    }  # fmt: skip
    assert found.false_positive_rate == 0.5
    assert metrics(SCORES, LABELS, threshold=0.85).false_positives == 0


def test_rates_of_nothing_are_zero() -> None:
    nothing = metrics(np.zeros(0, np.float32), np.zeros(0, bool))
    assert (nothing.accuracy, nothing.precision, nothing.recall, nothing.f1, nothing.mcc) == (0, 0, 0, 0, 0)


def test_a_score_at_the_threshold_is_spam() -> None:
    """0.9 as a float32 is below 0.9 as a double; whoever blocks "from 0.9" means both."""
    assert metrics(np.array([0.9], np.float32), np.array([True]), threshold=0.9).true_positives == 1


def test_matthews_does_not_overflow_with_a_night_of_messages() -> None:
    """The product of the four sums is some 10^36 here: more than an int64 holds."""
    assert Metrics(10**9, 0, 10**9, 0).mcc == 1


def test_the_total_cost_ratio_is_that_of_the_paper() -> None:
    """100 spam; 2 ham lost, 10 spam passed: 100 / (9 * 2 + 10). Above 1, the filter pays."""
    found = Metrics(90, 2, 398, 10)
    assert found.total_cost_ratio(9) == pytest.approx(100 / 28)
    assert found.total_cost_ratio(999) == pytest.approx(100 / 2008)


def test_a_filter_without_errors_has_no_finite_cost_ratio() -> None:
    assert Metrics(100, 0, 400, 0).total_cost_ratio(9) == math.inf
    assert math.isnan(Metrics(0, 0, 400, 0).total_cost_ratio(9))  # no spam, so no cost to save
    assert Metrics(0, 0, 400, 100).total_cost_ratio(9) == 1  # blocks nothing: as good as no filter


def choices(scores: npt.ArrayLike, labels: npt.ArrayLike, chosen: float = 0.5) -> dict[float, thresholds.Choice]:
    curve = curves.trace(np.array(scores, np.float32), np.array(labels, bool))
    return {each.threshold: each for each in thresholds.choices(curve, chosen)}


def test_thresholds_are_offered_with_what_they_would_block() -> None:
    found = choices(SCORES, LABELS, chosen=0.45)
    assert list(found) == sorted(found)
    assert set(found) >= {0.1, 0.45, 0.5, 0.9, 0.99, 0.999}
    assert found[0.45].why == "the chosen one"
    assert (found[0.45].metrics.blocked, found[0.45].metrics.false_positives) == (3, 1)
    assert found[0.999].metrics == Metrics(0, 0, 2, 3)
    assert "ham costs 9" in found[0.9].why
    assert "no ham blocked" in found[0.9].why


def test_the_threshold_that_reaches_a_precision_is_the_one_with_the_most_recall() -> None:
    """200 spam from 0.6 up and one ham at 0.7 among them: 99 % is reached down to 0.6, 99.9 % only above that ham."""
    scores = np.concatenate([np.linspace(0.6, 0.65, 100), [0.7], np.linspace(0.75, 0.95, 100), np.full(50, 0.3)])
    labels = np.concatenate([np.ones(100), [0], np.ones(100), np.zeros(50)])
    found = {why: each for each in choices(scores, labels).values() for why in each.why.split(", ")}
    assert (found["precision 99%"].threshold, found["precision 99%"].metrics.recall) == (0.6, 1)
    assert found["precision 99.9%"].threshold == found["no ham blocked"].threshold == 0.75
    assert found["no ham blocked"].metrics.recall == 0.5


def test_a_goal_that_no_threshold_reaches_is_not_offered() -> None:
    assert "precision" not in " ".join(each.why for each in choices([0.9, 0.1], [False, True]).values())


def test_what_is_not_defined_is_not_called_zero() -> None:
    """Known ham alone is a fair question: how much of it is lost? Recall has no answer then."""
    found = figures.figures(np.array([0.9, 0.2], np.float32), np.array([False, False]), 0.5)
    assert found["false_positive_rate"] == 0.5
    assert all(math.isnan(found[name]) for name in ("recall", "mcc", "roc_auc", "average_precision"))
    assert math.isnan(figures.figures(np.array([0.1, 0.2], np.float32), np.array([True, False]), 0.5)["precision"])


def test_figures_spread_over_parts_of_the_messages() -> None:
    """Two folds with accuracies 1/2 and 1: mean 3/4, and the sample standard deviation sqrt(1/8)."""
    labels = np.array([True, True, False, False])
    assigned = folds.stratified(labels, 2)
    scores = labels.astype(np.float32)
    scores[np.flatnonzero(labels & (assigned == 0))] = 0
    found = figures.over_folds(scores, labels, 0.5, 2)
    assert found["accuracy"] == pytest.approx((0.75, math.sqrt(1 / 8)))
    assert found["tcr_9"].mean == math.inf
    assert math.isnan(found["tcr_9"].deviation)


def test_too_few_messages_for_the_folds_is_said() -> None:
    with pytest.raises(ModelError, match="3 folds need as many messages of each label; one label has 2"):
        figures.over_folds(SCORES, LABELS, 0.5, 3)


def test_folds_are_stratified_and_are_those_of_scikit_learn() -> None:
    labels = np.arange(20) % 4 == 0
    assigned = folds.stratified(labels, 5)
    # StratifiedKFold(5, shuffle=True, random_state=0) of scikit-learn 1.9
    assert assigned.tolist() == [2, 3, 0, 4, 0, 2, 2, 0, 1, 1, 0, 1, 3, 4, 3, 2, 4, 4, 3, 1]
    assert [int(labels[assigned == fold].sum()) for fold in range(5)] == [1, 1, 1, 1, 1]
