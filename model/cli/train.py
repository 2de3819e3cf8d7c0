"""`model train`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.cli.console import EXISTING, PLACE, as_json, import_tensorflow, print_metrics, progress, tell, tell_path
from model.cli.run import Options, asked_to_stop, options
from model.errors import ModelError

if TYPE_CHECKING:
    from model.corpus import Labelled
    from model.training.choice import Chosen
    from model.training.grid import Grid
    from model.training.train import Plan

_ABOVE_ZERO = click.FloatRange(0, 1e6, min_open=True)


@click.command()
@click.argument("files", metavar="LABELLED.csv...", nargs=-1, required=True, type=EXISTING)
@click.option("--checkpoints", metavar="DIR", type=PLACE, help="Where the checkpoints go; made if absent.")
@click.option("--epochs", type=click.IntRange(1), help="Passes over the messages.  [default: chosen]")
@click.option("--steps", type=click.IntRange(1), help="Mini-batches of 64 messages, instead of --epochs.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Shuffles. Same seed, same weights."
)
@click.option("--fast", is_flag=True, help="Choose nothing, take defaults; scores are calibrated all the same.")
@click.option("--l2", type=_ABOVE_ZERO, help="The penalty on large weights.  [default: chosen]")
@click.option("--learning-rate", type=_ABOVE_ZERO, help="How far a step goes.  [default: chosen]")
@click.option("--spam-weight", type=_ABOVE_ZERO, help="Of a spam message; ham has 1.  [default: chosen]")
@click.option("--folds", type=click.IntRange(2), help="Cross-validate instead: train N times, score the held-out rows.")
@options
@as_json
def train(
    files: tuple[Path, ...],
    checkpoints: Path | None,
    epochs: int | None,
    steps: int | None,
    seed: int,
    fast: bool,
    l2: float | None,
    learning_rate: float | None,
    spam_weight: float | None,
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

    How to train (L2, learning rate, spam's weight, passes) is chosen for these messages: a few settings are tried on
    inner folds, and what gives held-out messages the best probabilities is taken. The same held-out messages calibrate
    the scores, so that 0.5 is where spam becomes likelier than ham, and 0.9 means nine in ten. Thousands of messages
    take seconds, a million takes minutes; --fast goes without the choice.

    A checkpoint is four files: model.ckpt-STEP.data-*, .index and .meta, and the file `checkpoint`, which names the
    latest. Training may be stopped at any moment, with Ctrl-C or kill -9: the same command goes on from the latest
    checkpoint and ends with the same weights, to the last bit, as if nothing had happened. With other messages, another
    seed or another setting it is another run, and refused; more --epochs or --steps train a finished run on. To watch:

    \b
    tensorboard --logdir checkpoints

    With --folds nothing is saved. Each of N stratified folds (shuffled with seed 0) is scored by a frozen model trained
    on the others, all choices made there too, so the figures are for messages that no part of the model ever saw:

    \b
    model train sms_spam_collection.tsv --folds 5
    """
    if (checkpoints is None) == (folds is None):
        raise click.UsageError("say either --checkpoints DIR, to keep the model, or --folds N, to measure it")
    if epochs is not None and steps is not None:
        raise click.UsageError("say --epochs or --steps, not both")
    import_tensorflow()
    from model import corpus
    from model.training import grid
    from model.training import train as training

    data = corpus.read(files)
    for doubt in corpus.doubts(data):
        tell(doubt, err=True)
    plan = training.Plan(seed=seed, steps=steps)
    among = grid.grid(fast=fast, l2=l2, learning_rate=learning_rate, spam_weight=spam_weight)
    if folds is not None:
        _cross_validate(data, plan, among, epochs, folds, as_json)
    else:
        assert checkpoints is not None  # noqa: S101 (checked above)
        _train(data, plan, among, epochs, checkpoints, Options(**saving), as_json)


