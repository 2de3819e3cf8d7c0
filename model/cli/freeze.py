"""`model freeze`."""

from pathlib import Path

import click

from formats.files import safe
from graphs import kinds
from graphs.names import short
from model.cli.console import PLACE, flat, import_tensorflow, names, pair, tell


@click.command()
@click.argument("place", metavar="FROM", type=PLACE)
@click.option("--output", required=True, metavar="PATH", type=PLACE, help="The frozen graph to write.")
@click.option(
    "--node",
    "nodes",
    type=names,
    multiple=True,
    metavar="NODE,...",
    help="The outputs to keep.  [default: score, else the only one; of a SavedModel: its signature's]",
)
@click.option(
    "--input", "inputs", multiple=True, metavar="TENSOR", help="Cut the graph here, and feed this.  Repeatable."
)
@click.option(
    "--set",
    "settings",
    type=pair,
    multiple=True,
    metavar="PLACEHOLDER=VALUE",
    help="Make a constant of a placeholder (keep_prob=1, is_training=false).  Repeatable.",
)
@click.option(
    "--sample",
    type=PLACE,
    metavar="JSONL",
    help="Compare on these records: a line each, {input: value}.  [default: made-up ones]",
)
@click.option("--tag", "tags", multiple=True, help="Of a SavedModel's graph; repeat for more.  [default: serve]")
@click.option("--signature", help="Of a SavedModel.  [default: serving_default]")
def freeze(
    place: Path,
    output: Path,
    nodes: tuple[tuple[str, ...], ...],
    inputs: tuple[str, ...],
    settings: tuple[tuple[str, str], ...],
    sample: Path | None,
    tags: tuple[str, ...],
    signature: str,
) -> None:
    """Freeze a checkpoint, a SavedModel or a graph into one .pb, the whole model, for producer enqueue --model.

    FROM is a directory of checkpoints, whose latest is meant, a checkpoint's prefix, the directory of a SavedModel
    (of TensorFlow 1 or 2), or a .pb or .pbtxt to cut or set. Variables become constants of the same names, and lookup
    tables have their content in the file; whatever the outputs do not need is dropped. Prints the file's sha256, and on
    stderr how far the scores on a sample of records are from the original's; beyond 1e-4 it fails, and writes nothing.

    \b
    model freeze checkpoints --output spam.pb
    model freeze checkpoints/model.ckpt-700 --output spam.pb
    model freeze elsewhere --output model.pb --node op_to_store
    model freeze elsewhere --output model.pb --node score,language --set keep_prob=1
    model freeze elsewhere --output model.pb --node probabilities --input IteratorGetNext
    model freeze saved_model --output model.pb --tag serve --signature serving_default

    The records of --sample are as the instances that TensorFlow Serving takes, with a value for each input that the
    frozen graph has; bytes are {"b64": text}.

    From a SavedModel, inputs and outputs are called as in its signature; with --node, as in its graph.
    """
    import_tensorflow()
    import hashlib

    from model.checkpoints import checkpoint, opening, saved_model
    from model.errors import ModelError
    from model.graph import compare, cut
    from model.graph import freeze as freezing

    wanted = {name: name for name in map(short, flat(nodes))}
    directory = saved_model.directory(place)
    named = {}
    if directory is not None:
        source = opening.from_saved_model(directory, tags, signature)
        if not (wanted or source.outputs):
            raise ModelError(f"{directory} has no signature that is called serving_default: --signature or --node")
        named = {} if wanted else dict(source.inputs)
        wanted = wanted or dict(source.outputs)
    else:
        if tags or signature:
            raise click.UsageError(f"--tag and --signature are for SavedModels, and {place} is none")
        kind = kinds.of(place)
        if kind is not None and kind is not kinds.TEXT:
            raise ModelError(kind.said_of(place))
        if place.is_file() and (kind or place.suffix in (".pb", ".pbtxt")):
            source = opening.from_file(place)
        else:
            source = opening.from_checkpoint(checkpoint.find(place))
    named |= cut.named(inputs)
    wanted = wanted or {name: name for name in freezing.outputs_of(source)}
    made = freezing.convert(source, wanted, named, dict(settings))
    outcome = compare.compare(made, source, sample)
    with safe.replacing(output) as file:
        file.write(made.content)
    tell(f"{hashlib.sha256(made.content).hexdigest()}  {output}")
    tell(outcome.text, err=True)
