"""`producer enqueue`, the main command."""

import json
import logging
import math
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from formats.harmless import shown
from jobs import logs
from jobs.footprint import freeze_what_is_there, without_collecting
from producer.cli.console import end, interrupted, resume_line, say, show
from producer.cli.dialects import dialect_options, take_dialect
from producer.cli.explaining import explain_options, take_explain
from producer.cli.places import OutputPlace, Place
from producer.cli.words import take_words, words_options

if TYPE_CHECKING:
    from datetime import datetime

    from formats.files.location import Location
    from producer.outputs.wanted import Output


class RejectLimit(click.ParamType[tuple[float, bool]]):
    """A number of records, or a percentage of them."""

    name = "N|P%"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, bool]:
        if isinstance(value, tuple):
            return value
        percent = value.endswith("%")
        try:
            number = float(value.removesuffix("%")) if percent else int(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number nor a percentage", param, ctx)
        if number < 0 or (percent and number > 100):
            self.fail(f"{value} is out of range", param, ctx)
        return number, percent


class Threshold(click.ParamType[float]):
    """A number, and a finite one."""

    name = "T"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            self.fail(f"{value!r} is no number from which on a score could be spam", param, ctx)
        return number


class Columns(click.ParamType[tuple[str, ...]]):
    """Names separated by commas."""

    name = "NAME,..."

    def convert(self, value: Any, *_: object) -> tuple[str, ...]:
        return value if isinstance(value, tuple) else tuple(name for name in value.split(",") if name)


class Moment(click.ParamType["datetime"]):
    """A time of day, or a date and time."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "datetime":
        from producer.outlook.deadline import parse_deadline

        try:
            return parse_deadline(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.argument("files", metavar="FILE...", type=Place(), nargs=-1, required=True)
@click.option("--model", type=Place(), help="A frozen graph (.pb).  [default: the shipped spam model]")
@click.option(
    "--output",
    type=OutputPlace(),
    help="The scores file, or, with a slash at its end, a folder for parts. Implies --wait.  "
    "[default: FILE with .scores.csv, beside it]",
)
@click.option(
    "--wait", is_flag=True, help="Follow the job to its end and write the scores file. Always so without REDIS_URL."
)
@click.option(
    "--id",
    "id_column",
    metavar="COLUMN",
    help="The records' id in the scores file.  [default: message_id or id if there is one, else the record number]",
)
@click.option("--keep", type=Columns(), default=(), help="More columns to carry through to the scores file.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Score the first N records alone.")
@click.option("--errors", is_flag=True, help="Put rejects into the scores file too, with their code as `error`.")
@click.option(
    "--threshold",
    type=Threshold(),
    help="Add a column `verdict`: `spam` where the first output is at least T, else `ham`.",
)
@explain_options()
@click.option("--all-columns", is_flag=True, help="Carry each column of FILE through, in its order.")
@words_options()
@dialect_options()
@click.option(
    "--batch-bytes", type=click.IntRange(min=1), help="Input bytes a batch.  [default: FILE / 32, 256 KiB to 8 MiB]"
)
@click.option(
    "--max-rejects",
    type=RejectLimit(),
    help="More rejects than these make the exit code 3, and stop the job as soon as there are bound to be more.",
)
@click.option(
    "--deadline",
    type=Moment(),
    help="When it is wanted: 06:00 (the next), or ISO 8601. A forecast past it is a warning, and the hook `late`.",
)
@click.option(
    "--require-signature",
    type=click.Path(path_type=Path),
    metavar="KEY",
    help="Take the model only if this public key, or one in this folder, signed it.  [default: NIGHTSHIFT_MODEL_KEYS]",
)
@click.option("--again", is_flag=True, help="A new job, even if this file was scored before.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Local worker processes, without REDIS_URL only.  [default: one a core]",
)
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
def enqueue(
    files: "tuple[Location, ...]",
    model: "Location | None",
    output: "Output | None",
    wait: bool,
    id_column: str | None,
    keep: Sequence[str],
    all_columns: bool,
    limit: int | None,
    errors: bool,
    threshold: float | None,
    batch_bytes: int | None,
    max_rejects: tuple[float, bool] | None,
    deadline: "datetime | None",
    require_signature: Path | None,
    again: bool,
    workers: int | None,
    as_json: bool,
    quiet: bool,
    **words: Any,
) -> None:
    """Score the messages in FILE, a CSV file: a path, an object's URL, s3://BUCKET/KEY, or - for standard input.
    It may be packed by gzip, zstd, bzip2, xz, lz4 or zip.

    Its delimiter, its encoding and whether it has a header are found in it, and said; --delimiter and the options
    behind it say what can't be found out. They may stand in a file beside it, night.toml for night.csv or messages.toml
    for all, in a table [dialect].

    The graph's placeholders are fed from the columns of the same names, or as --feed and --set say; the spam model has
    one, `text`. `model inspect MODEL --for FILE` says what a model wants. The same words may stand in a file beside the
    model, spam.toml for spam.pb, in the tables feed, set and fetch.

    Records that can't be read or scored are rejected, with the reason, and do not stop the others. If none is scored,
    or more than --max-rejects are rejected, the exit code is 3. A job that is bound to have more is stopped early:
    nothing of it is written, and the first rejects are shown.

    With --threshold 0.9 the scores file says of each record what it is, in a column `verdict` behind the outputs,
    without any rule in the graph. `model evaluate` says which threshold to take. Another threshold is another job.

    With --explain 3 it says of each record with a score of 0.5 or more why, in a column `reasons`: the pieces of the
    text that moved the score most. docs/reasons.md says how to read it, and for which models there is one.

    Enqueuing the same file again attaches to its job and finishes what is missing.

    \b
    Examples:
      producer enqueue data/messages.csv
      producer enqueue night.csv --output scores/night.csv --keep channel,sender --max-rejects 0.1%
      producer enqueue night.csv --threshold 0.9
      producer enqueue night.csv --explain 3 --explain-from 0.9
      producer enqueue night.csv --wait --deadline 06:00
      REDIS_URL=redis://queue:6379 producer enqueue night.csv
      producer enqueue s3://mail/in/night.csv --output s3://mail/out/night.csv
      producer enqueue export.csv --delimiter ';' --encoding windows-1252 --skip-lines 2
      producer enqueue backup.csv --columns date,from,text --rest text
      zcat night.csv.gz | producer enqueue - --output night.scores.csv
      producer enqueue night.csv --model spam.pb --require-signature release.pub
      producer enqueue points.csv --model xy.pb --fetch op_to_store
      producer enqueue ids.csv --model cnn.pb --feed input_x=ids[] --set dropout_keep_prob=1 --fetch spam=scores[1]
    """
    from jobs.settings import Settings
    from producer.cli.early import head_start

    settings = Settings.from_environment()
    if require_signature:
        settings = replace(settings, model_keys=(require_signature,))
    if workers and settings.redis_url:
        raise click.UsageError("--workers is for the embedded mode; with REDIS_URL set, start workers yourself")
    wait = wait or output is not None or settings.redis_url is None
    if max_rejects and not wait:
        raise click.UsageError("--max-rejects needs --wait: without it nobody is there to count")
    plan = None
    try:
        begun = head_start(settings, files, output, again, workers or 0)
        with without_collecting():
            from formats.files.location import locate
            from formats.packed.piped import NAME, STANDARD_INPUT, is_piped
            from formats.reading import is_several
            from jobs.errors import StoppedError
            from producer.client import LateClient
            from producer.display.reporters import reporter
            from producer.display.unpacking import Unpacking
            from producer.outputs.made import check_output
            from producer.outputs.paths import default_output
            from producer.pipeline.plan import make_plan
            from producer.pipeline.precheck import scan
            from producer.submission import submit

        file, several = files[0], len(files) > 1 or is_several(files[0])
        if several and output is None and wait:
            raise click.UsageError("several files have one scores file: say where it is, --output PATH")
        piped = is_piped(file)
        beside, named = (Path(NAME), "standard input") if piped else (file, file.name)
        dialect = take_dialect(words)
        with LateClient(settings, workers or 0, begun) as late:
            pipe = (named if file == STANDARD_INPUT else file) if piped else None
            with Unpacking(named, quiet, late.warm_up, pipe) as unpacking:
                plan = make_plan(
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
                    dialect=dialect,
                    words=take_words(words),
                    batch_bytes=batch_bytes,
                    again=again,
                    unpacking=unpacking,
                )
            freeze_what_is_there()
            if not plan.job.dialect.is_plain:
                say(f"{named} is read as {plan.job.dialect}")
            if plan.copy and plan.copy.again:
                say(f"{named} was unpacked again, from its beginning")
            if wait:
                output = check_output(
                    output or default_output(beside), [locate(plan.job.input), *([model] if model else [])]
                )
            submission = submit(late.client, plan, workers or 0, deadline, say)
            logs.bind(submission.id)
            report = reporter(submission.job, quiet)
            if submission.is_new:  # not when the job is taken up again
                for sentence in scan(plan.source, plan.job.text_columns, plan.job.strict_encoding):
                    say(sentence, logging.WARNING)
            if not wait:
                submission.enqueue_all(report)
                receipt = submission.receipt
                click.echo(json.dumps(receipt.to_dict()) if as_json else shown(receipt.job))
                return
            try:
                receipt = submission.wait(output, report, max_rejects)
            except StoppedError:
                show(submission.receipt, as_json)
                raise
            show(receipt, as_json)
    except KeyboardInterrupt:
        # Once there is a job, --again would make another.
        collect = (
            f"producer collect {plan.job.id} --output {shlex.quote(str(output or 'PATH'))}" if plan and again else None
        )
        interrupted(resume_line(collect))
    end(receipt, max_rejects)
