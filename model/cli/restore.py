"""`model restore`."""

import json
import os
from pathlib import Path

import click

from model.cli.console import PLACE, as_json, import_tensorflow, print_table


@click.command()
@click.argument("checkpoint_place", metavar="DIR", type=PLACE)
@click.option("--text", "texts", multiple=True, help="Score this message with the restored model; repeat for more.")
@as_json
def restore(checkpoint_place: Path, texts: tuple[str, ...], as_json: bool) -> None:
    """Restore the latest checkpoint in DIR (or a checkpoint's prefix): list its variables, or score messages.

    \b
    model restore checkpoints
    model restore checkpoints --text "WIN a FREE prize, reply CLAIM now" --text "home by six"
    """
    import_tensorflow()
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
        print_table(
            ("variable", "dtype", "shape"), [(each.name, each.dtype, str(list(each.shape))) for each in variables]
        )
