"""`model freeze`."""

from pathlib import Path

import click

from graphs.names import short
from model.cli.console import PLACE, flat, import_tensorflow, names


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
    "--input",
    "inputs",
    multiple=True,
    metavar="TENSOR",
    help="Cut the graph there: it becomes a placeholder, called as its node. Repeatable.",
)
@click.option(
    "--set",
    "constants",
    multiple=True,
    metavar="PLACEHOLDER=VALUE",
    help="Fix it for good: is_training=false, keep_prob=1. Repeatable.",
)
@click.option("--tag", "tags", multiple=True, help="Of a SavedModel's graph; repeat for more.  [default: serve]")
@click.option("--signature", help="Of a SavedModel.  [default: serving_default]")
def freeze(
    place: Path,
    output: Path,
    nodes: tuple[tuple[str, ...], ...],
    inputs: tuple[str, ...],
    constants: tuple[str, ...],
    tags: tuple[str, ...],
    signature: str,
) -> None:
    """Freeze a checkpoint or a SavedModel into one .pb, the whole model, for producer enqueue --model.

    FROM is a directory of checkpoints, whose latest is meant, a checkpoint's prefix, the directory of a SavedModel (of
    TensorFlow 1 or 2), or a graph (.pb, .pbtxt) that is to be cut or set. Variables become constants of the same names,
    vocabularies come along, and whatever the outputs do not need is dropped, as are the branches that --set excludes.
    Nothing of the model runs before it is known to have no op that a worker refuses.

    The file is then loaded as a worker does, and both score a sample: how far they differ is said, and beyond 1e-4, or
    where the largest of a row is another one, there is no file. Prints the file's sha256.

    \b
    model freeze checkpoints --output spam.pb
    model freeze checkpoints/model.ckpt-700 --output spam.pb
    model freeze elsewhere --output model.pb --node op_to_store --set keep_prob=1
    model freeze elsewhere --output model.pb --node score --input IteratorGetNext
    model freeze saved_model --output model.pb --tag serve --signature serving_default

    From a SavedModel, inputs and outputs are called as in its signature; with --node, as in its graph.
    """
    from graphs import kinds
    from graphs.words import read

    fixed = dict(read(constants=constants).constants)
    import_tensorflow()
    import hashlib

    from model.checkpoints import checkpoint, original, saved_model
    from model.errors import ModelError
    from model.graph import compare
    from model.graph import freeze as freezing

    wanted = [short(name) for name in flat(nodes)]
    directory = saved_model.directory(place)
    if directory is None and (tags or signature):
        raise click.UsageError(f"--tag and --signature are for SavedModels, and {place} is none")
    if directory is not None:
        found = original.of_saved_model(directory, tags, signature)
        if not (wanted or found.outputs):
            raise ModelError(f"{directory} has no signature that is called serving_default: --signature or --node")
    elif place.is_file() and place.suffix in (".pb", ".pbtxt", ".prototxt"):
        found = original.of_graph(place)
    elif (kind := kinds.of(place)) is not None:
        raise ModelError(kind.said_of(place))
    else:
        found = original.of_checkpoint(checkpoint.find(place))
    unfrozen = freezing.prepare(found, wanted, inputs=inputs, constants=fixed)
    content = freezing.freeze_part(unfrozen)
    click.echo(compare.check(unfrozen, content), err=True)
    output.write_bytes(content)
    click.echo(f"{hashlib.sha256(content).hexdigest()}  {output}")
