"""How far F1, the area under the ROC curve and the calibration error depend on which messages were there: they are
computed again for many samples of the same messages, drawn with replacement (Efron, 1979).

Messages are sorted by their scores once; then a sample is how often each of them was drawn, and whole blocks of samples
are figures in a few sums.
"""

import math

import numpy as np
import numpy.typing as npt

from model.quality.intervals import NONE, Interval

SAMPLES = 1000
FEWEST = 200  # samples of many messages
DRAWS = 100_000_000  # at most, of more than FEWEST samples
_BLOCK = 2_000_000  # draws at once: some 16 MB an array
_LEVELS = (2.5, 97.5)

Counts = npt.NDArray[np.int64]


def samples_of(messages: int) -> int:
    """How many samples are drawn: fewer of very many messages, whose figures vary little."""
    return max(FEWEST, min(SAMPLES, DRAWS // max(messages, 1)))


def intervals(
    scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], threshold: float, seed: int = 0
) -> dict[str, Interval]:
    """The 95 % intervals of f1, roc_auc and calibration_error, of scores [N] in [0, 1] with labels [N].

    Of F1 and the area, the samples' own percentiles. The calibration error of a sample is greater than that of what it
    was drawn from, as that one is greater than the true one: its interval reaches from the percentiles' mirror image
    (the basic bootstrap; Davison and Hinkley, 1997, 5.2), though not below 0, to the percentiles. A sample for which a
    figure is not defined is left out. Where all samples have the same, as of a model without any error, they say
    nothing: nan.
    """
    ranked = Ranked(scores, labels, threshold)
    found = ranked.figures(samples_of(len(scores)), np.random.default_rng(seed))
    limits = {name: _percentiles(each) for name, each in found.items()}
    error = limits["calibration_error"]
    if not math.isnan(error.low):
        here = float(ranked.of(np.ones((1, len(scores)), np.int64))["calibration_error"][0])
        low = max(0.0, min(error.low, 2 * here - error.high))
        limits["calibration_error"] = Interval(low, max(error.high, 2 * here - error.low))
    return limits


def _percentiles(found: npt.NDArray[np.float64]) -> Interval:
    defined = found[~np.isnan(found)]
    if not len(defined) or defined.min() == defined.max():
        return NONE
    return Interval(*map(float, np.percentile(defined, _LEVELS)))


class Ranked:
    """Messages in the order of their scores, the highest first, in groups of equal scores and bins of calibration."""

    def __init__(self, scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], threshold: float) -> None:
        order = np.argsort(-scores, kind="stable")
        self._scores, self._labels = scores[order], labels[order].astype(np.int64)
        self._blocked = int((scores >= threshold).sum())
        self._equal = _starts(self._scores)
        # As model/quality/calibration.py sorts them into ten bins of equal width.
        edges = (np.arange(1, 10) / 10).astype(np.float32)
        self._bins = _starts(np.searchsorted(edges, self._scores, side="right"))

    def figures(self, samples: int, random: np.random.Generator) -> dict[str, npt.NDArray[np.float64]]:
        """Of so many samples: each [samples], nan where not defined."""
        messages = len(self._scores)
        if not messages:
            return {name: np.full(samples, math.nan) for name in ("f1", "roc_auc", "calibration_error")}
        parts = []
        step = max(1, _BLOCK // messages)
        for begin in range(0, samples, step):
            rows = min(step, samples - begin)
            drawn = random.integers(0, messages, (rows, messages))
            drawn += np.arange(rows)[:, np.newaxis] * messages
            parts.append(self.of(np.bincount(drawn.ravel(), minlength=rows * messages).reshape(rows, messages)))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def of(self, times: Counts) -> dict[str, npt.NDArray[np.float64]]:
        """Of samples that have each message so many times: int64 [samples, N], in the order of the scores."""
        spam = times * self._labels
        all_spam, messages = spam.sum(axis=1), times.sum(axis=1)
        caught, blocked = spam[:, : self._blocked].sum(axis=1), times[:, : self._blocked].sum(axis=1)
        tied = np.add.reduceat(spam, self._equal, axis=1)
        ham = np.add.reduceat(times, self._equal, axis=1) - tied
        above = np.cumsum(tied, axis=1) - tied
        in_order = (ham * (2 * above + tied)).sum(axis=1)
        scored = np.add.reduceat(times * self._scores.astype(np.float64), self._bins, axis=1)
        distance = np.abs(scored - np.add.reduceat(spam, self._bins, axis=1)).sum(axis=1)
        return {
            "f1": _ratio(2 * caught, blocked + all_spam),
            "roc_auc": _ratio(in_order, 2 * all_spam * (messages - all_spam)),
            "calibration_error": _ratio(distance, messages),
        }


def _starts(values: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Where runs of equal values begin."""
    return np.flatnonzero(np.append([True], values[1:] != values[:-1])) if len(values) else np.zeros(0, np.int64)


def _ratio(part: npt.NDArray[np.generic], whole: Counts) -> npt.NDArray[np.float64]:
    found = np.full(len(whole), math.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found
