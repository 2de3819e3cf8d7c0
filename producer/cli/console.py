"""What the commands share: how they begin, show a receipt and end."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from producer.api import Submission
    from producer.receipt import Receipt

FAILED, TOO_MANY_REJECTS, INTERRUPTED = 1, 3, 4


def fail(reason: str) -> NoReturn:
    click.echo(f"producer: {' '.join(reason.split())}", err=True)
    raise SystemExit(FAILED)


def interrupted(resume: str) -> NoReturn:
    click.echo("producer: interrupted" + (f"; this goes on where it was: {resume}" if resume else ""), err=True)
    raise SystemExit(INTERRUPTED)


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


def check_output(output: Path, file: Path) -> None:
    if not output.resolve().parent.is_dir():
        fail(f"{output.parent} is no directory to write {output.name} to")
    if output.exists() and file.exists() and output.samefile(file):
        fail(f"{output} is the input")


def resume_line(other: str | None = None) -> str:
    """The command that goes on: the same one, which attaches to its job, unless there is another."""
    import shlex

    return other or shlex.join(["producer", *sys.argv[1:]])


def show(receipt: "Receipt", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(receipt.to_dict()))
        return
    from rich.console import Console

    from producer.receipt import render

    Console(soft_wrap=not sys.stdout.isatty()).print(render(receipt))
