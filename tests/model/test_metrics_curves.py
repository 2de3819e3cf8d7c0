"""Areas under curves: how well scores rank, whatever the threshold."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.quality import curves

Scored = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]


@st.composite
def scored(draw: st.DrawFn) -> Scored:
    """Scores in steps of 1/8, so that many are equal, and labels of both kinds."""
    rows = draw(st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=30))
    rows += [(draw(st.integers(0, 8)), True), (draw(st.integers(0, 8)), False)]
    return np.array([score / 8 for score, _ in rows], np.float32), np.array([label for _, label in rows])


def auc(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_]) -> float:
    return curves.roc_auc(curves.trace(scores, labels))


def test_areas_by_hand() -> None:
    """Spam at 0.9, 0.5, 0.4, ham at 0.8, 0.1: of six pairs two are the wrong way round."""
    scores, labels = np.array([0.9, 0.5, 0.4, 0.1, 0.8], np.float32), np.array([True, True, True, False, False])
    curve = curves.trace(scores, labels)
    assert curve.true_positives.tolist() == [1, 1, 2, 3, 3]
    assert curve.false_positives.tolist() == [0, 1, 1, 1, 2]
    assert curves.roc_auc(curve) == pytest.approx(4 / 6)
    assert curves.average_precision(curve) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_a_model_that_says_the_same_of_all_guesses() -> None:
    """Sorted by luck it could look like anything; ties count half."""
    labels = np.array([True, True, True, False])
    curve = curves.trace(np.full(4, 0.7, np.float32), labels)
    assert (curves.roc_auc(curve), curves.average_precision(curve)) == (0.5, 0.75)


@pytest.mark.parametrize("label", [True, False])
def test_one_class_has_no_ranking(label: bool) -> None:
    curve = curves.trace(np.array([0.1, 0.9], np.float32), np.array([label, label]))
    assert math.isnan(curves.roc_auc(curve))
    assert math.isnan(curves.average_precision(curve)) != label
    assert math.isnan(curves.roc_auc(curves.trace(np.zeros(0, np.float32), np.zeros(0, bool))))


@given(scored())
def test_the_area_is_the_share_of_pairs_in_order(rows: Scored) -> None:
    """The definition, pair by pair."""
    scores, labels = rows
    pairs = [np.sign(spam - ham) for spam in scores[labels] for ham in scores[~labels]]
    assert auc(*rows) == pytest.approx((np.mean(pairs) + 1) / 2)


@given(scored())
def test_only_the_order_of_scores_counts(rows: Scored) -> None:
    scores, labels = rows
    curve, squared = curves.trace(scores, labels), curves.trace(scores**2 / 2, labels)
    assert curves.roc_auc(curve) == curves.roc_auc(squared)
    assert curves.average_precision(curve) == curves.average_precision(squared)


@given(scored())
def test_swapped_labels_mirror_the_area(rows: Scored) -> None:
    scores, labels = rows
    assert auc(scores, labels) + auc(scores, ~labels) == pytest.approx(1)


@given(scored(), st.randoms(use_true_random=False))
def test_the_order_of_messages_does_not_count(rows: Scored, random: object) -> None:
    scores, labels = rows
    order = np.arange(len(scores))
    random.shuffle(order)  # type: ignore[attr-defined]
    one, other = curves.trace(scores, labels), curves.trace(scores[order], labels[order])
    assert all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))


@given(scored())
def test_the_corners_draw_the_same_curve(rows: Scored) -> None:
    curve = curves.trace(*rows)
    kept = curves.corners(curve)
    up = np.concatenate([[0], curve.true_positives[kept]])
    across = np.concatenate([[0], curve.false_positives[kept]])
    assert np.trapezoid(up, across) / (curve.spam * curve.ham) == pytest.approx(curves.roc_auc(curve))
