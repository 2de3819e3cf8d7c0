"""Where to block from: what round thresholds would do, and the thresholds that reach what people ask for."""

from typing import NamedTuple

import numpy as np

from model.quality.curves import Curve
from model.quality.metrics import HAM_COSTS, Metrics

ROUND = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999)
PRECISIONS = (0.99, 0.999)


class Choice(NamedTuple):
    """A threshold, why it is of interest, and what it does. `threshold` is the shortest text of its float32."""

    threshold: float
    why: str
    metrics: Metrics


def choices(curve: Curve, chosen: float) -> list[Choice]:
    """List thresholds, lowest first: round ones, `chosen`, and the lowest scores that reach a precision or lose no ham.

    What is looked up in the scores fits these messages best; on new ones it does somewhat worse. A goal that no
    threshold reaches is left out.
    """
    reasons: dict[float, list[str]] = {threshold: [] for threshold in ROUND}
    reasons.setdefault(chosen, []).append("the chosen one")
    for cost in HAM_COSTS:
        # Where blocking pays off if scores are probabilities: Androutsopoulos et al. (2000), t = cost / (1 + cost).
        reasons.setdefault(round(cost / (1 + cost), 3), []).append(f"ham costs {cost}")
    for goal, index in _reached(curve):
        # The text, because a float32 as a double would be a long one that nobody types.
        reasons.setdefault(float(str(curve.thresholds[index])), []).append(goal)
    return [Choice(each, ", ".join(reasons[each]), at(curve, each)) for each in sorted(reasons)]


def _reached(curve: Curve) -> list[tuple[str, int]]:
    found = []
    for goal, is_reached in (
        *((f"precision {precision:.1%}".replace(".0%", "%"), curve.precision >= precision) for precision in PRECISIONS),
        ("no ham blocked", curve.false_positives == 0),
    ):
        indices = np.flatnonzero(is_reached & (curve.true_positives > 0))
        if len(indices):
            found.append((goal, int(indices[-1])))
    if curve.spam:
        f1 = 2 * curve.true_positives / (curve.true_positives + curve.false_positives + curve.spam)
        found.append(("best F1", int(np.argmax(f1))))
    return found


def at(curve: Curve, threshold: float) -> Metrics:
    """What a threshold does."""
    reached = int((curve.thresholds >= threshold).sum())
    return curve.at(reached - 1) if reached else Metrics(0, 0, curve.ham, curve.spam)
