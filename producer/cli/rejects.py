"""`producer rejects`."""

import sys

import click

from producer.cli.console import connected, find


@click.command()
@click.argument("job")
def rejects(job: str) -> None:
    """JOB's rejects as CSV: record number, line, code, detail, the raw record, the byte at which it
    begins, and the column that is at fault.

    \b
    Example:
      producer rejects messages-4f1d… > rejects.csv
    """
    from formats.csv.rejects import reject_header, reject_rows

    with connected() as connection:
        out = sys.stdout.buffer
        out.write(reject_header())
        for r in find(connection, job).rejects():
            out.write(reject_rows([r]))
        out.flush()
