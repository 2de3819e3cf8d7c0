"""Whether a score of 0.8 is spam eight times in ten: reliability bins, calibration error, Brier score."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


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


def brier(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_]) -> float:
    """The mean squared distance of scores [N] from labels [N] (Brier, 1950); in [0, 1], 0 is perfect. nan for none."""
    return float(np.mean((scores.astype(np.float64) - labels) ** 2)) if len(scores) else math.nan
