"""`producer collect`."""

from typing import TYPE_CHECKING

import click

from producer.cli.console import connected, end, find, interrupted, resume_line, say, show
from producer.cli.places import OutputPlace

if TYPE_CHECKING:
    from producer.outputs.wanted import Output


@click.command()
@click.argument("job")
@click.option("--output", type=OutputPlace(), required=True, help="The scores file.")
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
def collect(job: str, output: "Output", as_json: bool, quiet: bool) -> None:
    """Write JOB's scores file, following the job to its end, and the rejects file beside it.

    What was written is freed on the server. Interrupted, it goes on where it was.

    \b
    Example:
      producer collect messages-4f1d… --output scores.csv
    """
    from formats.files.location import locate
    from jobs.errors import StoppedError
    from producer.display.reporters import reporter
    from producer.outputs.made import check_output
    from producer.server.outages import wait_for_server

    try:
        with connected() as connection:
            submission = wait_for_server(lambda: find(connection, job), say)
            output = check_output(output, [locate(submission.job.input)])
            if submission.progress().state == "running":
                connection.start_workers(job=submission.job)
            try:
                receipt = submission.wait(output, reporter(submission.job, quiet))
            except StoppedError:
                show(submission.receipt, as_json)
                raise
            show(receipt, as_json)
    except KeyboardInterrupt:
        interrupted(resume_line())
    end(receipt)
