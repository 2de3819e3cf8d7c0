"""Training many settings on many inner folds at once, for what they say of messages that they have not seen.

The same steps as `train` takes, in numpy: a column is one setting trained without one fold, and all columns go through
the same mini-batches. What one column costs is small beside finding and gathering the n-grams of a mini-batch.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.training.ngrams import Counted, log_ratios
from model.training.train import ACCUMULATOR, mean_rate

_FARTHEST = 30.0  # beyond this margin a float32 probability is 0 or 1
_SCORED = 256  # messages at a time


class Setting(NamedTuple):
    """What is tried. The fields are those of `train.Plan`."""

    l2: float
    learning_rate: float
    spam_weight: float
    telling: float = 0.0
    intercept_l2: float = 0.0


class Trials:
    """Settings under training. `passes` counts the passes over the messages."""

    def __init__(
        self,
        counted: Counted,
        labels: npt.NDArray[np.bool_],
        assigned: npt.NDArray[np.int64],
        settings: Sequence[Setting],
        batch: int,
        seed: int,
    ) -> None:
        """Begin with messages [N] with `labels`, each `assigned` to a fold from 0; none holds out those of fold -1."""
        self._counted, self._labels, self._assigned = counted, labels.astype(np.float32), assigned
        self._folds = int(assigned.max()) + 1
        self._batch, self._random = batch, np.random.RandomState(seed)
        self.settings = list(settings)
        self.passes = 0
        columns = len(settings) * self._folds  # by setting, then by fold
        self._weights = np.zeros((counted.width, columns), np.float32)
        self._squares = np.full((counted.width, columns), ACCUMULATOR, np.float32)
        self._mean = np.zeros((counted.width, columns), np.float32)
        self._ratios = self._log_ratios()
        self._bias, self._bias_mean = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
        self._bias_squares = np.full(columns, ACCUMULATOR, np.float32)

    def keep(self, which: Sequence[int]) -> None:
        """Go on with these settings alone, by their indices."""
        columns = (np.array(which)[:, np.newaxis] * self._folds + np.arange(self._folds)).ravel()
        self.settings = [self.settings[index] for index in which]
        for name in ("_weights", "_squares", "_mean", "_bias", "_bias_mean", "_bias_squares"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name)[..., columns]))

    def take_pass(self, on_step: Callable[[], None] = lambda: None) -> npt.NDArray[np.float32]:
        """Go through all messages once; return each setting's held-out margins: float32 [settings, N].

        Messages that are never held out have 0.
        """
        order = self._random.permutation(len(self._labels))
        for start in range(0, len(order), self._batch):
            self._step(order[start : start + self._batch])
            on_step()
        self.passes += 1
        rate = np.float32(mean_rate(self.passes))
        self._mean += (self._weights - self._mean) * rate
        self._bias_mean += (self._bias - self._bias_mean) * rate
        return self._held_out()

    def _log_ratios(self) -> npt.NDArray[np.float32]:
        """float32 [width, folds], of all messages but those of the fold."""
        starts, columns = self._counted.starts, self._counted.columns
        owners = np.repeat(np.arange(len(self._labels)), np.diff(starts))
        found = []
        for fold in range(self._folds):
            used = self._assigned != fold
            spam, ham = used & (self._labels > 0), used & (self._labels == 0)
            spam_with, ham_with = (
                np.bincount(columns[mine[owners]], minlength=self._counted.width) for mine in (spam, ham)
            )
            found.append(log_ratios(spam_with, ham_with, int(spam.sum()), int(ham.sum())))
        return np.stack(found, axis=1)

    def _by_fold(self, columns: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """A view on [rows, settings * folds] as [rows, settings, folds]."""
        return columns.reshape(len(columns), len(self.settings), self._folds)

    def _step(self, messages: npt.NDArray[np.int64]) -> None:
        l2, learning_rate, spam_weight, _, intercept_l2 = np.repeat(
            np.array(self.settings, np.float32), self._folds, axis=0
        ).T
        present, counts = self._counted.dense(messages)
        used = (self._assigned[messages, np.newaxis] != np.arange(self._folds)).astype(np.float32)
        used /= np.maximum(used.sum(axis=0), 1)  # a mean over those that are not held out
        grams = counts / self._counted.norms[messages, np.newaxis]
        weights, label = self._weights[present], self._labels[messages, np.newaxis]
        telling = np.array([each.telling for each in self.settings], np.float32)[:, np.newaxis]
        ratios = 1 + telling * (self._ratios[present, np.newaxis, :] - 1)
        scaled = weights.copy()
        self._by_fold(scaled)[:] *= ratios
        margins = np.clip(grams @ scaled + self._bias, -_FARTHEST, _FARTHEST)
        probability = 1 / (1 + np.exp(-margins))
        slope = probability * (1 + (spam_weight - 1) * label) - label * spam_weight
        self._by_fold(slope)[:] *= used[:, np.newaxis, :]

        # In place where it can be: these are the large arrays.
        gradient = grams.T @ slope
        self._by_fold(gradient)[:] *= ratios
        np.multiply(weights, 2 * l2, out=scaled)
        self._by_fold(scaled)[:] *= (counts.T @ used)[:, np.newaxis, :]
        gradient += scaled
        squares = self._squares[present]
        squares += np.multiply(gradient, gradient, out=scaled)
        self._squares[present] = squares
        gradient *= learning_rate
        gradient /= np.sqrt(squares, out=squares)
        weights -= gradient
        self._weights[present] = weights
        slope = slope.sum(axis=0) + 2 * intercept_l2 * self._bias
        self._bias_squares += slope * slope
        self._bias -= learning_rate * slope / np.sqrt(self._bias_squares)

    def _held_out(self) -> npt.NDArray[np.float32]:
        margins = np.zeros((len(self.settings), len(self._labels)), np.float32)
        for fold in range(self._folds):
            mine = np.flatnonzero(self._assigned == fold)
            telling = np.array([each.telling for each in self.settings], np.float32)
            weights = self._mean[:, fold :: self._folds] * (1 + telling * (self._ratios[:, fold, np.newaxis] - 1))
            for start in range(0, len(mine), _SCORED):
                messages = mine[start : start + _SCORED]
                present, counts = self._counted.dense(messages)
                sums = counts @ weights[present] / self._counted.norms[messages, np.newaxis]
                margins[:, messages] = (sums + self._bias_mean[fold :: self._folds]).T
        return margins
