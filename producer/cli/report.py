"""`producer report`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from producer.cli.console import connected, find, tell_path

if TYPE_CHECKING:
    from producer.report.figures import Report


@click.command()
@click.argument("job")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page.  [default: the scores file with .report.html, or JOB.report.html here]",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON; a page only with --output.")
@click.option("--by", metavar="COLUMN", help="Spam by the values of a column, kept or of the input, such as channel.")
@click.option(
    "--threshold", type=float, help="Scores from here on are spam.  [default: the job's own --threshold, else 0.5]"
)
@click.option(
    "--score",
    metavar="NODE",
    help="The output to report on.  [default: that of the verdicts, else the first that is a float]",
)
@click.option(
    "--examples", type=click.IntRange(0, 1000), default=20, show_default=True, help="Messages nearest the threshold."
)
def report(
    job: str,
    output: Path | None,
    as_json: bool,
    by: str | None,
    threshold: float | None,
    score: str | None,
    examples: int,
) -> None:
    """One page on a complete JOB: receipt, scores, what thresholds would block, spam by column, messages to review,
    the most repeated spam, rejects, throughput and workers.

    It is a single HTML file without scripts. Texts are read from the input again, if that is still as it was.

    \b
    Examples:
      producer report messages-4f1d… --by channel
      producer report messages-4f1d… --json | jq .scores.thresholds
    """
    import json

    from producer.outputs.paths import report_path
    from producer.report.gathering import gather

    with connected() as connection:
        submission = find(connection, job)
        figures = gather(
            connection.ledger,
            submission.job,
            connection.settings,
            threshold=threshold,
            node=score,
            by=by,
            examples=examples,
        )
    if as_json:
        click.echo(json.dumps(figures.to_dict()))
    if output is None and not as_json:
        scores = figures.receipt.output
        output = report_path(Path(scores)) if scores else Path(f"{figures.receipt.job}.report.html")
    if output is not None:
        write(output, figures)
        if not as_json:
            tell_path(output)


def write(output: Path, figures: "Report") -> None:
    """The page, in one step."""
    import time

    from formats.errors import NightshiftError
    from producer.outputs.files import write_atomically
    from producer.report.page import render

    try:
        write_atomically(output, render(figures, time.time()).encode(), "report")
    except OSError as error:
        raise NightshiftError(f"{output}: {error.strerror}") from None
