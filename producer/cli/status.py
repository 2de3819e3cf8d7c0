"""`producer status`."""

import contextlib
import json
import logging
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from producer.cli.console import connected, find, say, show

if TYPE_CHECKING:
    from producer.outputs.receipt import Receipt
    from producer.server.connection import Connection
    from producer.submission import Submission


@click.command()
@click.argument("job", required=False)
@click.option("--watch", is_flag=True, help="Live: one JOB's progress to its end, or all of them until Ctrl-C.")
@click.option(
    "--json", "as_json", is_flag=True, help="As JSON; of all jobs, a line each. With --watch, a line each change."
)
def status(job: str | None, watch: bool, as_json: bool) -> None:
    """All jobs, or one JOB's receipt and progress.

    `--watch` without a JOB shows those that run or ended lately, with rate, time left, attempts, rejects and deadline,
    and the workers that are alive. It stays when all have ended; Ctrl-C ends it, and nothing else.

    \b
    Examples:
      producer status
      producer status --watch
      producer status messages-4f1d… --watch
      producer status --json | jq 'select(.state != "complete")'
    """
    with connected() as connection:
        if job is not None:
            submission = find(connection, job)
            if watch:
                watch_job(submission)
            show(submission.receipt, as_json)
            return
        if watch:
            watch_all(connection, as_json)
            return
        receipts = list(all_receipts(connection))
        if as_json:
            for receipt in receipts:
                click.echo(json.dumps(receipt.to_dict()))
        else:
            show_all(receipts)


def all_receipts(connection: "Connection") -> "Iterator[Receipt]":
    """Those that can be read; one line says why another can't."""
    from jobs.errors import DamagedError, JobError, NewerFormatError
    from producer.outputs.receipt import make_receipt

    for job_id in connection.ledger.job_ids():
        try:
            yield make_receipt(connection.ledger.job(job_id), connection.ledger.progress(job_id))
        except (DamagedError, NewerFormatError) as error:
            say(str(error), logging.WARNING)
        except JobError:  # forgotten at this moment
            pass


def watch_all(connection: "Connection", as_json: bool) -> None:
    from producer.display.watch import watch

    with contextlib.suppress(KeyboardInterrupt):  # how it ends
        watch(connection, as_json)


def show_all(receipts: "Sequence[Receipt]") -> None:
    from rich.table import Table

    from producer.display.terminal import standard_output

    table = Table("job", "state", "submitted", box=None, pad_edge=False)
    for name in ("records", "scored", "rejected"):
        table.add_column(name, justify="right")
    for receipt in receipts:
        submitted = time.strftime("%Y-%m-%d %H:%M", time.localtime(receipt.created))
        numbers = (f"{number:,}" for number in (receipt.records, receipt.scored, receipt.rejected))
        table.add_row(receipt.job, receipt.state, submitted, *numbers)
    standard_output().print(table if receipts else "no jobs yet")


def watch_job(submission: "Submission") -> None:
    from producer.display.reporters import reporter

    with reporter(submission.job, quiet=False) as report:
        while (progress := submission.progress()).state == "running":
            report.update(progress)
            time.sleep(0.5)
