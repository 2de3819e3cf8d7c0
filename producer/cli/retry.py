"""`producer retry`."""

from typing import TYPE_CHECKING, Any

import click

from producer.cli.console import connected, end, find, interrupted, resume_line, say, show
from producer.cli.places import Place
from producer.cli.words import take_words, words_options

if TYPE_CHECKING:
    from formats.files.location import Location


@click.command()
@click.argument("job")
@click.option("--model", type=Place(), help="A mended model.  [default: the job's own]")
@words_options()
@click.option("--json", "as_json", is_flag=True, help="The receipt as JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
def retry(job: str, model: "Location | None", as_json: bool, quiet: bool, **words: Any) -> None:
    """Score JOB's rejects again and put them in their places in its files.

    For when the model was mended, or NIGHTSHIFT_MAX_RECORD_BYTES was raised. Records with broken quoting or a wrong
    number of fields stay rejected. The model is fed as it was before, but for what --feed, --set and --fetch say.

    \b
    Examples:
      producer retry messages-4f1d… --model mended.pb
      NIGHTSHIFT_MAX_RECORD_BYTES=8388608 producer retry messages-4f1d…
    """
    from producer.display.reporters import reporter
    from producer.server.outages import wait_for_server

    try:
        with connected() as connection:
            submission = wait_for_server(lambda: find(connection, job), say)
            receipt = submission.retry(model, reporter(submission.job, quiet), take_words(words))
            show(receipt, as_json)
    except KeyboardInterrupt:
        interrupted(resume_line())
    end(receipt)
