"""`model inspect`."""

import json
from pathlib import Path

import click

from model.cli.console import EXISTING, as_json, import_tensorflow, print_table


@click.command()
@click.argument("path", metavar="PATH", type=EXISTING)
@as_json
def inspect(path: Path, as_json: bool) -> None:
    """Show what a frozen .pb wants, what it gives, and whether a worker would take it.

    \b
    model inspect spam.pb
    model inspect spam.pb --json
    """
    import_tensorflow()
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
        print_table(("role", "node", "dtype", "shape"), rows)
