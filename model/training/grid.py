"""What is compared when it is chosen how to train: a small grid of settings."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.training import train
from model.training.trials import Setting

MOST_PASSES = 10
PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2)
LEARNING_RATES = (1.0, 0.3)  # the second one is tried with the best of the rest
TELLING = (0.0, 1.0)
FREE = 0.0  # the intercept's L2; the default one is tried with the best of the rest
UNEVEN = 1.5  # messages of one label to each of the other, from where spam's weight is in question


class Grid(NamedTuple):
    """What is compared. A value that the user gave is the only one."""

    l2: float | None = None
    learning_rate: float | None = None
    spam_weight: float | None = None
    passes: int = MOST_PASSES
    is_search: bool = True  # else the default is all there is

    @property
    def default(self) -> Setting:
        """What was given, else the defaults: they are taken if nothing does better."""
        plan = train.Plan()
        given = {name: value for name, value in self._asdict().items() if name in Setting._fields and value is not None}
        return Setting(*(getattr(plan, name) for name in Setting._fields))._replace(**given)

    @property
    def settings(self) -> list[Setting]:
        """What is compared first, the default before all others."""
        if not self.is_search:
            return [self.default]
        rate = LEARNING_RATES[0] if self.learning_rate is None else self.learning_rate
        penalties = PENALTIES if self.l2 is None else (self.l2,)
        first = self.default._replace(learning_rate=rate, intercept_l2=FREE)
        return [self.default, *(first._replace(l2=l2, telling=each) for l2 in penalties for each in TELLING)]

    def variants(self, best: Setting, labels: npt.NDArray[np.bool_]) -> list[Setting]:
        """What is compared with the best of those: another learning rate, a held intercept, other weights of spam."""
        if not self.is_search:
            return []
        odds = float((~labels).sum() / labels.sum())
        uneven = self.spam_weight is None and max(odds, 1 / odds) >= UNEVEN
        rates = LEARNING_RATES if self.learning_rate is None else ()
        return [
            *(best._replace(learning_rate=rate) for rate in rates if rate != best.learning_rate),
            *(best._replace(intercept_l2=l2) for l2 in (FREE, self.default.intercept_l2) if l2 != best.intercept_l2),
            *(best._replace(spam_weight=weight) for weight in ((math.sqrt(odds), odds) if uneven else ())),
        ]


def grid(
    *, fast: bool = False, l2: float | None = None, learning_rate: float | None = None, spam_weight: float | None = None
) -> Grid:
    """What to compare where these are given. `fast`: nothing, the defaults are taken for the rest."""
    passes = train.Plan().epochs if fast else MOST_PASSES
    return Grid(l2, learning_rate, spam_weight, passes, is_search=not fast)