def _train(
    data: "Labelled",
    plan: "Plan",
    among: "Grid",
    epochs: int | None,
    checkpoints: Path,
    options: Options,
    as_json: bool,
) -> None:
    from model.training import choice, resume, run
    from model.training import train as training

    asked: resume.Terms = {
        "kind": "the spam model",
        "messages": resume.digest(data),
        "options": json.dumps(among),
        "seed": plan.seed,
    }
    before = None if options.again else resume.recorded(checkpoints, asked, from_step=options.from_step)
    chosen = choice.recalled(before, plan) if before is not None else _choose(data, plan, among)
    terms = {**asked, **chosen.terms()}
    plan = chosen.plan if epochs is None else chosen.plan._replace(epochs=epochs)
    total = plan.total_steps(len(data.texts))
    with (
        asked_to_stop() as stop,
        training.prepared(plan, data.labels, terms, chosen.calibrations) as (session, parts, task),
    ):
        done = resume.start(session, checkpoints, terms, again=options.again, from_step=options.from_step)
        if not done:
            training.begin(session, parts, data, plan)
        tell_place(done, total)
        with progress("training", total, done) as on_step:
            place = options.place(checkpoints)
            prefix = run.go_on(session, task, data.texts, data.labels, plan, place, done, on_step, stop)
    report = {"checkpoint": prefix, "messages": len(data.texts), "spam": int(data.labels.sum()), "steps": total}
    report |= {name: getattr(plan, name) for name in ("epochs", "l2", "learning_rate", "spam_weight", "telling")}
    click.echo(json.dumps(report)) if as_json else tell_path(prefix)


def tell_place(done: int, total: int) -> None:
    """Say on stderr where a run goes on, or that there is nothing left of it."""
    if done == total:
        click.echo(
            f"finished before, at step {done}; more --epochs or --steps train on, --again starts over",
            err=True,
        )
    elif 0 < done < total:
        click.echo(f"going on from step {done} of {total}", err=True)


def _choose(data: "Labelled", plan: "Plan", among: "Grid", where: str = "") -> "Chosen":
    """Choose how to train, and say on stderr what and why."""
    from model.training import choice

    effort = choice.effort(data.labels, plan, among)
    with progress(f"choosing{where}", effort) as on_step:
        found = choice.choose(data, plan, among, lambda: on_step(0, None))
    for line in choice.lines(found, where):
        tell(line, err=True)
    return found


def _cross_validate(
    data: "Labelled", plan: "Plan", among: "Grid", epochs: int | None, folds: int, as_json: bool
) -> None:
    from model.quality import evaluate
    from model.quality.metrics import metrics

    smallest = min(int(data.labels.sum()), int((~data.labels).sum()))
    if smallest < folds:
        raise ModelError(f"{folds} folds need as many messages of each label; one label has {smallest}")
    parts = evaluate.training_parts(data, folds)
    chosen = [_choose(part, plan, among, f" for fold {number}") for number, part in enumerate(parts, 1)]
    if epochs is not None:
        chosen = [each._replace(plan=each.plan._replace(epochs=epochs)) for each in chosen]
    total = sum(each.plan.total_steps(len(part.texts)) for part, each in zip(parts, chosen, strict=True))
    with progress("cross-validating", total) as on_step:
        scores = evaluate.cross_validate(data, chosen, on_step=on_step)
    print_metrics(metrics(scores, data.labels), as_json, {"folds": folds}, _of_calibration(scores, data.labels))


def _of_calibration(scores: Any, labels: Any) -> dict[str, float]:
    """Whether scores are probabilities, and whether 0.5 is the right threshold."""
    from model.quality import calibration, curves

    curve = curves.trace(scores, labels)
    fewest = int(min(curve.false_positives + curve.spam - curve.true_positives, default=0))
    return {
        "roc_auc": round(curves.roc_auc(curve), 6),
        "calibration_error": round(calibration.calibration_error(calibration.equal_mass(scores, labels)), 6),
        "errors": int(((scores >= 0.5) != labels).sum()),
        "fewest_errors": min(fewest, curve.spam),
    }
