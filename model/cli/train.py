"""`model train`."""

import json
from pathlib import Path

import click

from model.cli.console import EXISTING, PLACE, as_json, import_tensorflow, print_metrics, progress
from model.errors import ModelError


@click.command()
@click.argument("files", metavar="LABELLED.csv...", nargs=-1, required=True, type=EXISTING)
@click.option("--checkpoints", metavar="DIR", type=PLACE, help="Where the checkpoint goes; made if absent.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the messages.  [default: 8]")
@click.option("--steps", type=click.IntRange(1), help="Mini-batches of 64 messages, instead of --epochs.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Shuffles. Same seed, same weights."
)
@click.option("--folds", type=click.IntRange(2), help="Cross-validate instead: train N times, score the held-out rows.")
@as_json
def train(
    files: tuple[Path, ...],
    checkpoints: Path | None,
    epochs: int | None,
    steps: int | None,
    seed: int,
    folds: int | None,
    as_json: bool,
) -> None:
    """Train the spam classifier on labelled messages and save a checkpoint.

    A file is CSV with the columns label (ham or spam, or 0 or 1) and text, or headerless lines of label<TAB>message.

    \b
    model train labelled.csv --checkpoints checkpoints
    model train sms_spam_collection.tsv labelled.csv --checkpoints checkpoints --epochs 12

    With --folds nothing is saved. Each of N stratified folds (shuffled with seed 0) is scored by a frozen model trained
    on the others, so the figures are for messages that the model never saw:

    \b
    model train sms_spam_collection.tsv --folds 5
    """
    if (checkpoints is None) == (folds is None):
        raise click.UsageError("say either --checkpoints DIR, to keep the model, or --folds N, to measure it")
    if epochs is not None and steps is not None:
        raise click.UsageError("say --epochs or --steps, not both")
    import_tensorflow()
    from model import checkpoint, corpus, evaluate
    from model import train as training

    data = corpus.read(files)
    plan = training.Plan(seed=seed, steps=steps)
    if epochs is not None:
        plan = plan._replace(epochs=epochs)
    if folds is not None:
        smallest = min(int(data.labels.sum()), int((~data.labels).sum()))
        if smallest < folds:
            raise ModelError(f"{folds} folds need as many messages of each label; one label has {smallest}")
        total = sum(plan.total_steps(rows) for rows in evaluate.training_rows(data.labels, folds))
        with progress("cross-validating", total) as on_step:
            scores = evaluate.cross_validate(data, plan, folds, on_step=on_step)
        print_metrics(evaluate.metrics(scores, data.labels), as_json, {"folds": folds})
        return
    assert checkpoints is not None  # noqa: S101 (checked above)
    with (
        progress("training", plan.total_steps(len(data.texts))) as on_step,
        training.trained(data, plan, on_step) as result,
    ):
        prefix = checkpoint.save(result.session, checkpoints, result.step)
    report = {"checkpoint": prefix, "messages": len(data.texts), "spam": int(data.labels.sum()), "steps": result.step}
    click.echo(json.dumps(report) if as_json else prefix)
