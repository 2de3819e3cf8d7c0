"""`model evaluate`."""

from pathlib import Path

import click

from model.cli.console import EXISTING, as_json, import_tensorflow, print_metrics


@click.command()
@click.argument("path", metavar="PATH", type=EXISTING)
@click.argument("files", metavar="LABELLED.csv...", nargs=-1, required=True, type=EXISTING)
@click.option(
    "--threshold", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Spam from this score on."
)
@as_json
def evaluate(path: Path, files: tuple[Path, ...], threshold: float, as_json: bool) -> None:
    """Score labelled messages with a frozen spam model and print how often it is right.

    The figures flatter for messages that the model was trained on: `model train LABELLED.csv --folds 5` measures on
    held-out ones.

    \b
    model evaluate spam.pb labelled.csv
    model evaluate spam.pb labelled.csv --threshold 0.9 --json
    """
    import_tensorflow()
    from model import corpus, frozen
    from model import evaluate as evaluation

    data = corpus.read(files)
    scores = evaluation.score(frozen.load(path.read_bytes()), data.texts)
    print_metrics(evaluation.metrics(scores, data.labels, threshold), as_json, {"threshold": threshold})
