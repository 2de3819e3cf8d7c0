"""The `model` command. Results go to stdout, progress and errors to stderr; only what runs TensorFlow imports it."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.errors import ModelError

if TYPE_CHECKING:
    from model.evaluate import Metrics

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
PLACE = click.Path(path_type=Path)

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")


class Commands(click.Group):
    """Turns a ModelError into one line on stderr and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        # TensorFlow's C++ notices are not for the user of a command. Has effect because nothing imported it yet.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        try:
            return super().invoke(ctx)
        except ModelError as error:
            click.echo(f"model: {error}", err=True)
        except OSError as error:
            click.echo(f"model: {error.filename}: {error.strerror}" if error.filename else f"model: {error}", err=True)
        raise SystemExit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nightshift")
def main() -> None:
    """Train, checkpoint, restore, freeze, inspect and evaluate models.

    \b
    From labelled messages to a model for the nightly job:
      model train labelled.csv --checkpoints checkpoints
      model freeze checkpoints --output spam.pb
      model evaluate spam.pb labelled.csv
      producer enqueue messages.csv --model spam.pb

    Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage.
    """


@main.command()
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
    _import_tensorflow()
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
        with _progress("cross-validating", total) as on_step:
            scores = evaluate.cross_validate(data, plan, folds, on_step=on_step)
        _print_metrics(evaluate.metrics(scores, data.labels), as_json, {"folds": folds})
        return
    assert checkpoints is not None  # noqa: S101 (checked above)
    with (
        _progress("training", plan.total_steps(len(data.texts))) as on_step,
        training.trained(data, plan, on_step) as result,
    ):
        prefix = checkpoint.save(result.session, checkpoints, result.step)
    report = {"checkpoint": prefix, "messages": len(data.texts), "spam": int(data.labels.sum()), "steps": result.step}
    click.echo(json.dumps(report) if as_json else prefix)


@main.command()
@click.argument("checkpoint_place", metavar="DIR", type=PLACE)
@click.option("--output", required=True, metavar="PATH", type=PLACE, help="The frozen graph to write.")
@click.option(
    "--node", "nodes", multiple=True, default=["score"], show_default=True, help="An output to keep; repeat for more."
)
def freeze(checkpoint_place: Path, output: Path, nodes: tuple[str, ...]) -> None:
    """Freeze the latest checkpoint in DIR (or a checkpoint's prefix) into one .pb, the whole model.

    Variables become constants; whatever the outputs do not need is dropped. Prints the file's sha256.

    \b
    model freeze checkpoints --output spam.pb
    model freeze checkpoints/model.ckpt-700 --output spam.pb
    model freeze elsewhere --output model.pb --node op_to_store
    """
    _import_tensorflow()
    import hashlib

    from model import checkpoint
    from model import freeze as freezing

    with checkpoint.restored(checkpoint.find(checkpoint_place)) as session:
        content = freezing.freeze(session, nodes)
    output.write_bytes(content)
    click.echo(f"{hashlib.sha256(content).hexdigest()}  {output}")


@main.command()
@click.argument("checkpoint_place", metavar="DIR", type=PLACE)
@click.option("--text", "texts", multiple=True, help="Score this message with the restored model; repeat for more.")
@as_json
def restore(checkpoint_place: Path, texts: tuple[str, ...], as_json: bool) -> None:
    """Restore the latest checkpoint in DIR (or a checkpoint's prefix): list its variables, or score messages.

    \b
    model restore checkpoints
    model restore checkpoints --text "WIN a FREE prize, reply CLAIM now" --text "home by six"
    """
    _import_tensorflow()
    from model import checkpoint, frozen

    prefix = checkpoint.find(checkpoint_place)
    if texts:
        with checkpoint.restored(prefix) as session:
            feeds = {frozen.tensor(session.graph, "text"): [os.fsencode(text) for text in texts]}
            scores = session.run(frozen.tensor(session.graph, "score"), feeds).tolist()
        if as_json:
            click.echo(json.dumps([{"text": text, "score": score} for text, score in zip(texts, scores, strict=True)]))
        else:
            for text, score in zip(texts, scores, strict=True):
                click.echo(f"{score:.6f}  {text}")
        return
    variables = checkpoint.variables(prefix)
    if as_json:
        click.echo(json.dumps({"checkpoint": prefix, "variables": [each._asdict() for each in variables]}))
    else:
        _print_table(
            ("variable", "dtype", "shape"), [(each.name, each.dtype, str(list(each.shape))) for each in variables]
        )


@main.command()
@click.argument("path", metavar="PATH", type=EXISTING)
@as_json
def inspect(path: Path, as_json: bool) -> None:
    """Show what a frozen .pb wants, what it gives, and whether a worker would take it.

    \b
    model inspect spam.pb
    model inspect spam.pb --json
    """
    _import_tensorflow()
    from model import inspection

    found = inspection.inspect(path.read_bytes())
    if as_json:
        lists = {
            "placeholders": [each._asdict() for each in found.placeholders],
            "outputs": [each._asdict() for each in found.outputs],
            "refused": [dict(zip(("node", "op", "why"), each, strict=True)) for each in found.refused],
        }
        click.echo(json.dumps({"path": str(path), **found._asdict(), **lists}))
        return
    click.echo(f"{path}: {found.nodes} nodes, {found.bytes:,} bytes\nsha256 {found.sha256}")
    for node, op, why in found.refused:
        click.echo(f"refused: {node} is the op {op}, which {why}")
    tensors = [("placeholder", each) for each in found.placeholders] + [("output", each) for each in found.outputs]
    if tensors:
        rows = [
            (role, each.name, each.dtype, "unknown" if each.shape is None else str(each.shape))
            for role, each in tensors
        ]
        _print_table(("role", "node", "dtype", "shape"), rows)


@main.command()
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
    _import_tensorflow()
    from model import corpus, frozen
    from model import evaluate as evaluation

    data = corpus.read(files)
    scores = evaluation.score(frozen.load(path.read_bytes()), data.texts)
    _print_metrics(evaluation.metrics(scores, data.labels, threshold), as_json, {"threshold": threshold})


@main.command()
@click.option("--output", required=True, metavar="PATH", type=PLACE, help="Where its messages go, label<TAB>message.")
def corpus(output: Path) -> None:
    """Fetch the SMS Spam Collection (5,574 labelled messages; CC BY 4.0) from UCI, and check its sha256.

    \b
    model corpus --output sms_spam_collection.tsv
    """
    from model import corpus as corpora

    corpora.fetch(output)
    click.echo(f"{corpora.SMS_SHA256}  {output}")


def _import_tensorflow() -> None:
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # the graph-and-session API announces its age at every turn


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int, float], None]]:
    """A bar with the time left on a terminal, elsewhere a line at each tenth. Yields what hears each step's loss."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeRemainingColumn(),
    )
    done = 0
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def on_step(_step: int, loss: float) -> None:
            nonlocal done
            done += 1
            bar.update(task, advance=1, description=f"{what}, loss {loss:.3f}")
            if not console.is_terminal and done * 10 // total > (done - 1) * 10 // total:
                click.echo(f"{what}: {done}/{total} steps, loss {loss:.3f}", err=True)

        yield on_step


def _print_metrics(found: "Metrics", as_json: bool, context: dict[str, Any]) -> None:
    if as_json:
        click.echo(json.dumps({**context, **found.as_dict()}))
    else:
        _print_table(
            ("measure", "value"), [(name.replace("_", " "), str(value)) for name, value in found.as_dict().items()]
        )


def _print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Columns padded to their longest cell, so that they read on a terminal and cut in a pipe."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
