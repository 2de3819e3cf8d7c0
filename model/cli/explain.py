"""`model explain`."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from model.cli.console import EXISTING, as_json, import_tensorflow, pair, tell
from model.cli.tables import printable, show

if TYPE_CHECKING:
    from model.reasons.explaining import Explanation

_WIDTH = 60  # terminal cells of a piece, and
_LINE = 100  # of a message
_LARGEST = 16 << 20  # bytes of a record


@click.command()
@click.argument("path", metavar="MODEL", type=EXISTING)
@click.option("--text", "texts", multiple=True, help="A message; repeat for more.")
@click.option(
    "--file",
    "file",
    metavar="PATH",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A file that is one message; - is standard input.",
)
@click.option("--csv", "table", metavar="PATH", type=EXISTING, help="A table of messages.")
@click.option(
    "--column", metavar="NAME", help="Which of the table's columns has the texts.  [default: the input's name]"
)
@click.option(
    "--record", "records", metavar="N", type=click.IntRange(1), multiple=True,
    help="The table's N-th record, the header not counted; repeat for more.",
)  # fmt: skip
@click.option(
    "--limit", type=click.IntRange(1), default=10, show_default=True, help="Without --record: so many, the first ones."
)
@click.option(
    "--top", type=click.IntRange(0), default=10, show_default=True, help="Pieces to show; the rest is summed."
)
@click.option(
    "--feed", "feeds", type=pair, multiple=True, metavar="NAME=VALUE",
    help="What another placeholder has for all messages; a table's column of its name feeds it by itself.",
)  # fmt: skip
@click.option("--input", "input_name", metavar="PLACEHOLDER", help="Which takes the texts.  [default: text]")
@click.option("--score", metavar="NODE", help="The probability.  [default: score, or the only output]")
@as_json
def explain(
    path: Path,
    texts: tuple[str, ...],
    file: Path | None,
    table: Path | None,
    column: str | None,
    records: tuple[int, ...],
    limit: int,
    top: int,
    feeds: tuple[tuple[str, str], ...],
    input_name: str | None,
    score: str | None,
    as_json: bool,
) -> None:
    """Say why MODEL gives messages their scores: which pieces of the text moved them, and which rules.

    \b
    model explain spam.pb --text "WIN a FREE prize, reply CLAIM now"
    model explain guarded.pb --text "your parcel is here" --feed sender=+4477001
    model explain spam.pb --csv night.csv --record 17 --record 4711
    model explain spam.pb --file mail.txt --top 5 --json | jq '.[0].pieces'

    The score of a spam model that `model train` made is a sum over the n-grams in the text. Each piece has the exact
    share that its n-grams have in the score's logit: all shares and the constant sum to it. In JSON, `parts` are the
    same as whole numbers, and those of all pieces and of `rest` sum to `unit` times `margin`, the sum in the graph.

    Of any other model that takes texts each piece is left out in turn (of a long text several words at a time, 64
    pieces at most), and what the score changes by is shown. That is an approximation: what two pieces do together is
    not seen, and shares sum to nothing in particular.

    Rules (`model rules`) are named too: one that decided, and the points that others added.
    """
    if not texts and file is None and table is None:
        raise click.UsageError("nothing to explain: --text, --file or --csv says what")
    if (column or records) and table is None:
        raise click.UsageError("--column and --record are for --csv")
    import_tensorflow()
    from model.graph import frozen
    from model.graph.text_and_score import text_input
    from model.reasons.explaining import explain

    graph = frozen.load(path.read_bytes())
    messages = [os.fsencode(text) for text in texts]
    if file is not None:
        messages.append(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes())
    others: dict[str, Any] = dict(feeds)
    found = explain(graph, messages, others, input_name, score) if messages else []
    if table is not None:
        name = text_input(graph, input_name)
        wanted = [each.op.name for each in frozen.placeholders(graph) if each.op.name not in (name, *others)]
        cells = _records(table, column or name, wanted, records, limit)
        others |= {each: cells[each] for each in wanted if each in cells}
        found += explain(graph, cells[column or name], others, input_name, score)
    if as_json:
        click.echo(json.dumps([_as_dict(each, top) for each in found]))
    else:
        _print(found, top)


def _records(
    path: Path, column: str, wanted: Sequence[str], records: Sequence[int], limit: int
) -> dict[str, list[bytes]]:
    """The cells of these records, or of the first ones: of the column of texts, and of those others that there are.
    Raises ModelError, InputError."""
    from formats.glance import glance
    from model.errors import ModelError

    numbers = list(records) or list(range(1, limit + 1))
    with glance(path, _LARGEST, {}).source as source:
        names = [column, *(name for name in wanted if source.columns.count(name) == 1 and name != column)]
        if source.columns.count(column) != 1:
            known = ", ".join(dict.fromkeys(source.columns))
            raise ModelError(f"{path} has no column {column!r}; it has {known}: --column says which has the texts")
        found: dict[int, dict[str, bytes]] = {}
        for block in source.blocks(names):
            there = {number: row for row, number in enumerate(block.record_numbers.tolist())}
            for number in numbers:
                if number in there:
                    found[number] = {name: block.records.column(name)[there[number]].as_py() for name in names}
            if block.end.record > max(numbers):
                break
    missing = [number for number in records if number not in found]
    if missing:
        raise ModelError(f"{path} has no record {missing[0]} that can be read")
    rows = [found[number] for number in numbers if number in found]
    return {name: [row[name] for row in rows] for name in names}


def _as_dict(found: "Explanation", top: int) -> dict[str, Any]:
    pieces, rest = found.pieces[:top], found.pieces[top:]
    return {
        "text": _text(found.text),
        "score": found.score,
        "exact": found.is_exact,
        "logit": found.logit,
        "bias": found.bias,
        "margin": found.margin,
        "unit": found.unit,
        "pieces": [{**piece._asdict(), "text": _text(piece.text)} for piece in pieces],
        "rest": {
            "pieces": len(rest),
            "share": sum(piece.share for piece in rest),
            "parts": sum(piece.parts or 0 for piece in rest) if found.is_exact else None,
        },
        "rules": [{"name": name, "did": did} for name, did in found.rules],
    }


def _text(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")


def _print(explanations: "Sequence[Explanation]", top: int) -> None:
    for number, found in enumerate(explanations):
        if number:
            click.echo()
        click.echo(printable(found.text, _LINE))
        click.echo(
            f"score {found.score:.6g}" + ("" if found.logit is None else f", the model's logit {found.logit:+.2f}")
        )
        for name, did in found.rules:
            said = f"rule {name!r}: {did}" if isinstance(did, str) else f"rule {name!r}: {did:+.2f} points"
            tell(said)
        pieces, rest = found.pieces[:top], found.pieces[top:]
        rows = [(f"{piece.share:+.2f}", printable(piece.text.strip() or piece.text, _WIDTH)) for piece in pieces]
        if rest and found.is_exact:
            rows.append((f"{sum(piece.share for piece in rest):+.2f}", f"({len(rest):,} smaller pieces together)"))
        if found.bias is not None:
            rows.append((f"{found.bias:+.2f}", "(whatever the text is)"))
        show(("share", "piece"), rows, numbers=(0,))
        if not found.is_exact:
            tell("shares by leaving each piece out: an approximation, which sums to nothing in particular", err=True)
