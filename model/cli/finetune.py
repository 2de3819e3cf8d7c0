"""`model finetune`."""

import json
from pathlib import Path
from typing import Any

import click

from model.cli.console import EXISTING, PLACE, as_json, flat, import_tensorflow, names, pair, progress, tell_path
from model.cli.run import Options, asked_to_stop, options
from model.cli.train import tell_place


@click.command()
@click.argument("base", metavar="FROM", type=PLACE)
@click.argument("files", metavar="LABELLED.csv...", nargs=-1, required=True, type=EXISTING)
@click.option("--checkpoints", metavar="DIR", required=True, type=PLACE, help="Where the checkpoints go.")
@click.option(
    "--features",
    type=names,
    multiple=True,
    metavar="NODE,...",
    help="What the head reads: numbers, a row for each message. Without it, the error lists candidates.",
)
@click.option("--input", "input_", default="text", show_default=True, metavar="NODE", help="FROM's string placeholder.")
@click.option(
    "--set", "constants", type=pair, multiple=True, metavar="NODE=VALUE", help="Fix another placeholder of FROM's."
)
@click.option("--epochs", type=click.IntRange(1), help="Passes over the messages.  [default: 30]")
@click.option("--steps", type=click.IntRange(1), help="Mini-batches of 64 messages, instead of --epochs.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Shuffles.")
@options
@as_json
def finetune(
    base: Path,
    files: tuple[Path, ...],
    checkpoints: Path,
    features: tuple[tuple[str, ...], ...],
    input_: str,
    constants: tuple[tuple[str, str], ...],
    epochs: int | None,
    steps: int | None,
    seed: int,
    as_json: bool,
    **saving: Any,
) -> None:
    """Train a new head on labelled messages, on top of a checkpoint whose variables stay as they are.

    FROM is a checkpoint's directory or prefix, of any v1 graph that has a placeholder for texts. What --features needs
    is restored and frozen; the rest of the graph is left behind. The head is logistic regression. What is saved
    freezes to a graph with `text` and `score`, like every spam model here:

    \b
    model finetune checkpoints mine.csv --features logit --checkpoints mine
    model finetune theirs/embed.ckpt-9000 mine.csv --input sentence --features pooled,length --set keep_prob=1
        --checkpoints mine
    model freeze mine --output mine.pb

    On one number, such as this project's `logit`, that is recalibration: the order of the messages stays, the scores
    become probabilities for the new messages. Interrupted, the same command goes on, as with `model train`.
    """
    if epochs is not None and steps is not None:
        raise click.UsageError("say --epochs or --steps, not both")
    import_tensorflow()
    from model import corpus
    from model.checkpoints import checkpoint
    from model.training import finetune as tuning
    from model.training import resume, run

    data = corpus.read(files)
    plan = tuning.DEFAULTS._replace(seed=seed, steps=steps)
    if epochs is not None:
        plan = plan._replace(epochs=epochs)
    found = tuning.load(checkpoint.find(base), input_, flat(features), dict(constants))
    terms: resume.Terms = {
        "kind": "a head",
        "base": checkpoint.digest(found.prefix),
        "features": ",".join(found.features),
        "input": found.input,
        "constants": json.dumps(dict(constants), sort_keys=True),
        "messages": resume.digest(data),
        **plan.terms(),
    }
    total, chosen = plan.total_steps(len(data.texts)), Options(**saving)
    with asked_to_stop() as stop, tuning.prepared(found, data.texts, plan, terms) as (session, task, rows):
        done = resume.start(session, checkpoints, terms, again=chosen.again, from_step=chosen.from_step)
        if not done:
            tuning.restore(session, found.prefix)  # again: the start initialised all variables
        tell_place(done, total)
        with progress("training a head", total, done) as on_step:
            place = chosen.place(checkpoints)
            prefix = run.go_on(session, task, rows, data.labels, plan, place, done, on_step, stop)
    report = {"checkpoint": prefix, "messages": len(data.texts), "features": rows.shape[1], "steps": total}
    click.echo(json.dumps(report)) if as_json else tell_path(prefix)
