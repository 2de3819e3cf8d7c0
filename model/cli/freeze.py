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
@click.option("--tag", "tags", multiple=True, help="Of a SavedModel's graph; repeat for more.  [default: serve]")
@click.option("--signature", help="Of a SavedModel.  [default: serving_default]")
def freeze(
    place: Path, output: Path, nodes: tuple[tuple[str, ...], ...], tags: tuple[str, ...], signature: str
) -> None:
    """Freeze a checkpoint or a SavedModel into one .pb, the whole model, for producer enqueue --model.

    FROM is a directory of checkpoints, whose latest is meant, a checkpoint's prefix, or the directory of a SavedModel
    (of TensorFlow 1 or 2). Variables become constants of the same names; whatever the outputs do not need is dropped.
    The scores are those of the restored model, to the last bit. Prints the file's sha256.

    \b
    model freeze checkpoints --output spam.pb
    model freeze checkpoints/model.ckpt-700 --output spam.pb
    model freeze elsewhere --output model.pb --node op_to_store
    model freeze elsewhere --output model.pb --node score,language
    model freeze saved_model --output model.pb --tag serve --signature serving_default

    From a SavedModel, inputs and outputs are called as in its signature; with --node, as in its graph.
    """
    import_tensorflow()
    import hashlib

    from model.checkpoints import checkpoint, saved_model
    from model.errors import ModelError
    from model.graph import freeze as freezing

    wanted = [short(name) for name in flat(nodes)]
    directory = saved_model.directory(place)
    if directory is None:
        if tags or signature:
            raise click.UsageError(f"--tag and --signature are for SavedModels, and {place} is none")
        with checkpoint.restored(checkpoint.find(place)) as session:
            content = freezing.freeze(session, wanted or freezing.outputs_of(session.graph))
    else:
        with saved_model.restored(directory, tags, signature) as (session, named):
            if not (wanted or named):
                raise ModelError(f"{directory} has no signature that is called serving_default: --signature or --node")
            content = freezing.freeze(session, wanted, {} if wanted else named)
    output.write_bytes(content)
    click.echo(f"{hashlib.sha256(content).hexdigest()}  {output}")
