"""`model evaluate`."""

import json
import math
from pathlib import Path
from typing import Any

import click

from model.cli.console import EXISTING, PLACE, as_json, import_tensorflow, pair, tell
from model.cli.verdict import print_verdict


def cost_of_ham(value: str) -> float:
    """The kind of an option that takes ham=N."""
    name, number = pair(value)
    try:
        cost = float(number)
    except ValueError:
        cost = math.nan
    if name != "ham" or not 0 < cost < math.inf:
        raise click.BadParameter(
            f"{value!r} is not ham=N, where N passed spam messages cost as much as a blocked ham one"
        )
    return cost


@click.command()
@click.argument("path", metavar="MODEL", type=EXISTING)
@click.argument("files", metavar="LABELLED.csv...", nargs=-1, required=True, type=EXISTING)
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Spam from this score on."
)
@click.option(
    "--cost", metavar="ham=N", type=cost_of_ham,
    help="A blocked ham message costs as much as N passed spam messages: which threshold is the cheapest?",
)  # fmt: skip
@click.option(
    "--review", type=click.FloatRange(0, 1), metavar="SCORE",
    help="From this score on somebody looks at a message, if it is no spam: how many would there be?",
)  # fmt: skip
@click.option(
    "--spam", type=click.FloatRange(0, 1), metavar="SCORE",
    help="With --review: spam from this score on.  [default: --threshold]",
)  # fmt: skip
@click.option("--against", metavar="OTHER.pb", type=EXISTING, help="Compare with this model on the same messages.")
@click.option("--by", metavar="COLUMN", multiple=True, help="The figures by the values of this column; repeatable.")
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
    cost: float | None,
    review: float | None,
    spam: float | None,
    against: Path | None,
    by: tuple[str, ...],
    errors: Path | None,
    pictures: Path | None,
    formats: tuple[str, ...],
    folds: int | None,
    as_json: bool,
) -> None:
    """Score labelled messages with the frozen spam MODEL: how often it is right, how sure that is, and what it gets
    wrong.

    A file is CSV with the columns label (ham or spam, or 0 or 1) and text, or headerless lines of label<TAB>message.

    \b
    Examples:
      model evaluate spam.pb labelled.csv
      model evaluate spam.pb labelled.csv --threshold 0.9 --errors errors.csv
      model evaluate spam.pb labelled.csv --cost ham=9
      model evaluate spam.pb labelled.csv --review 0.5 --spam 0.9
      model evaluate new.pb labelled.csv --against old.pb
      model evaluate spam.pb labelled.csv --by language
      model evaluate spam.pb labelled.csv --pictures pictures --format png --format svg
      model evaluate spam.pb labelled.csv --folds 10 --json | jq .spread.recall

    The figures flatter for messages that the model was trained on: model train LABELLED.csv --folds 5 trains again for
    each fold and measures on held-out ones. Here, --folds N trains nothing: it splits the messages into N stratified
    parts and gives each figure's mean and standard deviation over them, which says how far to trust it.

    The intervals have the true figure in them 95 times in 100, if the messages were drawn at random from those that the
    model will meet. Shares have Wilson's, the others are bootstrapped.

    --cost ham=9 gives two thresholds. One follows from the cost alone, 9 / (1 + 9) = 0.9, and is right as far as scores
    are probabilities. The other is the cheapest on these messages, and fits these best. docs/thresholds.md says more.

    tcr is the total cost ratio (Androutsopoulos et al., 2000): the cost of no filter over that of this one, where a
    blocked ham message costs as much as 9, or 999, passed spam messages. Below 1, no filter is better. In JSON a figure
    that is not defined, or infinite, is null.
    """
    if errors is not None and any(errors.exists() and errors.samefile(each) for each in (path, *files)):
        raise click.UsageError(f"--errors {errors} is one of the files to read")
    if spam is not None and review is None:
        raise click.UsageError("--spam is for --review: where nothing is reviewed, --threshold says what is spam")
    levels = None if review is None else (review, threshold if spam is None else spam)
    if levels and levels[0] > levels[1]:
        raise click.UsageError(f"--review {levels[0]:g} is above {levels[1]:g}, from which on it is spam already")
    import_tensorflow()
    from model import corpus
    from model.graph import frozen
    from model.quality import evaluate as evaluation
    from model.quality import mistakes, summary

    draw = _drawing() if pictures is not None else None
    data = corpus.read(files)
    columns = {name: corpus.column(files, name) for name in by}
    scores = evaluation.probabilities(frozen.load(path.read_bytes()), data.texts)
    wanted = summary.Wanted(threshold, cost, levels)
    report = summary.summarize(data, scores, wanted, folds, columns)
    if against is not None:
        other = evaluation.probabilities(frozen.load(against.read_bytes()), data.texts)
        report["against"] = {"model": str(against), **summary.compare(data, scores, other, wanted)}
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
