"""Whether a score of 0.8 is spam eight times in ten (reliability bins, calibration error, Brier score), and how to make
it so.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_MOST_STEPS = 100  # of Newton's method; it takes about ten
_NO_STEP = 1e-7


class Bin(NamedTuple):
    """The messages whose score is in [low, high), or in [low, 1] for the last bin."""

    low: float
    high: float
    messages: int
    spam: int
    mean_score: float  # nan if it is empty

    @property
    def share(self) -> float:
        """How much of it is spam; nan if it is empty."""
        return self.spam / self.messages if self.messages else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share (Wilson, 1927): wide where messages are few. nan if it is empty."""
        if not self.messages:
            return math.nan, math.nan
        z2 = 1.959964**2 / self.messages
        middle = (self.share + z2 / 2) / (1 + z2)
        half = math.sqrt(z2 * self.share * (1 - self.share) + z2 * z2 / 4) / (1 + z2)
        return max(0.0, middle - half), min(1.0, middle + half)


def reliability(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], count: int = 10) -> list[Bin]:
    """Sort scores [N] in [0, 1] with labels [N] into `count` bins of equal width."""
    edges = np.arange(count + 1) / count
    # Compared as float32, so that a score of 0.3 is in the bin that starts at 0.3.
    numbers = np.searchsorted(edges[1:-1].astype(np.float32), scores, side="right")
    messages = np.bincount(numbers, minlength=count)
    spam = np.bincount(numbers[labels], minlength=count)
    sums = np.bincount(numbers, weights=scores.astype(np.float64), minlength=count)
    return [
        Bin(float(low), float(high), int(size), int(caught), float(total / size) if size else math.nan)
        for low, high, size, caught, total in zip(edges[:-1], edges[1:], messages, spam, sums, strict=True)
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """ECE: the mean distance between a bin's mean score and its share of spam, weighted by its messages; in [0, 1].

    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning" (AAAI 2015). nan
    without messages.
    """
    messages = sum(each.messages for each in bins)
    distances = [each.messages * abs(each.mean_score - each.share) for each in bins if each.messages]
    return sum(distances) / messages if messages else math.nan


def equal_mass(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], count: int = 10) -> list[Bin]:
    """Sort scores [N] with labels [N] into `count` bins of as many messages each, lowest scores first.

    Most scores are near 0 or 1, where bins of equal width put nearly all messages into two.
    """
    order = np.argsort(scores, kind="stable")
    parts = [part for part in np.array_split(order, count) if len(part)]
    return [
        Bin(
            float(scores[part[0]]),
            float(scores[part[-1]]),
            len(part),
            int(labels[part].sum()),
            float(scores[part].astype(np.float64).mean()),
        )
        for part in parts
    ]


class Platt(NamedTuple):
    """A score is the logistic function of `scale` times the margin plus `shift`."""

    scale: float
    shift: float

    def logits(self, margins: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        return margins.astype(np.float64) * self.scale + self.shift

    def log_loss(self, margins: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_]) -> float:
        """The mean of -log of the probability that each label is given, in nats."""
        logits = self.logits(margins)
        return float(np.mean(np.logaddexp(0, logits) - logits * labels))


def platt(margins: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_]) -> Platt:
    """Fit scale and shift to margins [N] of messages that the model has not seen, with labels [N] of both kinds.

    Platt, "Probabilistic outputs for support vector machines" (1999), with his targets, which keep the scale finite
    where margins tell the labels apart without error; by Newton's method as Lin, Lin and Weng (2007) do it. Where
    greater margins do not mean more spam, the scale is 0 and each score the share of spam. Rounded to six digits.
    """
    spam = int(labels.sum())
    target = np.where(labels, (spam + 1) / (spam + 2), 1 / (len(labels) - spam + 2))
    unit = float(margins.std()) or 1.0  # so that the steps are of the same size whatever the margins' is
    inputs = np.stack([margins.astype(np.float64) / unit, np.ones(len(labels))])
    found = np.array([0.0, math.log((spam + 1) / (len(labels) - spam + 1))])
    cost = _cost(found, inputs, target)
    for _ in range(_MOST_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(found @ inputs, -500, 500)))
        hessian = (inputs * (probability * (1 - probability))) @ inputs.T + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, inputs @ (probability - target))
        after = _cost(found - step, inputs, target)
        while after > cost and np.abs(step).max() > _NO_STEP:
            step /= 2
            after = _cost(found - step, inputs, target)
        found, cost = found - step, after
        if np.abs(step).max() <= _NO_STEP:
            break
    scale, shift = float(found[0]) / unit, float(found[1])
    if scale <= 0:
        scale, shift = 0.0, math.log((spam + 1) / (len(labels) - spam + 1))
    return Platt(float(f"{scale:.6g}"), float(f"{shift:.6g}"))


def _cost(found: npt.NDArray[np.float64], inputs: npt.NDArray[np.float64], target: npt.NDArray[np.float64]) -> float:
    logits = found @ inputs
    return float((np.logaddexp(0, logits) - logits * target).sum())


def brier(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_]) -> float:
    """The mean squared distance of scores [N] from labels [N] (Brier, 1950); in [0, 1], 0 is perfect. nan for none."""
    return float(np.mean((scores.astype(np.float64) - labels) ** 2)) if len(scores) else math.nan
