"""`producer verify`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from producer.cli.console import FAILED, fail, tell
from producer.cli.places import Place, ScoresPlace

if TYPE_CHECKING:
    from formats.files.location import Location
    from producer.outputs.wanted import Output


@click.command()
@click.argument("scores", type=ScoresPlace())
@click.option("--receipt", type=click.Path(path_type=Path), help="[default: beside SCORES]")
@click.option(
    "--input",
    "sources",
    type=Place(),
    multiple=True,
    help="Where the input is now; of several files also the folder they are below. Repeatable.  "
    "[default: where the receipt says]",
)
@click.option("--model", type=click.Path(path_type=Path), help="Whether this is the model that scored.")
@click.option("--json", "as_json", is_flag=True, help="The verdict as JSON.")
def verify(
    scores: "Output", receipt: Path | None, sources: "tuple[Location, ...]", model: Path | None, as_json: bool
) -> None:
    """Prove a scores file by its receipt, without a server.

    Scores and rejects are compared with the receipt's digests, and so is the input if it is still there as it was. What
    is wrong is said with its place, and the exit code is 1. It proves against accidents, not against somebody who may
    change the receipt as well.

    \b
    Examples:
      producer verify messages.scores.csv
      producer verify messages.scores.csv --input moved/messages.csv --json
      producer verify all.scores.csv --input archive/
    """
    from producer.verify import verify as prove

    try:
        verdict = prove(scores, receipt, sources, model)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    if as_json:
        click.echo(json.dumps(verdict.to_dict()))
    else:
        for finding in verdict.findings:
            tell(f"{finding.file}: {finding.kind}: {finding.detail}")
        for note in verdict.notes:
            tell(f"note: {note}")
        if verdict.right:
            tell(f"{scores} is right: {verdict.records:,} records of {verdict.job}, each scored once or rejected")
    if not verdict.right:
        raise SystemExit(FAILED)
