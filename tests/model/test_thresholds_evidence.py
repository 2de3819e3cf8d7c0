"""Figures that somebody will be held to: each against a published value, one worked out by hand, or the plain way."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.quality import bootstrap, calibration, comparison, costs, curves, figures, groups, intervals
from model.quality.metrics import Metrics

Scored = tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]


@st.composite
def scored(draw: st.DrawFn) -> Scored:
    """Scores in steps of 1/20, so that many are equal and some lie at the borders of bins."""
    rows = draw(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=25))
    return np.array([score / 20 for score, _ in rows], np.float32), np.array([label for _, label in rows])


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_share_has_the_interval_that_newcombe_published(found: int, of: int, low: float, high: float) -> None:
    """R. G. Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3."""
    limits = intervals.wilson(found, of)
    assert (round(limits.low, 4), round(limits.high, 4)) == (low, high)
    mirrored = intervals.wilson(of - found, of)
    assert mirrored == pytest.approx((1 - limits.high, 1 - limits.low))


@given(st.integers(1, 10**9), st.data())
def test_a_share_is_within_its_interval_however_many_there_are(of: int, data: st.DataObject) -> None:
    found = data.draw(st.integers(0, of))
    low, high = intervals.wilson(found, of)
    assert 0 <= low <= found / of <= high <= 1


def test_a_share_of_nothing_has_none() -> None:
    assert all(math.isnan(each) for each in intervals.wilson(0, 0))


@given(scored(), st.integers(0, 20), st.integers(0, 2**32))
def test_a_sample_has_the_figures_of_the_messages_in_it(rows: Scored, threshold: int, seed: int) -> None:
    """Weights and sums, or the messages themselves, as often as they were drawn: the same."""
    scores, labels = rows
    drawn = np.random.default_rng(seed).integers(0, len(scores), (3, len(scores)))
    order = np.argsort(-scores, kind="stable")
    times = np.stack([np.bincount(each, minlength=len(scores))[order] for each in drawn])
    found = bootstrap.Ranked(scores, labels, threshold / 20).of(times)
    for number, each in enumerate(drawn):
        plain = figures.figures(scores[each], labels[each], threshold / 20)
        for name, values in found.items():
            assert values[number] == pytest.approx(plain[name], nan_ok=True, abs=1e-12), name


def normal(messages: int, seed: int = 0) -> Scored:
    """Half spam; logits of both kinds are normal, so far apart that the area under the curve is 0.921."""
    random = np.random.default_rng(seed)
    labels = random.random(messages) < 0.5
    logits = random.standard_normal(messages) + np.where(labels, 1.0, -1.0)
    return (1 / (1 + np.exp(-2 * logits))).astype(np.float32), labels  # so scores are calibrated


def test_the_area_s_interval_is_as_wide_as_hanley_and_mcneil_say() -> None:
    """Radiology 1982: SE^2 = (A (1-A) + (S-1)(Q1-A^2) + (H-1)(Q2-A^2)) / (S H), Q1 = A / (2-A), Q2 = 2 A^2 / (1+A)."""
    scores, labels = normal(2000)
    area, spam, ham = curves.roc_auc(curves.trace(scores, labels)), int(labels.sum()), int((~labels).sum())
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (spam - 1) * (q1 - area**2) + (ham - 1) * (q2 - area**2)
    half = 1.959964 * math.sqrt(variance / (spam * ham))
    found = bootstrap.intervals(scores, labels, 0.5)["roc_auc"]
    assert found.low < area < found.high
    assert found.width == pytest.approx(2 * half, rel=0.12)


def test_the_same_messages_have_the_same_intervals_every_time() -> None:
    scores, labels = normal(300)
    assert bootstrap.intervals(scores, labels, 0.5) == bootstrap.intervals(scores, labels, 0.5)
    assert bootstrap.intervals(scores, labels, 0.5, 1) != bootstrap.intervals(scores, labels, 0.5)


def test_calibrated_scores_are_not_said_to_be_off() -> None:
    """The error of a sample of calibrated scores is never 0, and a sample of that sample's is greater still: its plain
    percentiles would begin at 0.02 and more."""
    for seed in range(6):
        scores, labels = normal(500, seed)
        limits = bootstrap.intervals(scores, labels, 0.5)["calibration_error"]
        plain = bootstrap.Ranked(scores, labels, 0.5).figures(200, np.random.default_rng(0))["calibration_error"]
        assert 0 <= limits.low < 0.02 < np.percentile(plain, 2.5), seed
        assert limits.low < calibration.calibration_error(calibration.reliability(scores, labels)) < limits.high


def test_scores_that_are_off_are_said_to_be_so_by_as_much() -> None:
    """0.9 is said of messages of which half are spam: 0.4, give or take 1.96 sqrt(0.25 / 500)."""
    scores, labels = np.full(500, 0.9, np.float32), np.arange(500) % 2 == 0
    limits = bootstrap.intervals(scores, labels, 0.5)["calibration_error"]
    half = 1.96 * math.sqrt(0.25 / 500)
    assert limits == pytest.approx((0.4 - half, 0.4 + half), abs=0.005)


def test_a_model_without_errors_has_no_interval_made_of_samples() -> None:
    """Each sample is perfect too: [1, 1] would claim a certainty that nobody has."""
    found = bootstrap.intervals(np.array([0.9, 0.8, 0.1], np.float32), np.array([True, True, False]), 0.5)
    assert all(math.isnan(each) for name in ("f1", "roc_auc") for each in found[name])
    nothing = bootstrap.intervals(np.zeros(0, np.float32), np.zeros(0, bool), 0.5)
    assert all(math.isnan(each) for limits in nothing.values() for each in limits)


def test_many_messages_are_drawn_fewer_times() -> None:
    assert [bootstrap.samples_of(many) for many in (0, 10, 100_000, 250_000, 10**7)] == [1000, 1000, 1000, 400, 200]


@pytest.mark.parametrize(("differ", "p"), [((1, 9), 22 / 1024), ((0, 5), 2 / 32), ((5, 5), 1.0), ((0, 0), 1.0)])
def test_few_messages_that_differ_are_coins(differ: tuple[int, int], p: float) -> None:
    """By hand: ten coins, at most one of them heads, on either side: 2 (1 + 10) / 2^10."""
    for pair in (differ, differ[::-1]):
        found = comparison.mcnemar(100, *pair)
        assert (found.p, found.test) == (p, "exact")


def test_many_that_differ_are_chi_squared() -> None:
    """The published 5 %, 1 % and 0.1 % points of chi-squared with one degree of freedom; and by hand: 121 against 59,
    (62 - 1)^2 / 180 = 20.672."""
    for point, p in ((3.841459, 0.05), (6.634897, 0.01), (10.827566, 0.001)):
        assert comparison.chi_squared_tail(point) == pytest.approx(p, rel=1e-6)
    found = comparison.mcnemar(500, 121, 59)
    assert (found.test, found.p) == ("chi-squared", comparison.chi_squared_tail(3721 / 180))
    assert comparison.mcnemar(500, 20, 20).p == 1
    assert comparison.mcnemar(500, 13, 12).test == "chi-squared"
    assert comparison.mcnemar(500, 12, 12).test == "exact"


def test_both_tests_agree_where_one_follows_the_other() -> None:
    exact, other = comparison.mcnemar(500, 6, 18), comparison.mcnemar(500, 6, 19)
    assert (exact.test, other.test) == ("exact", "chi-squared")
    assert exact.p == pytest.approx(2 * 190_051 / 2**24)  # 190051 = C(24,0) + ... + C(24,6)
    assert exact.p > other.p > exact.p / 2


def test_the_gain_of_one_model_over_another_has_an_interval() -> None:
    """By hand: 30 and 10 of 1,000; 0.02, sd = sqrt(40 - 0.4) / 1000."""
    found = comparison.mcnemar(1000, 30, 10)
    assert found.gain == 0.02
    assert found.interval == pytest.approx((0.02 - 1.959964 * 0.0062929, 0.02 + 1.959964 * 0.0062929), abs=1e-6)
    assert math.isnan(comparison.mcnemar(10, 0, 0).interval.low), "who never differ, may still do so"
    assert math.isnan(comparison.mcnemar(0, 0, 0).gain)


def test_models_are_compared_over_all_and_apart() -> None:
    labels = np.array([True, True, True, False, False])
    this, other = np.array([0.9, 0.9, 0.1, 0.9, 0.1], np.float32), np.array([0.9, 0.1, 0.1, 0.1, 0.1], np.float32)
    found = comparison.compare(this, other, labels, 0.5)
    assert {name: each[:3] for name, each in found.items()} == {"all": (5, 1, 1), "spam": (3, 1, 0), "ham": (2, 0, 1)}


def priced(scores: npt.ArrayLike, labels: npt.ArrayLike, ham: float, chosen: float = 0.5) -> dict[str, costs.Priced]:
    curve = curves.trace(np.array(scores, np.float32), np.array(labels, bool))
    return {why: each for each in costs.priced(curve, ham, chosen) for why in each.why}


def test_the_calibrated_threshold_follows_from_the_cost_alone() -> None:
    for ham, threshold in ((9, 0.9), (1, 0.5), (999, 0.999), (0.25, 0.2)):
        assert priced([0.3, 0.7], [False, True], ham)["calibrated"].threshold == threshold


def test_the_best_threshold_is_the_cheapest_of_all_on_these_messages() -> None:
    """Ham at 0.95 and spam at 0.96, 0.8, 0.7: from 0.9 on it costs 9 + 2; from 0.96 on, two passed; from 0.7 on, 9."""
    found = priced([0.96, 0.95, 0.8, 0.7, 0.1], [True, False, True, True, False], 9)
    assert (found["calibrated"].threshold, found["calibrated"].cost) == (0.9, 11)
    assert (found["best"].threshold, found["best"].cost) == (0.96, 2)
    assert found["best"].metrics == Metrics(1, 0, 2, 2)
    assert (found["chosen"].cost, found["nothing blocked"].cost) == (9, 3)
    cheap_ham = priced([0.96, 0.95, 0.8, 0.7, 0.1], [True, False, True, True, False], 1.5)
    assert (cheap_ham["best"].threshold, cheap_ham["best"].cost) == (0.6, 1.5), "which is 1.5 / 2.5, and as good as 0.7"


def test_a_calibrated_threshold_that_is_as_cheap_is_the_best_one() -> None:
    """No score is 0.9: any threshold above 0.2 and up to 0.95 does the same, and 0.95 would be of these messages."""
    found = priced([0.95, 0.2], [True, False], 9)
    assert found["best"] is found["calibrated"]
    assert (found["best"].threshold, found["best"].why) == (0.9, ("calibrated", "best"))


def test_of_equally_cheap_thresholds_the_best_is_the_nearest_to_the_calibrated_one() -> None:
    """From 0.9 on one spam message passes, from 0.4 on one ham message is lost; from 0.5 on both."""
    found = priced([0.9, 0.6, 0.4, 0.1], [True, False, True, False], 1)
    assert (found["calibrated"].threshold, found["calibrated"].cost) == (0.5, 2)
    assert (found["best"].threshold, found["best"].cost) == (0.4, 1)


def test_to_block_nothing_may_be_the_best() -> None:
    found = priced([0.9, 0.6], [False, True], 9)
    assert found["best"] is found["nothing blocked"]
    assert (found["best"].threshold, found["best"].cost) == (math.inf, 1)


@given(scored(), st.sampled_from([0.5, 1, 9, 999]))
def test_no_threshold_is_cheaper_than_the_best(rows: Scored, ham: float) -> None:
    scores, labels = rows
    found = costs.priced(curves.trace(scores, labels), ham, 0.5)
    best = next(each for each in found if "best" in each.why)
    plain = [
        ham * (blocked & ~labels).sum() + (~blocked & labels).sum()
        for blocked in (scores >= threshold for threshold in [*np.unique(scores), np.inf])
    ]
    assert best.cost == min(plain) == found[0].cost
    assert best.cost == ham * best.metrics.false_positives + best.metrics.false_negatives


def test_groups_have_their_own_figures_and_the_largest_comes_first() -> None:
    values = np.array(["sms", "chat", "sms", "", "chat", "sms"], object)
    scores = np.array([0.9, 0.9, 0.1, 0.1, 0.1, 0.9], np.float32)
    labels = np.array([True, False, False, True, False, False])
    found = groups.by_value(values, scores, labels, 0.5)
    assert [(each.value, each.metrics) for each in found] == [
        ("sms", Metrics(1, 1, 1, 0)), ("chat", Metrics(0, 1, 1, 0)), ("", Metrics(0, 0, 0, 1)),
    ]  # fmt: skip
    assert math.isnan(found[1].shares["recall"])
    assert math.isnan(found[1].intervals["recall"].low)
    assert found[0].intervals["recall"] == intervals.wilson(1, 1)


def test_a_score_at_a_threshold_is_what_begins_there() -> None:
    scores = np.array([0.1, 0.3, 0.5, 0.7, 0.9, 1.0], np.float32)
    labels = np.array([False, True, False, True, True, True])
    found = groups.verdicts(scores, labels, 0.3, 0.9)
    assert [(each.name, each.messages, each.spam) for each in found] == [
        ("ham", 1, 0),
        ("review", 3, 2),
        ("spam", 2, 2),
    ]
    assert [each.share for each in found] == [1 / 6, 3 / 6, 2 / 6]
    assert found[1].interval == intervals.wilson(3, 6)
    assert [each.messages for each in groups.verdicts(scores, labels, 0.9, 0.9)] == [4, 0, 2]
