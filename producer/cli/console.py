"""What the commands share: how they begin, show a receipt and end."""

import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from formats.harmless import shown
from jobs import logs

if TYPE_CHECKING:
    from jobs.errors import StoppedError
    from producer.outputs.receipt import Limit, Receipt
    from producer.submission import Submission

FAILED, TOO_MANY_REJECTS, INTERRUPTED = 1, 3, 4
MOST_SHOWN = 200  # characters of a reject's detail


def say(text: str, level: int = logging.INFO) -> None:
    """One line on stderr, of the command itself: with --log-format json, as JSON."""
    text = " ".join(text.split())  # of libraries' errors, which have paragraphs
    if logs.as_json():
        logging.getLogger("producer").log(level, "%s", text)
    else:
        click.echo(f"producer: {shown(text)}", err=True)


def tell(text: str) -> None:
    """One line on stdout, for people."""
    click.echo(shown(text))


def tell_path(path: Path) -> None:
    """On a terminal for people, elsewhere for programs: as it is."""
    click.echo(shown(path) if sys.stdout.isatty() else os.fsencode(path))


def fail(reason: str) -> NoReturn:
    say(reason, logging.ERROR)
    raise SystemExit(FAILED)


def stopped(error: "StoppedError") -> NoReturn:
    """Says why, and which rejects came first."""
    say(str(error), logging.ERROR)
    for each in error.rejects:
        line = f"line {each.line:,}, " if each.line else ""
        detail = f"{each.detail[:MOST_SHOWN]}..." if len(each.detail) > MOST_SHOWN else each.detail
        say(f"record {each.record:,}, {line}{shown(each.code)}: {shown(detail)}", logging.ERROR)
    raise SystemExit(TOO_MANY_REJECTS)


def interrupted(resume: str) -> NoReturn:
    say("interrupted" + (f"; this goes on where it was: {resume}" if resume else ""), logging.WARNING)
    raise SystemExit(INTERRUPTED)


def connected() -> Any:
    from jobs.settings import Settings
    from producer.client import Client

    return Client(Settings.from_environment())


def find(connection: Any, job_id: str) -> "Submission":
    """The job of that id, or the only one that begins so."""
    from producer.submission import Submission

    return Submission(connection, connection.ledger.job(name_of(connection, job_id)))


def name_of(connection: Any, job_id: str) -> str:
    """The whole id of the job of that id, or of the only one that begins so."""
    from jobs.errors import JobError

    found = [name for name in connection.ledger.job_ids() if name.startswith(job_id)]
    if job_id in found:
        found = [job_id]
    if not found:
        raise JobError(f"there is no job {job_id}; `producer status` lists them")
    if len(found) > 1:
        raise JobError(f"{len(found)} jobs begin with {job_id}: {', '.join(found)}")
    logs.bind(found[0])
    return str(found[0])


def end(receipt: "Receipt", limit: "Limit | None" = None) -> None:
    """Exits with 3, and says why, if a complete job has more rejects than `limit`, or nothing was scored."""
    if not receipt.too_many(limit):
        return
    which = "all" if receipt.none_scored else f"{receipt.rejected:,}"
    most = f", {receipt.most_frequent}" if receipt.most_frequent else ""
    say(f"{which} of {receipt.records:,} records were rejected{most}", logging.WARNING)
    raise SystemExit(TOO_MANY_REJECTS)


def resume_line(other: str | None = None) -> str:
    """The command that goes on: the same one, which attaches to its job, unless there is another."""
    import shlex

    return other or shlex.join(["producer", *sys.argv[1:]])


def show(receipt: "Receipt", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(receipt.to_dict()))
        return
    from producer.display.terminal import standard_output
    from producer.outputs.receipt import render

    standard_output().print(render(receipt))
