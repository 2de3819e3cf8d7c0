"""`model restore`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from formats.harmless import shown
from model.cli.console import PLACE, as_json, flat, import_tensorflow, names, pair, print_table, tell

if TYPE_CHECKING:
    from model.checkpoints.partial import Outcome


@click.command()
@click.argument("checkpoint_place", metavar="DIR", type=PLACE)
@click.option("--text", "texts", multiple=True, help="Score this message with the restored model; repeat for more.")
@click.option(
    "--feed", "feeds", type=pair, multiple=True, metavar="NODE=V,...", help="Feed these rows to a placeholder."
)
@click.option("--fetch", type=names, multiple=True, metavar="NODE,...", help="Run these nodes.")
@click.option(
    "--variables",
    type=names,
    multiple=True,
    metavar="NAME,...",
    help="Restore only these; OURS=THEIRS if the checkpoint has it under another name. The rest is initialised.",
)
@click.option("--save", "destination", metavar="DIR", type=PLACE, help="Write the result as a checkpoint of its own.")
@as_json
def restore(
    checkpoint_place: Path,
    texts: tuple[str, ...],
    feeds: tuple[tuple[str, str], ...],
    fetch: tuple[tuple[str, ...], ...],
    variables: tuple[tuple[str, ...], ...],
    destination: Path | None,
    as_json: bool,
) -> None:
    """Restore the latest checkpoint in DIR (or a checkpoint's prefix): list its variables, or run its graph.

    \b
    model restore checkpoints
    model restore checkpoints --text "WIN a FREE prize, reply CLAIM now" --text "home by six"
    model restore elsewhere --feed x=1,2,3 --feed y=10,20,30 --fetch op_to_store,b

    With --variables only some are restored, and a table says of each variable of the graph what became of it:

    \b
    model restore checkpoints --variables weights,bias
    model restore checkpoints --variables bias=weights/bias --save elsewhere
    """
    if texts and (feeds or fetch):
        raise click.UsageError("--text feeds `text` and fetches `score`: say --feed and --fetch for other nodes")
    if feeds and not fetch:
        raise click.UsageError("--feed without --fetch: say which nodes to run")
    import_tensorflow()
    from model.checkpoints import checkpoint, partial, saving

    prefix = checkpoint.find(checkpoint_place)
    if not (texts or fetch or variables or destination):
        _list(prefix, as_json)
        return
    with checkpoint.imported(prefix) as (session, saver):
        outcome = None
        if variables:
            pairs = (name.partition("=") for name in flat(variables))
            outcome = partial.restore(session, prefix, {theirs or ours: ours for ours, _, theirs in pairs})
        else:
            checkpoint.restore(session, saver, prefix)
        if destination:
            saving.save(session, destination, max(checkpoint.step_of(prefix), 0))
        if texts:
            _score(session, texts, as_json)
        elif fetch:
            _run(session, feeds, flat(fetch), as_json)
        elif outcome:
            _tell(prefix, outcome, as_json)


def _list(prefix: str, as_json: bool) -> None:
    from model.checkpoints import checkpoint

    variables = checkpoint.variables(prefix)
    if as_json:
        click.echo(json.dumps({"checkpoint": prefix, "variables": [each._asdict() for each in variables]}))
    else:
        print_table(
            ("variable", "dtype", "shape"), [(each.name, each.dtype, str(list(each.shape))) for each in variables]
        )


def _score(session: Any, texts: tuple[str, ...], as_json: bool) -> None:
    from model import feeds
    from model.graph import foreign, frozen

    graph = session.graph
    text, score_of = frozen.tensor(graph, "text"), frozen.tensor(graph, "score")
    foreign.refuse_unsafe_run(graph, [score_of.op])
    (values,) = feeds.run(session, [score_of], {text: feeds.parse(text, texts)})
    scores = values.tolist()
    if as_json:
        click.echo(json.dumps([{"text": text, "score": score} for text, score in zip(texts, scores, strict=True)]))
    else:
        for text, score in zip(texts, scores, strict=True):
            tell(f"{score:.6f}  {shown(text)}")


def _run(session: Any, feeds: tuple[tuple[str, str], ...], fetch: tuple[str, ...], as_json: bool) -> None:
    from model import feeds as feeding
    from model.graph import foreign, frozen

    tensors = [feeding.fetched(session.graph, name) for name in fetch]
    foreign.refuse_unsafe_run(session.graph, [tensor.op for tensor in tensors])
    placeholders = [(frozen.tensor(session.graph, node), rows.split(",")) for node, rows in feeds]
    values = feeding.run(session, tensors, {tensor: feeding.parse(tensor, rows) for tensor, rows in placeholders})
    found = {name: value.tolist() for name, value in zip(fetch, values, strict=True)}
    if as_json:
        click.echo(json.dumps(found, default=os.fsdecode))
    else:
        for name, value in found.items():
            tell(f"{name}  {json.dumps(value, default=os.fsdecode)}")


def _tell(prefix: str, outcome: "Outcome", as_json: bool) -> None:
    if as_json:
        rows = [each._asdict() for each in outcome.rows]
        click.echo(json.dumps({"checkpoint": prefix, "variables": rows, "unused": outcome.unused}))
        return
    print_table(
        ("variable", "from", "became"),
        [
            (
                row.variable,
                row.source if row.restored else "",
                "restored" if row.restored else f"initialised: {row.why}",
            )
            for row in outcome.rows
        ],
    )
    if outcome.unused:
        tell(f"not used of {prefix}: {', '.join(outcome.unused)}", err=True)
