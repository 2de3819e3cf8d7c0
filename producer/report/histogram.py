"""Scores counted in a thousand bins as they stream by: the histogram, and what any threshold would block."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

BINS = 1000


@dataclass(slots=True)
class Histogram:
    """Counts in BINS bins of equal width over [low, high]: [edge, next edge), the last one with its end.

    What lies outside, inf included, is in the nearest bin, and `lowest` and `highest` tell; nan is counted apart.
    """

    low: float = 0.0
    high: float = 1.0
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    nan: int = 0
    lowest: float = np.inf  # of the finite scores
    highest: float = -np.inf

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """[BINS + 1]"""
        # i / 1000 rather than i * 0.001: the float64 nearest to what people type.
        return self.low + (self.high - self.low) * (np.arange(BINS + 1) / BINS)

    @property
    def total(self) -> int:
        return int(self.counts.sum())

    @property
    def fits(self) -> bool:
        """Whether no finite score lies outside."""
        return self.lowest >= self.low and self.highest <= self.high

    def add(self, scores: npt.NDArray[np.float64]) -> None:
        """Counts scores [N]."""
        number = scores[~np.isnan(scores)]
        self.nan += len(scores) - len(number)
        finite = number[np.isfinite(number)]
        if len(finite):
            self.lowest = min(self.lowest, float(finite.min()))
            self.highest = max(self.highest, float(finite.max()))
        bins = np.searchsorted(self.edges[1:-1], number, side="right")
        self.counts += np.bincount(bins, minlength=BINS)

    def blocked(self) -> npt.NDArray[np.int64]:
        """How many scores are at or above each of the edges but the last: int64 [BINS]."""
        blocked: npt.NDArray[np.int64] = np.cumsum(self.counts[::-1])[::-1]
        return blocked

    def coarse(self, bins: int) -> npt.NDArray[np.int64]:
        """The counts in fewer bins, a divisor of BINS."""
        counts: npt.NDArray[np.int64] = self.counts.reshape(bins, -1).sum(axis=1)
        return counts
