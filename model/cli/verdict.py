"""What `model evaluate` tells people: the figures and what they mean, where to block from, the worst errors."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from model.cli.evidence import interval, print_evidence
from model.cli.tables import printable, show

if TYPE_CHECKING:
    from model.quality.mistakes import Mistake

_MEANING = {
    "accuracy": "messages it is right about",
    "precision": "of what it blocks, spam",
    "recall": "of the spam, blocked",
    "false_positive_rate": "of the ham, blocked",
    "f1": "of both, their harmonic mean",
    "mcc": "Matthews' correlation; 0: guessing",
    "roc_auc": "chance that spam scores above ham",
    "average_precision": "area under precision over recall",
    "brier": "mean squared error of the score",
    "calibration_error": "mean distance to the share of spam",
    "tcr_9": "cost without / with it, ham at 9",
    "tcr_999": "at 999; below 1, better without",
}
_WORST = 5  # errors of each kind to print; --errors has all
_WIDTH = 62  # terminal cells of an error's text


def print_verdict(report: dict[str, Any], wrong: "Sequence[Mistake]") -> None:
    """Print `report`, whose keys are those of --json, and the worst of what is wrong."""
    spam = report["true_positives"] + report["false_negatives"]
    click.echo(f"{report['messages']:,} messages, {spam:,} of them spam; blocked from score {report['threshold']:g}")
    if spam in (0, report["messages"]):
        label = "spam" if spam else "ham"
        click.echo(f"all of them are {label}, so what compares spam and ham is not defined", err=True)
    _print_figures(report)
    click.echo()
    show(
        ("", "spam", "ham"),
        (
            ("blocked", f"{report['true_positives']:,}", f"{report['false_positives']:,}"),
            ("passed", f"{report['false_negatives']:,}", f"{report['true_negatives']:,}"),
        ),
        numbers=(1, 2),
    )
    click.echo()
    _print_thresholds(report["thresholds"])
    print_evidence(report)
    for kind, title in (("false_positive", "ham that would be blocked"), ("false_negative", "spam that would pass")):
        _print_worst(title, [each for each in wrong if each.kind == kind])


def _print_figures(report: dict[str, Any]) -> None:
    click.echo()
    spread, intervals = report["spread"], report["intervals"]
    found: dict[str, tuple[str, ...]] = {
        name: (_spoken(name), _number(report[name]), interval(intervals[name]) if name in intervals else "")
        for name in _MEANING
    }
    if not spread:
        rows = [(*cells, _MEANING[name]) for name, cells in found.items()]
        show(("measure", "value", "95 % interval", ""), rows, numbers=(1, 2))
        return
    figures = [(*cells, *map(_number, spread[name].values())) for name, cells in found.items()]
    show(("measure", "value", "95 % interval", "mean", "± sd"), figures, numbers=(1, 2, 3, 4))
    click.echo(f"mean ± standard deviation over {report['folds']} stratified parts of the messages; nothing retrained")


def _print_thresholds(choices: Sequence[dict[str, Any]]) -> None:
    rows = [
        (
            f"{each['threshold']:g}",
            f"{each['blocked']:,}",
            f"{each['blocked_share']:.1%}",
            _number(each["precision"]),
            _number(each["recall"]),
            f"{each['false_positives']:,}",
            f"{each['false_negatives']:,}",
            each["why"],
        )
        for each in choices
    ]
    header = ("from", "blocked", "share", "precision", "recall", "lost ham", "passed spam", "")
    show(header, rows, numbers=range(7))


def _print_worst(title: str, wrong: "Sequence[Mistake]") -> None:
    click.echo()
    if not wrong:
        click.echo(f"no {title}")
        return
    which = f", the worst {_WORST} (--errors PATH writes all)" if len(wrong) > _WORST else ""
    click.echo(f"{title}: {len(wrong):,}{which}")
    rows = [(f"{each.score:.4f}", str(each.message), printable(each.text, _WIDTH)) for each in wrong[:_WORST]]
    show(("score", "message", "text"), rows, numbers=(0, 1))


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _number(value: float) -> str:
    if math.isnan(value):
        return "not defined"
    return "inf" if math.isinf(value) else f"{value:.4f}"
