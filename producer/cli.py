"""The `producer` command: results to stdout, progress and errors to stderr. What is slow to import is imported late."""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from jobs.errors import NightshiftError

if TYPE_CHECKING:
    from producer.api import Submission
    from producer.receipt import Receipt

FAILED, TOO_MANY_REJECTS, INTERRUPTED = 1, 3, 4


class Commands(click.Group):
    """Turns what users can cause into one line on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NightshiftError as error:
            fail(str(error))
        except (KeyboardInterrupt, click.Abort):
            interrupted("")
        except BrokenPipeError:
            sys.stderr.close()  # the reader of our output had enough
            raise SystemExit(0) from None
        except Exception as error:
            import redis

            if isinstance(error, redis.RedisError):
                fail(f"the server: {error}")
            raise


def fail(reason: str) -> NoReturn:
    click.echo(f"producer: {' '.join(reason.split())}", err=True)
    raise SystemExit(FAILED)


def interrupted(resume: str) -> NoReturn:
    click.echo("producer: interrupted" + (f"; this goes on where it was: {resume}" if resume else ""), err=True)
    raise SystemExit(INTERRUPTED)


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


class Columns(click.ParamType[tuple[str, ...]]):
    """Names separated by commas."""

    name = "NAME,..."

    def convert(self, value: Any, *_: object) -> tuple[str, ...]:
        return value if isinstance(value, tuple) else tuple(name for name in value.split(",") if name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nightshift", prog_name="producer")
def main() -> None:
    """Scores messages for spam in bulk, and proves that every record was scored exactly once.

    With REDIS_URL unset, an embedded server and local workers are started, used and stopped by the command. With
    REDIS_URL set, batches are enqueued there, for workers on any number of hosts.

    \b
    Examples:
      producer enqueue data/messages.csv                 score a file; the scores go beside it
      producer status                                    all jobs
      producer status messages-4f1d…                     one job's receipt
      producer collect messages-4f1d… --output out.csv   write a job's scores file
      producer rejects messages-4f1d… > rejects.csv      what was not scored, and why
      producer retry messages-4f1d… --model mended.pb    score its rejects again
      producer cancel messages-4f1d…                     stop a job
      producer forget messages-4f1d…                     free all that the server has of it
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as gently as Ctrl-C
    # Arrow's own allocators keep what they freed; the system's keeps the producer some 30 MB smaller.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--model", type=click.Path(path_type=Path), help="A frozen graph (.pb).  [default: the shipped spam model]"
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The scores file. Implies --wait.  [default: FILE with .scores.csv, beside it]",
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
@click.option(
    "--fetch", type=Columns(), default=(), help="Which of the graph's nodes to write.  [default: its terminal nodes]"
)
@click.option("--batch-bytes", type=click.IntRange(min=1), help="Input bytes a batch.  [default: 2097152]")
@click.option("--max-rejects", type=RejectLimit(), help="More rejects than these make the exit code 3.")
@click.option("--again", is_flag=True, help="A new job, even if this file was scored before.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Local worker processes, without REDIS_URL only.  [default: one a core]",
)
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
def enqueue(
    file: Path,
    model: Path | None,
    output: Path | None,
    wait: bool,
    id_column: str | None,
    keep: Sequence[str],
    fetch: Sequence[str],
    batch_bytes: int | None,
    max_rejects: tuple[float, bool] | None,
    again: bool,
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Score the messages in FILE, a CSV file with a header.

    The graph's placeholders are fed from the columns of the same names; the spam model has one, `text`. Records that
    can't be read or scored are rejected, with the reason, and do not stop the others.

    Enqueuing the same file again attaches to its job and finishes what is missing.

    \b
    Examples:
      producer enqueue data/messages.csv
      producer enqueue night.csv --output scores/night.csv --keep channel,sender --max-rejects 0.1%
      REDIS_URL=redis://queue:6379 producer enqueue night.csv
      producer enqueue points.csv --model xy.pb --fetch op_to_store
    """
    from jobs.settings import Settings
    from producer.api import default_output, submit
    from producer.connection import Connection
    from producer.plan import make_plan
    from producer.progress import reporter

    settings = Settings.from_environment()
    if workers and settings.redis_url:
        raise click.UsageError("--workers is for the embedded mode; with REDIS_URL set, start workers yourself")
    wait = wait or output is not None or settings.redis_url is None
    if max_rejects and not wait:
        raise click.UsageError("--max-rejects needs --wait: without it nobody is there to count")
    plan = make_plan(
        file, settings, model=model, id_column=id_column, keep=keep, fetch=fetch, batch_bytes=batch_bytes, again=again
    )
    output = output or default_output(file)
    if wait:
        check_output(output, file)
    try:
        with Connection(settings) as connection:
            submission = submit(connection, plan, workers or 0)
            report = reporter(submission.job, quiet)
            if not wait:
                submission.enqueue_all(report)
                receipt = submission.receipt
                click.echo(json.dumps(receipt.to_dict()) if as_json else receipt.job)
                return
            receipt = submission.wait(output, report)
            show(receipt, as_json)
    except KeyboardInterrupt:
        interrupted(resume_line(again, f"producer collect {plan.job.id} --output {output}"))
    if max_rejects and too_many(receipt, max_rejects):
        click.echo(f"producer: {receipt.rejected:,} of {receipt.records:,} records were rejected", err=True)
        raise SystemExit(TOO_MANY_REJECTS)


def check_output(output: Path, file: Path) -> None:
    if not output.resolve().parent.is_dir():
        fail(f"{output.parent} is no directory to write {output.name} to")
    if output.exists() and file.exists() and output.samefile(file):
        fail(f"{output} is the input")


def resume_line(again: bool, collect: str) -> str:
    """The command that goes on. The same one attaches to its job, but --again would make another."""
    import shlex

    return collect if again else shlex.join(["producer", *sys.argv[1:]])


def too_many(receipt: "Receipt", limit: tuple[float, bool]) -> bool:
    number, percent = limit
    return receipt.rejected > (receipt.records * number / 100 if percent else number)


def show(receipt: "Receipt", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(receipt.to_dict()))
        return
    from rich.console import Console

    from producer.receipt import render

    Console(soft_wrap=not sys.stdout.isatty()).print(render(receipt))


@main.command()
@click.argument("job", required=False)
@click.option("--watch", is_flag=True, help="Follow one job's progress to its end.")
@click.option("--json", "as_json", is_flag=True, help="As JSON; of all jobs, a line each.")
def status(job: str | None, watch: bool, as_json: bool) -> None:
    """All jobs, or one JOB's receipt and progress.

    \b
    Examples:
      producer status
      producer status messages-4f1d… --watch
      producer status --json | jq 'select(.state != "complete")'
    """
    if watch and job is None:
        raise click.UsageError("--watch needs a JOB")
    with connected() as connection:
        if job is not None:
            submission = find(connection, job)
            if watch:
                watch_job(submission)
            show(submission.receipt, as_json)
            return
        receipts = [find(connection, job_id).receipt for job_id in connection.ledger.job_ids()]
        if as_json:
            for receipt in receipts:
                click.echo(json.dumps(receipt.to_dict()))
        else:
            show_all(receipts)


def show_all(receipts: "Sequence[Receipt]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("job", "state", "submitted", box=None, pad_edge=False)
    for name in ("records", "scored", "rejected"):
        table.add_column(name, justify="right")
    for receipt in receipts:
        submitted = time.strftime("%Y-%m-%d %H:%M", time.localtime(receipt.created))
        numbers = (f"{number:,}" for number in (receipt.records, receipt.scored, receipt.rejected))
        table.add_row(receipt.job, receipt.state, submitted, *numbers)
    Console(soft_wrap=not sys.stdout.isatty()).print(table if receipts else "no jobs yet")


def watch_job(submission: "Submission") -> None:
    from producer.progress import reporter

    with reporter(submission.job, quiet=False) as report:
        while (progress := submission.progress()).state == "running":
            report.update(progress)
            time.sleep(0.5)


@main.command()
@click.argument("job")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The scores file.")
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
def collect(job: str, output: Path, as_json: bool, quiet: bool) -> None:
    """Write JOB's scores file, following the job to its end, and the rejects file beside it.

    What was written is freed on the server. Interrupted, it goes on where it was.

    \b
    Example:
      producer collect messages-4f1d… --output scores.csv
    """
    from producer.progress import reporter

    try:
        with connected() as connection:
            submission = find(connection, job)
            check_output(output, Path(submission.job.input))
            if submission.progress().state == "running":
                connection.start_workers(os.cpu_count() or 1)
            show(submission.wait(output, reporter(submission.job, quiet)), as_json)
    except KeyboardInterrupt:
        interrupted(resume_line(False, ""))


@main.command()
@click.argument("job")
def rejects(job: str) -> None:
    """JOB's rejects as CSV: record number, line, code, detail and the raw record.

    \b
    Example:
      producer rejects messages-4f1d… > rejects.csv
    """
    from producer.collect import REJECT_COLUMNS, reject_rows
    from producer.lines import format_rows

    with connected() as connection:
        out = sys.stdout.buffer
        out.write(format_rows([REJECT_COLUMNS]))
        for r in find(connection, job).rejects():
            out.write(reject_rows([r]))
        out.flush()


@main.command()
@click.argument("job")
@click.option("--model", type=click.Path(path_type=Path), help="A mended model.  [default: the job's own]")
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
def retry(job: str, model: Path | None, as_json: bool, quiet: bool) -> None:
    """Score JOB's rejects again and put them in their places in its files.

    For when the model was mended, or NIGHTSHIFT_MAX_RECORD_BYTES was raised. Records with broken quoting or a wrong
    number of fields stay rejected.

    \b
    Examples:
      producer retry messages-4f1d… --model mended.pb
      NIGHTSHIFT_MAX_RECORD_BYTES=8388608 producer retry messages-4f1d…
    """
    from producer.progress import reporter

    try:
        with connected() as connection:
            submission = find(connection, job)
            show(submission.retry(model, reporter(submission.job, quiet)), as_json)
    except KeyboardInterrupt:
        interrupted(resume_line(False, ""))


@main.command()
@click.argument("job")
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
def cancel(job: str, as_json: bool) -> None:
    """Stop JOB. Batches that are being scored are the last; the receipt says how far it came.

    Enqueuing its file again starts it anew.

    \b
    Example:
      producer cancel messages-4f1d…
    """
    with connected() as connection:
        submission = find(connection, job)
        if not submission.cancel():
            fail(f"{submission.id} is {submission.progress().state} already")
        show(submission.receipt, as_json)


@main.command()
@click.argument("job")
def forget(job: str) -> None:
    """Free all that the server has of JOB. Files that were written stay.

    Jobs that ended NIGHTSHIFT_KEEP_DAYS ago (7) are forgotten by themselves.

    \b
    Example:
      producer forget messages-4f1d…
    """
    with connected() as connection:
        submission = find(connection, job)
        submission.forget()
        click.echo(f"forgot {submission.id}", err=True)


def connected() -> Any:
    from jobs.settings import Settings
    from producer.connection import Connection

    return Connection(Settings.from_environment())


def find(connection: Any, job_id: str) -> "Submission":
    """The job of that id, or the only one that begins so."""
    from jobs.errors import JobError
    from producer.api import Submission

    found = [name for name in connection.ledger.job_ids() if name.startswith(job_id)]
    if job_id in found:
        found = [job_id]
    if not found:
        raise JobError(f"there is no job {job_id}; `producer status` lists them")
    if len(found) > 1:
        raise JobError(f"{len(found)} jobs begin with {job_id}: {', '.join(found)}")
    return Submission(connection, connection.ledger.job(found[0]))
