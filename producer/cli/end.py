"""`producer cancel` and `producer forget`."""

import click

from jobs.errors import DamagedError
from producer.cli.console import connected, fail, find, name_of, say, show


@click.command()
@click.argument("job")
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
def cancel(job: str, as_json: bool) -> None:
    """Stop JOB. Batches that are being scored are the last; the receipt says how far it came.

    Enqueuing its file again starts it again.

    \b
    Example:
      producer cancel messages-4f1d…
    """
    with connected() as connection:
        submission = find(connection, job)
        if not submission.cancel():
            fail(f"{submission.id} is {submission.progress().state} already")
        show(submission.receipt, as_json)


@click.command()
@click.argument("job")
def forget(job: str) -> None:
    """Free all that the server has of JOB. Files that were written stay.

    Jobs that ended NIGHTSHIFT_KEEP_DAYS ago (7) are forgotten by themselves. One that the server's disk damaged is
    freed in whatever state it is.

    \b
    Example:
      producer forget messages-4f1d…
    """
    with connected() as connection:
        job_id = name_of(connection, job)
        try:
            submission = find(connection, job_id)
            submission.progress()
        except DamagedError:
            connection.ledger.removal.wipe(job_id)
        else:
            submission.forget()
        say(f"forgot {job_id}")
