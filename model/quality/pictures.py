"""What an evaluation looks like: ROC, precision and recall, scores, calibration. Needs matplotlib.

The paper is opaque: pictures are pasted into pages light and dark, and without paper would lose their ink in one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure  # not pyplot: no window, no state shared with anybody's notebook
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from formats.files import safe
from model.errors import ModelError
from model.quality import calibration, curves
from model.quality.curves import Curve
from model.quality.metrics import Metrics, metrics

# Okabe and Ito's blue and vermilion: told apart with any colour vision, and by their greys.
HAM, SPAM = "#0072b2", "#d55e00"
_INK, _MUTED, _FAINT, _PAPER = "#1b1f24", "#5a626b", "#8b929a", "#ffffff"
_STYLE: Any = {
    "figure.facecolor": _PAPER,
    "figure.dpi": 150,
    "savefig.facecolor": _PAPER,
    "axes.facecolor": _PAPER,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e7ea",
    "grid.linewidth": 0.8,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
    "font.size": 10.5,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture everywhere
    "svg.hashsalt": "nightshift",  # the same bytes every time
}
_SIZE = (7, 5)  # inches
_BINS = 50
_DASHED = (0, (4, 3))


def draw(
    scores: npt.NDArray[np.float32],
    labels: npt.NDArray[np.bool_],
    threshold: float,
    directory: Path,
    formats: Sequence[str] = ("png",),
) -> list[Path]:
    """Draw scores [N] in [0, 1] with labels [N] into `directory`, made if absent; return the files.

    They are roc, precision_recall, scores and calibration, each in each of `formats` (png, svg). Same data, same bytes.
    ModelError unless there are both spam and ham.
    """
    curve = curves.trace(scores, labels)
    if not curve.is_defined:
        raise ModelError(f"nothing to draw: all {len(labels)} messages are {'spam' if curve.spam else 'ham'}")
    chosen = metrics(scores, labels, threshold)
    directory.mkdir(parents=True, exist_ok=True)
    with style.context(["default", _STYLE]):
        drawn = {
            "roc": _roc(curve, chosen, threshold),
            "precision_recall": _precision_recall(curve, chosen, threshold),
            "scores": _scores(scores, labels, threshold),
            "calibration": _calibration(scores, labels),
        }
        paths = []
        for name, figure in drawn.items():
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # one layout, or the second format's would start from the first one's
            for each in formats:
                paths.append(directory / f"{name}.{each}")
                about: dict[str, Any] = {"Date": None} if each == "svg" else {"Software": None}
                with safe.replacing(paths[-1]) as file:
                    figure.savefig(file, format=each, metadata=about)
    return paths


def _roc(curve: Curve, chosen: Metrics, threshold: float) -> Figure:
    figure, axes = _figure("ham blocked (false-positive rate, log)", "spam caught (recall)")
    # Log: what matters happens far below one ham message in a hundred. None of them is drawn as half a message.
    least = 0.5 / curve.ham
    across = np.concatenate([[0], curve.false_positives]) / curve.ham
    up = np.concatenate([[0], curve.true_positives]) / curve.spam
    # The straight lines between points (through ties) are bent on this axis: more points bend them.
    between = np.setdiff1d(np.geomspace(least, 1, 500), across)
    points = np.array([np.append(across, between), np.append(up, np.interp(between, across, up))])
    points = points[:, np.lexsort(points[::-1])]
    axes.set_xscale("log")
    axes.plot(np.maximum(points[0], least), points[1], color=SPAM, linewidth=2)
    chance = np.geomspace(least, 1, 200)
    axes.plot(chance, chance, color=_FAINT, linestyle=_DASHED, linewidth=1)
    axes.annotate("chance", (0.3, 0.3), (-8, 4), textcoords="offset points", color=_MUTED, ha="right")
    decades = [10.0**power for power in range(-9, 1) if 10.0**power > 3 * least]
    axes.set_xticks([least, *decades], ["none", *(f"{share * 100:g}%" for share in decades)])
    axes.set_xticks([], minor=True)
    axes.set_xlim(least, 1)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    _mark(axes, max(chosen.false_positive_rate, least), chosen.recall, threshold)
    axes.set_title(f"ROC: area under the curve {curves.roc_auc(curve):.4f}")
    return figure


def _precision_recall(curve: Curve, chosen: Metrics, threshold: float) -> Figure:
    figure, axes = _figure("spam caught (recall)", "blocked messages that are spam (precision)")
    recall = curve.true_positives / curve.spam
    share = curve.spam / (curve.spam + curve.ham)
    # Steps, as average precision counts them: straight lines would flatter.
    points = np.concatenate([[0], recall]), np.concatenate([curve.precision[:1], curve.precision])
    axes.plot(*points, color=SPAM, drawstyle="steps-pre", linewidth=2)
    axes.axhline(share, color=_FAINT, linestyle=_DASHED, linewidth=1)
    axes.annotate(f"blocking at random: {share:.0%}", (0, share), (6, 5), textcoords="offset points", color=_MUTED)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    if chosen.blocked:
        _mark(axes, chosen.recall, chosen.precision, threshold)
    axes.set_title(f"Precision and recall: average precision {curves.average_precision(curve):.4f}")
    return figure


def _scores(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_], threshold: float) -> Figure:
    figure, axes = _figure("score", "messages (log)")
    edges = np.linspace(0, 1, _BINS + 1).astype(np.float32)  # as the scores: one at a threshold is drawn beyond it
    for name, colour, own in (("ham", HAM, ~labels), ("spam", SPAM, labels)):
        counts, _ = np.histogram(scores[own], edges)
        axes.stairs(counts, edges, fill=True, color=colour, alpha=0.25, baseline=0.5)
        axes.stairs(counts, edges, color=colour, linewidth=1.8, baseline=0.5, label=f"{name}: {int(own.sum()):,}")
    axes.axvline(threshold, color=_INK, linewidth=1.2, linestyle=_DASHED)
    left = threshold > 0.75
    axes.annotate(
        f"spam from {threshold:g}", (threshold, 0.97), (-5 if left else 5, 0), xycoords=("data", "axes fraction"),
        textcoords="offset points", va="top", ha="right" if left else "left",
    )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(0.5, None)
    axes.set_xlim(0, 1)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}" if count >= 1 else ""))
    axes.legend(loc="lower right", ncols=2, bbox_to_anchor=(1, 1), borderaxespad=0.3)
    axes.set_title("Scores")
    return figure


def _calibration(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.bool_]) -> Figure:
    bins = [each for each in calibration.reliability(scores, labels) if each.messages]
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes, below = figure.subplots(2, sharex=True, height_ratios=[4, 1])
    across, up = [each.mean_score for each in bins], [each.share for each in bins]
    low, high = np.array([each.interval for each in bins]).T
    axes.plot([0, 1], [0, 1], color=_FAINT, linestyle=_DASHED, linewidth=1, label="calibrated")
    axes.errorbar(
        across, up, yerr=(np.clip(up - low, 0, 1), np.clip(high - up, 0, 1)), color=SPAM, fmt="o", capsize=3,
        label="found, with 95% interval",
    )  # fmt: skip
    axes.set_ylabel("of which spam")
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="upper left")
    error = calibration.calibration_error(bins)
    axes.set_title(f"Calibration: expected error {error:.4f}, Brier score {calibration.brier(scores, labels):.4f}")
    below.bar(
        [each.low for each in bins], [each.messages for each in bins], width=0.095, align="edge", color=_FAINT,
    )  # fmt: skip
    for each in bins:
        middle = (each.low + each.high) / 2
        below.annotate(
            f"{each.messages:,}", (middle, each.messages), (0, 2), textcoords="offset points", ha="center", fontsize=9
        )
    below.set_yscale("log")
    below.set_ylim(0.5, 12 * max((each.messages for each in bins), default=1))
    below.set_yticks([])
    below.set_yticks([], minor=True)
    below.grid(visible=False)
    below.spines["left"].set_visible(False)
    below.set_xlim(-0.01, 1.01)
    below.set_xlabel("score, in ten bins")
    below.set_ylabel("messages")
    return figure


def _figure(across: str, up: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    return figure, figure.add_subplot(xlabel=across, ylabel=up)


def _mark(axes: Axes, across: float, up: float, threshold: float) -> None:
    axes.plot([across], [up], marker="o", markersize=8, color=_INK, clip_on=False, zorder=5)
    side, _ = axes.transAxes.inverted().transform(axes.transData.transform((across, up)))
    left = side > 0.5  # keeps the words inside
    axes.annotate(
        f"spam from {threshold:g}",
        (across, up),
        (-12 if left else 12, -20 if up > 0.1 else 20),
        textcoords="offset points",
        ha="right" if left else "left",
        va="center",
        bbox={"facecolor": _PAPER, "edgecolor": "none", "pad": 1},
    )
