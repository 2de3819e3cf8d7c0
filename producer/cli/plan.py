"""`producer plan`: how a file would be read, and what scoring it would take."""

import json
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from producer.cli.console import FAILED
from producer.cli.dialects import dialect_options, take_dialect
from producer.cli.enqueue import Columns, Threshold
from producer.cli.explaining import explain_options, take_explain
from producer.cli.places import Place
from producer.cli.words import take_words, words_options

if TYPE_CHECKING:
    from formats.files.location import Location


@click.command()
@click.argument("files", metavar="FILE...", type=Place(), nargs=-1, required=True)
@click.option("--model", type=Place(), help="A frozen graph (.pb).  [default: the shipped spam model]")
@click.option("--id", "id_column", metavar="COLUMN", help="As for `producer enqueue`.")
@click.option("--keep", type=Columns(), default=(), help="As for `producer enqueue`.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="As for `producer enqueue`.")
@click.option("--all-columns", is_flag=True, help="As for `producer enqueue`.")
@click.option("--errors", is_flag=True, help="As for `producer enqueue`.")
@click.option("--threshold", type=Threshold(), help="As for `producer enqueue`.")
@explain_options()
@words_options()
@dialect_options()
@click.option("--batch-bytes", type=click.IntRange(min=1), help="As for `producer enqueue`.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="For so many local worker processes, without REDIS_URL only.  [default: one a core]",
)
@click.option("--no-time", is_flag=True, help="Don't try the model out on some records: no time, no memory.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def plan(
    files: "tuple[Location, ...]",
    model: "Location | None",
    id_column: str | None,
    keep: Sequence[str],
    limit: int | None,
    all_columns: bool,
    errors: bool,
    threshold: float | None,
    batch_bytes: int | None,
    workers: int | None,
    no_time: bool,
    as_json: bool,
    **words: Any,
) -> None:
    """Say how FILE would be read, and what scoring it would take. Nothing is enqueued, and nothing written.

    FILE and the options are those of `producer enqueue`: several files, folders and patterns are one input, and a file
    with other columns is an error. Of a file that is packed, or in object storage, the first 8 MiB are looked at; of
    others the records are counted, and the first 8 MiB looked at closely.

    The model is tried on some records, for some seconds, in a process of its own: what it rejects is said, and how long
    all would take the workers that are there (with REDIS_URL those that show themselves on the server, else one a core
    of this machine).

    Where the file can't be scored so, because a column is missing or the model is refused, all else is shown and the
    exit code is 1; so it is where the file can't be read, or in more than one way.

    \b
    Examples:
      producer plan night.csv
      producer plan 'in/*.csv.gz' --limit 1000
      producer plan export.csv.gz --delimiter ';' --encoding windows-1252
      producer plan ids.csv --model cnn.pb --feed input_x=ids[] --set dropout_keep_prob=1
      producer plan night.csv --json --no-time
    """
    from jobs.settings import Settings
    from producer.lookahead.look import look_ahead
    from producer.lookahead.page import page

    settings = Settings.from_environment()
    if workers and settings.redis_url:
        raise click.UsageError("--workers is for the embedded mode; with REDIS_URL set, those that are there count")
    dialect = take_dialect(words)
    look = look_ahead(
        files,
        settings,
        model=model,
        id_column=id_column,
        keep=keep,
        all_columns=all_columns,
        errors=errors,
        threshold=threshold,
        explain=take_explain(words),
        limit=limit or 0,
        words=take_words(words),
        dialect=dialect,
        batch_bytes=batch_bytes,
        workers=workers or 0,
        timed=not no_time,
    )
    if as_json:
        click.echo(json.dumps(look.to_dict()))
    else:
        click.echo(page(look, shutil.get_terminal_size((80, 24)).columns))
    if look.problem:
        raise SystemExit(FAILED)
