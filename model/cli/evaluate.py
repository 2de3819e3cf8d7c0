"""`model evaluate`."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.cli.console import EXISTING, PLACE, as_json, import_tensorflow, tell
from model.cli.verdict import print_verdict

if TYPE_CHECKING:
    from model.corpus import Labelled


@click.command()
@click.argument("path", metavar="MODEL", type=EXISTING)
@click.argument("files", metavar="LABELLED.csv...", nargs=-1, required=True, type=EXISTING)
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Spam from this score on."
)
@click.option("--errors", metavar="PATH", type=PLACE, help="Write the messages it gets wrong there, as CSV.")
@click.option("--pictures", metavar="DIR", type=PLACE, help="Draw curves, scores and calibration there.")
@click.option(
    "--format", "formats", type=click.Choice(("png", "svg")), multiple=True, default=("png",), show_default=True,
    help="Of the pictures; repeat for both.",
)  # fmt: skip
@click.option("--folds", type=click.IntRange(2), help="Also say how the figures spread over N parts of the messages.")
@as_json
def evaluate(
    path: Path,
    files: tuple[Path, ...],
    threshold: float,
    errors: Path | None,
    pictures: Path | None,
    formats: tuple[str, ...],
    folds: int | None,
    as_json: bool,
) -> None:
    """Score labelled messages with the frozen spam MODEL: how often it is right, and what it gets wrong.

    A file is CSV with the columns label (ham or spam, or 0 or 1) and text, or headerless lines of label<TAB>message.

    \b
    model evaluate spam.pb labelled.csv
    model evaluate spam.pb labelled.csv --threshold 0.9 --errors errors.csv
    model evaluate spam.pb labelled.csv --pictures pictures --format png --format svg
    model evaluate spam.pb labelled.csv --folds 10 --json | jq .spread.recall

    The figures flatter for messages that the model was trained on: model train LABELLED.csv --folds 5 trains again for
    each fold and measures on held-out ones. Here, --folds N trains nothing: it splits the messages into N stratified
    parts and gives each figure's mean and standard deviation over them, which says how far to trust it.

    tcr is the total cost ratio (Androutsopoulos et al., 2000): the cost of no filter over that of this one, where a
    blocked ham message costs as much as 9, or 999, passed spam messages. Below 1, no filter is better. In JSON a figure
    that is not defined, or infinite, is null.
    """
    if errors is not None and any(errors.exists() and errors.samefile(each) for each in (path, *files)):
        raise click.UsageError(f"--errors {errors} is one of the files to read")
    import_tensorflow()
    from model import corpus
    from model.graph import frozen
    from model.quality import evaluate as evaluation
    from model.quality import mistakes

    draw = _drawing() if pictures is not None else None
    data = corpus.read(files)
    scores = evaluation.probabilities(frozen.load(path.read_bytes()), data.texts)
    report = _report(data, scores, threshold, folds)
    wrong = mistakes.find(data, scores, threshold)
    if errors is not None:
        mistakes.write(wrong, errors)
    drawn = draw(scores, data.labels, threshold, pictures, formats) if draw is not None else []
    if as_json:
        texts = [{**each._asdict(), "text": each.text.decode("utf-8", "backslashreplace")} for each in wrong]
        whole = {**report, "errors": texts, "pictures": [str(each) for each in drawn]}
        click.echo(json.dumps(_finite(whole), allow_nan=False))
        return
    print_verdict(report, wrong)
    for written in (*([errors] if errors is not None else []), *drawn):
        tell(f"written: {written}")


def _report(data: "Labelled", scores: Any, threshold: float, folds: int | None) -> dict[str, Any]:
    """Everything that is computed, under the names that --json has."""
    from model.quality import calibration, curves, figures, metrics, thresholds

    curve = curves.trace(scores, data.labels)
    spread = figures.over_folds(scores, data.labels, threshold, folds) if folds is not None else None
    return {
        "threshold": threshold,
        **metrics.metrics(scores, data.labels, threshold).as_dict(),
        **{name: round(value, 6) for name, value in figures.figures(scores, data.labels, threshold).items()},
        "thresholds": [_choice(each) for each in thresholds.choices(curve, threshold)],
        "calibration": [
            {**each._asdict(), "share": each.share} for each in calibration.reliability(scores, data.labels)
        ],
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
    }


def _choice(each: Any) -> dict[str, Any]:
    from model.quality.metrics import HAM_COSTS

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


def _drawing() -> Any:
    """Import what draws, before any work is done for it."""
    from model.errors import ModelError

    try:
        from model.quality.pictures import draw
    except ModuleNotFoundError as error:
        raise ModelError(f"--pictures needs {error.name}: pip install {error.name}") from None
    return draw


def _finite(value: Any) -> Any:
    """JSON has neither nan nor inf."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
