"""`producer nightly`."""

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from producer.cli.console import TOO_MANY_REJECTS, fail, interrupted, resume_line
from producer.cli.dialects import dialect_options, take_dialect
from producer.cli.enqueue import Columns, RejectLimit, Threshold
from producer.cli.explaining import explain_options, take_explain
from producer.cli.words import take_words, words_options

if TYPE_CHECKING:
    from producer.nightly.journal import FileStatus

VARIABLES = "NIGHTSHIFT_NIGHTLY_"


class TimeOfDay(click.ParamType[datetime.time]):
    """HH:MM."""

    name = "HH:MM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime.time:
        if isinstance(value, datetime.time):
            return value
        try:
            return datetime.datetime.strptime(value, "%H:%M").time()
        except ValueError:
            self.fail(f"{value!r} is no time of day such as 06:00", param, ctx)


@click.command()
@click.argument("input", envvar=f"{VARIABLES}INPUT")
@click.option(
    "--output",
    metavar="PATTERN",
    envvar=f"{VARIABLES}OUTPUT",
    help="The scores files; {date} and {stem} are those of the input.  [default: beside the input]",
)
@click.option(
    "--together",
    is_flag=True,
    envvar=f"{VARIABLES}TOGETHER",
    help="Score a night's files as one job, with a column `file`; --output needs a {date}.",
)
@click.option(
    "--foreign",
    metavar="USER,...",
    type=Columns(),
    envvar=f"{VARIABLES}FOREIGN",
    default=(),
    help="Take files of these users too, or of `anybody`.  [default: those of this user and its groups alone]",
)
@click.option(
    "--at",
    metavar="CRONTAB",
    envvar=f"{VARIABLES}AT",
    default="30 1 * * *",
    show_default=True,
    help="When: minute, hour, day of the month, month, day of the week.",
)
@click.option(
    "--timezone", metavar="ZONE", envvar=f"{VARIABLES}TIMEZONE", help="Such as Europe/Berlin.  [default: the machine's]"
)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    envvar=f"{VARIABLES}MODEL",
    help="A frozen graph (.pb).  [default: NIGHTSHIFT_MODEL, else the shipped spam model]",
)
@click.option(
    "--id", "id_column", metavar="COLUMN", envvar=f"{VARIABLES}ID", help="The records' id, as for producer enqueue."
)
@click.option(
    "--keep", type=Columns(), envvar=f"{VARIABLES}KEEP", default=(), help="More columns to carry through to the scores."
)
@click.option(
    "--all-columns", is_flag=True, envvar=f"{VARIABLES}ALL_COLUMNS", help="Carry each column of a file through."
)
@click.option(
    "--errors",
    is_flag=True,
    envvar=f"{VARIABLES}ERRORS",
    help="Put rejects into the scores files too, with their code as `error`.",
)
@click.option(
    "--threshold",
    type=Threshold(),
    envvar=f"{VARIABLES}THRESHOLD",
    help="Add a column `verdict`: `spam` where the first output is at least T, else `ham`.",
)
@explain_options(VARIABLES)
@words_options(VARIABLES)
@dialect_options(VARIABLES)
@click.option(
    "--max-rejects",
    type=RejectLimit(),
    envvar=f"{VARIABLES}MAX_REJECTS",
    help="A file with more rejects than these is reported, stopped if it is bound to have more, and the exit code of "
    "--once is 3.",
)
@click.option(
    "--deadline",
    type=TimeOfDay(),
    envvar=f"{VARIABLES}DEADLINE",
    help="A night's files without scores by then are reported late.",
)
@click.option(
    "--days",
    type=click.IntRange(min=0),
    envvar=f"{VARIABLES}DAYS",
    default=7,
    show_default=True,
    help="How many days back to look, besides today.",
)
@click.option(
    "--settle",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    envvar=f"{VARIABLES}SETTLE",
    default=60.0,
    show_default=True,
    help="A file is complete when it has not changed for so long.",
)
@click.option(
    "--tries",
    type=click.IntRange(min=1),
    envvar=f"{VARIABLES}TRIES",
    default=3,
    show_default=True,
    help="Then a file that fails is left alone until it, the model or a setting changes.",
)
@click.option("--once", is_flag=True, help="One round now, instead of one at each firing: for cron and its like.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each file and round.")
def nightly(
    input: str,
    output: str | None,
    together: bool,
    foreign: Sequence[str],
    at: str,
    timezone: str | None,
    model: Path | None,
    id_column: str | None,
    keep: Sequence[str],
    all_columns: bool,
    errors: bool,
    threshold: float | None,
    max_rejects: tuple[float, bool] | None,
    deadline: datetime.time | None,
    days: int,
    settle: float,
    tries: int,
    once: bool,
    as_json: bool,
    **words: Any,
) -> None:
    """Score, night after night, every file that matches INPUT and has no complete scores file from the current model.

    INPUT is a pattern such as 'in/messages-{date}.csv' or 'in/*.csv', in quotes, so that the shell leaves it alone.
    Every option is also a variable of the environment: NIGHTSHIFT_NIGHTLY_INPUT, NIGHTSHIFT_NIGHTLY_AT and so on.

    It looks for undone work, at the start and at each firing: missed nights are caught up, and running it twice, or
    killing it, harms nothing. What is done, the <scores>.receipt.json beside each scores file says.

    With --together a night's files are one job and have one scores file. They are those of a {date}; without one in
    INPUT, those that were last modified before the same firing. A file that comes when its night is scored makes that
    night be scored again, in the next round.

    Links are not followed, and files that belong neither to this user nor to one of its groups are not read.

    \b
    Examples:
      producer nightly 'in/messages-{date}.csv' --at '30 1 * * *' --timezone Europe/Berlin --deadline 06:00
      producer nightly 'in/*.csv' --output 'scores/{stem}.csv' --max-rejects 0.1%
      producer nightly 'in/*.csv' --threshold 0.9
      producer nightly 'in/messages-{date}.csv' --once
      producer nightly 'in/{date}/*.csv.gz' --together --output 'scores/{date}.csv'
      producer nightly 's3://mail/in/messages-{date}.csv' --at '30 1 * * *'
    """
    from jobs.settings import Settings
    from producer.nightly.clock import SystemClock, time_zone
    from producer.nightly.files import Pattern
    from producer.nightly.schedule import Schedule
    from producer.nightly.scoring import Options
    from producer.nightly.service import Service
    from producer.nightly.trust import Trust
    from producer.notify.hooks import INTERRUPTED_SECONDS, Hooks
    from producer.pipeline.fitting import shipped_model, words_beside

    settings = Settings.from_environment()
    schedule = Schedule(at, time_zone(timezone), deadline)
    trust = Trust.read(foreign)
    pattern = Pattern(input, output, days, settings.home, schedule.day_of if together else None, trust)
    chosen = model or settings.model or shipped_model()
    if not isinstance(chosen, Path):
        raise click.UsageError(f"{chosen} is in object storage: the schedule wants a model on a disk")
    dialect = take_dialect(words)
    options = Options(
        chosen, id_column, keep, all_columns=all_columns, errors=errors, threshold=threshold,
        explain=take_explain(words), settle=settle, tries=tries, max_rejects=max_rejects,
        words=take_words(words).over(words_beside(chosen)), dialect=dialect, trust=trust,
    )  # fmt: skip
    hooks = Hooks.from_settings(settings)
    service = Service(pattern, schedule, options, settings, SystemClock(), hooks, as_json)
    try:
        if not once:
            service.run()
        statuses = service.once()
    except KeyboardInterrupt:
        hooks.close(INTERRUPTED_SECONDS)
        interrupted(resume_line())
    hooks.close()
    end(input, days, statuses)


def end(input: str, days: int, statuses: "Sequence[FileStatus]") -> None:
    """The exit code of --once."""
    if not statuses:
        fail(f"no file of the last {days} days matches {input}")
    left = [status for status in statuses if not status.scored and not status.over_budget]
    if left:
        names = ", ".join(f"{status.file} ({status.state})" for status in left)
        fail(f"without scores: {names}")
    if any(status.over_budget for status in statuses):
        raise SystemExit(TOO_MANY_REJECTS)
