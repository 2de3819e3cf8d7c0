"""The threshold at which errors cost the least, where a blocked ham message costs more than a passed spam message."""

import math
from typing import NamedTuple

import numpy as np

from model.quality.curves import Curve
from model.quality.metrics import Metrics
from model.quality.thresholds import at


class Priced(NamedTuple):
    """A threshold and what it costs, a passed spam message costing 1. An infinite one blocks nothing."""

    threshold: float
    why: tuple[str, ...]
    metrics: Metrics
    cost: float


CALIBRATED, BEST, CHOSEN, OPEN = "calibrated", "best", "chosen", "nothing blocked"


def calibrated(ham_cost: float) -> float:
    """The score from which on blocking pays, if scores are probabilities of spam: where p = ham_cost * (1 - p).

    ham_cost / (1 + ham_cost): Elkan, "The foundations of cost-sensitive learning" (IJCAI 2001); Androutsopoulos et al.
    (2000) for spam.
    """
    return ham_cost / (1 + ham_cost)


def priced(curve: Curve, ham_cost: float, chosen: float) -> list[Priced]:
    """The thresholds worth a look, the cheapest first: the one that follows from calibrated scores, the best one on
    these messages, the chosen one, and none at all.

    The best one has the least cost of all thresholds; of equally cheap ones it is the nearest to the calibrated one,
    and that one itself if it is as cheap. It fits these messages, and does somewhat worse on others.
    """
    reasons: dict[float, list[str]] = {round(calibrated(ham_cost), 6): [CALIBRATED]}
    reasons.setdefault(_best(curve, ham_cost), []).append(BEST)
    reasons.setdefault(chosen, []).append(CHOSEN)
    reasons.setdefault(math.inf, []).append(OPEN)
    found = [
        Priced(each, tuple(why), metrics := at(curve, each), _cost(metrics, ham_cost)) for each, why in reasons.items()
    ]
    return sorted(found, key=lambda each: (each.cost, each.threshold))


def _cost(metrics: Metrics, ham_cost: float) -> float:
    return ham_cost * metrics.false_positives + metrics.false_negatives


def _best(curve: Curve, ham_cost: float) -> float:
    follows = round(calibrated(ham_cost), 6)
    costs = float(ham_cost) * curve.false_positives + (curve.spam - curve.true_positives)  # [K]
    least = min(costs.min(initial=math.inf), curve.spam)  # that of blocking nothing is its spam
    if _cost(at(curve, follows), ham_cost) <= least:
        return follows
    cheapest = [float(str(each)) for each in curve.thresholds[np.flatnonzero(costs <= least)]]
    return min(cheapest, key=lambda each: abs(each - follows), default=math.inf)
