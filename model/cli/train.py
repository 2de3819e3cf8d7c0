"""`model train`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.cli.console import EXISTING, PLACE, as_json, import_tensorflow, print_metrics, progress, tell_path
from model.cli.run import Options, asked_to_stop, options
from model.errors import ModelError

if TYPE_CHECKING:
    from model.corpus import Labelled
    from model.training.train import Plan


@click.command()
@click.argument("files", metavar="LABELLED.csv...", nargs=-1, required=True, type=EXISTING)
@click.option("--checkpoints", metavar="DIR", type=PLACE, help="Where the checkpoints go; made if absent.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the messages.  [default: 8]")
@click.option("--steps", type=click.IntRange(1), help="Mini-batches of 64 messages, instead of --epochs.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Shuffles. Same seed, same weights."
)
@click.option("--folds", type=click.IntRange(2), help="Cross-validate instead: train N times, score the held-out rows.")
@options
@as_json
def train(
    files: tuple[Path, ...],
    checkpoints: Path | None,
    epochs: int | None,
    steps: int | None,
    seed: int,
    folds: int | None,
    as_json: bool,
    **saving: Any,
) -> None:
    """Train the spam classifier on labelled messages, saving checkpoints as it goes.

    A file is CSV with the columns label (ham or spam, or 0 or 1) and text, or headerless lines of label<TAB>message.

    \b
    model train labelled.csv --checkpoints checkpoints
    model train sms_spam_collection.tsv labelled.csv --checkpoints checkpoints --epochs 12
    model train labelled.csv --checkpoints checkpoints --every 50 --keep 3 --keep-every-hours 2
    model train labelled.csv --checkpoints checkpoints --variables weights_fixed,bias_fixed --no-meta-graph

    A checkpoint is four files: model.ckpt-STEP.data-*, .index and .meta, and the file `checkpoint`, which names the
    latest. Training may be stopped at any moment, with Ctrl-C or kill -9: the same command goes on from the latest
    checkpoint and ends with the same weights, to the last bit, as if nothing had happened. With other messages, another
    seed or another setting it is another run, and refused; more --epochs or --steps train a finished run on. To watch:

    \b
    tensorboard --logdir checkpoints

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
    from model import corpus
    from model.training import train as training

    data = corpus.read(files)
    plan = training.Plan(seed=seed, steps=steps)
    if epochs is not None:
        plan = plan._replace(epochs=epochs)
    if folds is not None:
        _cross_validate(data, plan, folds, as_json)
    else:
        assert checkpoints is not None  # noqa: S101 (checked above)
        _train(data, plan, checkpoints, Options(**saving), as_json)


def _train(data: "Labelled", plan: "Plan", checkpoints: Path, chosen: Options, as_json: bool) -> None:
    from model.training import resume, run
    from model.training import train as training

    terms: resume.Terms = {"kind": "the spam model", "messages": resume.digest(data), **plan.terms()}
    total = plan.total_steps(len(data.texts))
    with asked_to_stop() as stop, training.prepared(plan, data.labels, terms) as (session, _, task):
        done = resume.start(session, checkpoints, terms, again=chosen.again, from_step=chosen.from_step)
        tell(done, total)
        with progress("training", total, done) as on_step:
            place = chosen.place(checkpoints)
            prefix = run.go_on(session, task, data.texts, data.labels, plan, place, done, on_step, stop)
    report = {"checkpoint": prefix, "messages": len(data.texts), "spam": int(data.labels.sum()), "steps": total}
    click.echo(json.dumps(report)) if as_json else tell_path(prefix)


def tell(done: int, total: int) -> None:
    """Say on stderr where a run goes on, or that there is nothing left of it."""
    if done == total:
        click.echo(
            f"finished before, at step {done}; more --epochs or --steps train on, --again starts over",
            err=True,
        )
    elif 0 < done < total:
        click.echo(f"going on from step {done} of {total}", err=True)


def _cross_validate(data: "Labelled", plan: "Plan", folds: int, as_json: bool) -> None:
    from model.quality import evaluate
    from model.quality.metrics import metrics

    smallest = min(int(data.labels.sum()), int((~data.labels).sum()))
    if smallest < folds:
        raise ModelError(f"{folds} folds need as many messages of each label; one label has {smallest}")
    total = sum(plan.total_steps(rows) for rows in evaluate.training_rows(data.labels, folds))
    with progress("cross-validating", total) as on_step:
        scores = evaluate.cross_validate(data, plan, folds, on_step=on_step)
    print_metrics(metrics(scores, data.labels), as_json, {"folds": folds})
