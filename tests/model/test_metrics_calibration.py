"""Whether a score can be read as a probability."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.quality import calibration


def test_calibration_by_hand() -> None:
    """Two at 0.25, one of them spam; two at 0.75, both spam: each half is off by a quarter."""
    scores, labels = np.array([0.25, 0.25, 0.75, 0.75], np.float32), np.array([True, False, True, True])
    bins = calibration.reliability(scores, labels)
    assert [(each.low, each.messages, each.spam, each.mean_score) for each in bins if each.messages] == [
        (0.2, 2, 1, 0.25),
        (0.7, 2, 2, 0.75),
    ]
    assert calibration.calibration_error(bins) == 0.25
    assert calibration.brier(scores, labels) == (0.75**2 + 0.25**2 * 3) / 4


def test_certain_and_right_is_perfect_and_wrong_the_worst() -> None:
    labels = np.array([True, False])
    for scores, error in ((labels, 0), (~labels, 1)):
        certain = scores.astype(np.float32)
        assert calibration.brier(certain, labels) == error
        assert calibration.calibration_error(calibration.reliability(certain, labels)) == error


def test_a_score_on_an_edge_is_in_the_bin_that_starts_there() -> None:
    """Of ten float32 edges some are above the double of the same name, some below."""
    scores = (np.arange(11) / 10).astype(np.float32)
    bins = calibration.reliability(scores, np.zeros(11, bool))
    assert [each.messages for each in bins] == [1] * 9 + [2]  # 1 has no bin of its own


def test_few_messages_have_a_wide_interval() -> None:
    """Wilson's, as in its tables: 5 of 5 are compatible with 57 %."""
    assert calibration.Bin(0.5, 0.6, 5, 5, 0.55).interval == pytest.approx((0.5655, 1), abs=1e-4)
    assert calibration.Bin(0.5, 0.6, 10, 5, 0.55).interval == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert math.isnan(calibration.Bin(0.5, 0.6, 0, 0, math.nan).interval[0])


def test_nothing_is_not_calibrated() -> None:
    nothing = np.zeros(0, np.float32), np.zeros(0, bool)
    assert math.isnan(calibration.brier(*nothing))
    assert math.isnan(calibration.calibration_error(calibration.reliability(*nothing)))


@given(st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=1, max_size=40))
def test_every_message_is_in_one_bin_and_errors_are_bounded(rows: list[tuple[float, bool]]) -> None:
    scores, labels = np.array([score for score, _ in rows], np.float32), np.array([label for _, label in rows])
    bins = calibration.reliability(scores, labels)
    assert sum(each.messages for each in bins) == len(rows)
    assert sum(each.spam for each in bins) == labels.sum()
    assert all(each.low - 1e-6 <= each.mean_score <= each.high + 1e-6 for each in bins if each.messages)
    assert 0 <= calibration.calibration_error(bins) <= 1
    assert 0 <= calibration.brier(scores, labels) <= 1
