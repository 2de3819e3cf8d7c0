"""All that is said of a model's scores on labelled messages, under the names that `model evaluate --json` has."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from model.corpus import Labelled
from model.quality import bootstrap, calibration, comparison, costs, curves, figures, groups, metrics, thresholds
from model.quality.groups import Group
from model.quality.intervals import Interval
from model.quality.metrics import HAM_COSTS

SEED = 0  # of the bootstrap
Scores = npt.NDArray[np.float32]


class Wanted(NamedTuple):
    """At which threshold, and what else: `cost` is that of a blocked ham message, a passed spam message costing 1;
    `levels` are those from which on a message is reviewed, and from which on it is spam."""

    threshold: float
    cost: float | None = None
    levels: tuple[float, float] | None = None


def summarize(
    data: Labelled, scores: Scores, wanted: Wanted, folds: int | None, columns: Mapping[str, npt.NDArray[np.object_]]
) -> dict[str, Any]:
    """Of scores [N] in [0, 1]; `columns` are the values [N] (str) to group by. What is not defined is nan. ModelError
    if there are not as many messages of each label as `folds`."""
    labels, threshold = data.labels, wanted.threshold
    curve = curves.trace(scores, labels)
    spread = figures.over_folds(scores, labels, threshold, folds) if folds is not None else None
    return {
        "threshold": threshold,
        **_figures(scores, labels, wanted),
        "bootstrap": {"samples": bootstrap.samples_of(len(scores)), "seed": SEED},
        "thresholds": [_choice(each) for each in thresholds.choices(curve, threshold)],
        "calibration": [{**each._asdict(), "share": each.share} for each in calibration.reliability(scores, labels)],
        "curve": [
            {
                "threshold": float(str(curve.thresholds[index])),
                "true_positives": int(curve.true_positives[index]),
                "false_positives": int(curve.false_positives[index]),
            }
            for index in curves.corners(curve)
        ],
        "folds": folds,
        "spread": spread and {name: each._asdict() for name, each in spread.items()},
        "by": {
            name: [_group(each) for each in groups.by_value(values, scores, labels, threshold)]
            for name, values in columns.items()
        },
        "against": None,
    }


def compare(data: Labelled, scores: Scores, other: Scores, wanted: Wanted) -> dict[str, Any]:
    """The figures of another model, whose scores of the same messages are `other`, and on which the two differ."""
    found = comparison.compare(scores, other, data.labels, wanted.threshold)
    return {
        **_figures(other, data.labels, wanted),
        "differences": {
            part: {**each._asdict(), "gain": each.gain, "interval": [*each.interval]} for part, each in found.items()
        },
    }


def _figures(scores: Scores, labels: npt.NDArray[np.bool_], wanted: Wanted) -> dict[str, Any]:
    """What either model has."""
    found = metrics.metrics(scores, labels, wanted.threshold)
    intervals = {**groups.share_intervals(found), **bootstrap.intervals(scores, labels, wanted.threshold, SEED)}
    return {
        **found.as_dict(),
        **{name: round(value, 6) for name, value in figures.figures(scores, labels, wanted.threshold).items()},
        "intervals": _rounded(intervals),
        "cost": None if wanted.cost is None else _cost(curves.trace(scores, labels), wanted.cost, wanted.threshold),
        "verdicts": None if wanted.levels is None else [
            {
                "verdict": each.name, "from": each.begin, "messages": each.messages, "share": each.share,
                "interval": [*each.interval], "spam": each.spam, "ham": each.messages - each.spam,
            }
            for each in groups.verdicts(scores, labels, *wanted.levels)
        ],
    }  # fmt: skip


def _cost(curve: curves.Curve, cost: float, threshold: float) -> dict[str, Any]:
    """A threshold that is infinite blocks nothing."""
    return {
        "ham": cost,
        "thresholds": [
            {"threshold": each.threshold, "why": [*each.why], "cost": each.cost, **each.metrics._asdict()}
            for each in costs.priced(curve, cost, threshold)
        ],
    }


def _group(each: Group) -> dict[str, Any]:
    value = each.value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    shares = {name: round(share, 6) for name, share in each.shares.items()}
    return {"value": value, **each.metrics.as_dict(), **shares, "intervals": _rounded(each.intervals)}


def _choice(each: thresholds.Choice) -> dict[str, Any]:
    found = each.metrics
    return {
        "threshold": each.threshold,
        "why": each.why,
        "blocked": found.blocked,
        "blocked_share": found.blocked / found.messages,
        "precision": found.precision if found.blocked else math.nan,
        "recall": found.recall if found.spam else math.nan,
        "false_positives": found.false_positives,
        "false_negatives": found.false_negatives,
        **{f"tcr_{cost}": found.total_cost_ratio(cost) for cost in HAM_COSTS},
    }


def _rounded(intervals: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: [round(each, 6) for each in found] for name, found in intervals.items()}
