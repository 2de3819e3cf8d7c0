"""`model corpus`."""

from pathlib import Path

import click

from model.cli.console import PLACE, tell


@click.command()
@click.option("--output", required=True, metavar="PATH", type=PLACE, help="Where its messages go, label<TAB>message.")
def corpus(output: Path) -> None:
    """Fetch the SMS Spam Collection (5,574 labelled messages; CC BY 4.0) from UCI, and check its sha256.

    \b
    model corpus --output sms_spam_collection.tsv
    """
    from model import corpus as corpora

    corpora.fetch(output)
    tell(f"{corpora.SMS_SHA256}  {output}")
