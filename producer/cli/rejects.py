"""`producer rejects`."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from producer.cli.console import connected, find, tell

if TYPE_CHECKING:
    from formats.rejects import Reject


@click.command()
@click.argument("job")
def rejects(job: str) -> None:
    """JOB's rejects as CSV: record number, line, code, detail, the raw record, the byte at which it
    begins, and the column that is at fault.

    They are the input's own bytes, in a file or a pipe; on a terminal, what would act there is escaped.

    \b
    Example:
      producer rejects messages-4f1d… > rejects.csv
    """
    with connected() as connection:
        found = find(connection, job).rejects()
        show(found) if sys.stdout.isatty() else write(found)


def show(found: "Iterable[Reject]") -> None:
    from formats.csv.rejects import reject_header, reject_rows

    tell(reject_header().decode().rstrip("\r\n"))
    for reject in found:
        tell(reject_rows([reject]).decode(errors="backslashreplace").rstrip("\r\n"))


def write(found: "Iterable[Reject]") -> None:
    from formats.csv.rejects import reject_header, reject_rows

    out = sys.stdout.buffer
    out.write(reject_header())
    for reject in found:
        out.write(reject_rows([reject]))
    out.flush()
