"""`model freeze`."""

from pathlib import Path

import click

from model.cli.console import PLACE, import_tensorflow


@click.command()
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
    import_tensorflow()
    import hashlib

    from model import checkpoint
    from model import freeze as freezing

    with checkpoint.restored(checkpoint.find(checkpoint_place)) as session:
        content = freezing.freeze(session, nodes)
    output.write_bytes(content)
    click.echo(f"{hashlib.sha256(content).hexdigest()}  {output}")
