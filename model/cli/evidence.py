"""What `model evaluate` tells people who have to defend a threshold: what errors cost, how much somebody would have to
look at, whether another model is better, and for whom it is worse."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from model.cli.console import tell
from model.cli.tables import printable, show

_GROUPS = 20  # values of a column to print; --json has all
_NAME = 14  # terminal cells of a value
_WIDE = 0.1  # an interval as wide says little
_WHY = {
    "calibrated": "from calibrated scores",
    "best": "the cheapest here",
    "chosen": "the chosen one",
    "nothing blocked": "nothing is blocked",
}


def print_evidence(report: dict[str, Any]) -> None:
    """What was asked for of it; `report` has the keys of --json."""
    other = report["against"]
    models = [("", report)] if other is None else [("", report), (f" by {Path(other['model']).name}", other)]
    for name, each in models:
        if each["cost"]:
            _print_cost(each, name)
    for name, each in models:
        if each["verdicts"]:
            _print_verdicts(each["verdicts"], name)
    if other:
        _print_comparison(report, other)
    for column, found in report["by"].items():
        _print_groups(column, found)


def interval(limits: Sequence[float], digits: int = 4) -> str:
    return "" if math.isnan(limits[0]) else f"{limits[0]:.{digits}f}–{limits[1]:.{digits}f}"


def _print_cost(report: dict[str, Any], name: str) -> None:
    ham = report["cost"]["ham"]
    click.echo()
    tell(f"cost{name}, where a blocked ham message costs as much as {ham:g} passed spam")
    rows = [
        (
            "none" if math.isinf(each["threshold"]) else f"{each['threshold']:g}",
            f"{each['false_positives']:,}",
            f"{each['false_negatives']:,}",
            f"{each['cost']:,.10g}",
            ", ".join(_WHY[reason] for reason in each["why"]),
        )
        for each in report["cost"]["thresholds"]
    ]
    show(("from", "lost ham", "passed spam", "cost", ""), rows, numbers=range(4))
    click.echo(
        f"From calibrated scores: {ham:g} / (1 + {ham:g}), right as far as scores are probabilities;\n"
        f"they are {_number(report['calibration_error'])} off, on average. The cheapest here fits these messages, and\n"
        "does somewhat worse on others."
    )


def _print_verdicts(verdicts: Sequence[dict[str, Any]], name: str) -> None:
    click.echo()
    tell(f"verdicts{name}: from {verdicts[1]['from']:g} on for review, from {verdicts[2]['from']:g} on spam")
    rows = [
        (
            each["verdict"],
            f"{each['from']:g}",
            f"{each['messages']:,}",
            f"{each['share']:.1%}",
            f"{each['interval'][0]:.1%}–{each['interval'][1]:.1%}",
            f"{each['spam']:,}",
            f"{each['ham']:,}",
            f"{each['spam'] / each['messages']:.1%}" if each["messages"] else "",
        )
        for each in verdicts
    ]
    header = ("verdict", "from", "messages", "share", "95 % interval", "spam", "ham", "of it spam")
    show(header, rows, numbers=range(1, 8))
    click.echo("Shares of these messages: a night with more spam, or less, has others.")


def _print_comparison(report: dict[str, Any], other: dict[str, Any]) -> None:
    name = Path(other["model"]).name
    click.echo()
    tell(f"against {name}, at the same threshold")
    figures = ("accuracy", "precision", "recall", "false_positive_rate", "f1", "roc_auc", "calibration_error")
    rows = [
        (
            each.replace("_", " "),
            *(text for found in (report, other) for text in (_number(found[each]), interval(found["intervals"][each]))),
        )
        for each in figures
    ]
    show(("measure", "this", "95 % interval", "other", "95 % interval"), rows, numbers=(1, 2, 3, 4))
    click.echo()
    rows = [
        (
            part,
            f"{each['messages']:,}",
            f"{each['only_this']:,}",
            f"{each['only_other']:,}",
            "" if math.isnan(each["interval"][0]) else "{:+.4f} to {:+.4f}".format(*each["interval"]),
            f"{each['p']:.2g}",
            {"exact": "exact", "chi-squared": "χ²"}[each["test"]],
        )
        for part, each in other["differences"].items()
    ]
    header = ("right on", "messages", "only this", "only other", "95 %, this − other", "p", "")
    show(header, rows, numbers=range(1, 6))
    click.echo("p, by McNemar's test: the chance of such a difference between equally good ones")


def _print_groups(column: str, found: Sequence[dict[str, Any]]) -> None:
    click.echo()
    rows = [
        (
            printable(each["value"].encode(), _NAME) or "(empty)",
            f"{each['messages']:,}",
            f"{each['true_positives'] + each['false_negatives']:,}",
            _with_interval(each, "recall", "no spam"),
            _with_interval(each, "false_positive_rate", "no ham"),
        )
        for each in found[:_GROUPS]
    ]
    header = (printable(column.encode("utf-8", "surrogateescape"), _NAME), "messages", "spam", "recall", "ham blocked")
    show(header, rows, numbers=(1, 2, 3, 4))
    if len(found) > _GROUPS:
        click.echo(f"and {len(found) - _GROUPS:,} more values: --json has all")
    if any("~" in cell for row in rows for cell in row[3:]):
        click.echo(f"~ of so few messages that the 95 % interval is wider than {_WIDE:g}")


def _with_interval(group: dict[str, Any], name: str, nothing: str) -> str:
    low, high = group["intervals"][name]
    if math.isnan(low):
        return nothing
    return f"{'~' if high - low > _WIDE else ''}{group[name]:.3f} ({interval((low, high), 3)})"


def _number(value: float) -> str:
    return "not defined" if math.isnan(value) else f"{value:.4f}"
