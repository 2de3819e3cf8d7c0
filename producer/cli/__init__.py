"""The `producer` command: results to stdout, progress and errors to stderr. What is slow to import is imported late."""

import logging
import os
import sys
from typing import Any

import click

from formats.errors import NightshiftError
from formats.harmless import shown
from jobs import logs
from jobs.errors import SettingsError, StoppedError
from jobs.footprint import keep_freed_memory, without_pandas
from producer.cli.collect import collect
from producer.cli.console import fail, interrupted, say, stopped
from producer.cli.end import cancel, forget
from producer.cli.enqueue import enqueue
from producer.cli.metrics import metrics
from producer.cli.nightly import nightly
from producer.cli.plan import plan
from producer.cli.rejects import rejects
from producer.cli.report import report
from producer.cli.retry import retry
from producer.cli.status import status
from producer.cli.verify import verify


def set_up_logs(_: click.Context, __: click.Parameter, form: str | None) -> None:
    if form:
        logs.set_up(form)
        os.environ[logs.VARIABLE] = form  # for the embedded worker


def log_format(hidden: bool = False) -> click.Option:
    return click.Option(
        ["--log-format"],
        type=click.Choice(logs.FORMATS),
        help=f"Of what goes to stderr; json: one object a line.  [default: {logs.VARIABLE}, or text]",
        callback=set_up_logs,
        expose_value=False,
        is_eager=True,
        hidden=hidden,
    )


class Commands(click.Group):
    """Turns what users can cause into one line on stderr and an exit code."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.params.append(log_format())

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Takes --log-format behind the command's name as well."""
        cmd.params.append(log_format(hidden=True))
        super().add_command(cmd, name)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """As click's; but where it would say `Aborted!` and exit with 1, an interrupted command says so."""
        try:
            ended = super().main(*args, standalone_mode=False, **extra)  # type: ignore[call-overload]
        except click.ClickException as error:
            if not standalone_mode:
                raise
            error.show()
            raise SystemExit(error.exit_code) from None
        except click.Abort:
            if not standalone_mode:
                raise
            interrupted("")
        if standalone_mode:
            raise SystemExit(ended if isinstance(ended, int) else 0)
        return ended

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StoppedError as error:
            stopped(error)
        except NightshiftError as error:
            fail(str(error))
        except click.ClickException as error:
            vars(error)["message"] = shown(error.message)
            if not logs.as_json():
                raise
            say(error.format_message(), logging.ERROR)
            raise SystemExit(error.exit_code) from None
        except (KeyboardInterrupt, click.Abort):
            interrupted("")
        except BrokenPipeError:
            sys.stderr.close()  # the reader of our output had enough
            raise SystemExit(0) from None
        except Exception as error:
            import redis

            if isinstance(error, redis.RedisError):
                fail(f"the server: {error}")
            raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nightshift-scoring", prog_name="producer")
def main() -> None:
    """Scores messages for spam in bulk, and proves that every record was scored exactly once.

    With REDIS_URL unset, an embedded server and local workers are started, used and stopped by the command. With
    REDIS_URL set, batches are enqueued there, for workers on any number of hosts.

    \b
    Examples:
      producer enqueue data/messages.csv                 score a file; the scores go beside it
      producer plan night.csv                            how it would be read, and how long it would take
      producer status                                    all jobs
      producer status --watch                            all of them, live
      producer status messages-4f1d…                     one job's receipt
      producer collect messages-4f1d… --output out.csv   write a job's scores file
      producer rejects messages-4f1d… > rejects.csv      what was not scored, and why
      producer report messages-4f1d… --by channel        a page on its scores, spam, rejects and speed
      producer retry messages-4f1d… --model mended.pb    score its rejects again
      producer cancel messages-4f1d…                     stop a job
      producer forget messages-4f1d…                     free all that the server has of it
      producer verify messages.scores.csv                prove a scores file by its receipt
      producer nightly 'in/messages-{date}.csv'          score each night's file
      producer metrics --listen :9464                    for Prometheus
    """
    form = os.environ.get(logs.VARIABLE, "").strip() or "text"
    try:
        logs.set_up(form)
    except ValueError as error:
        raise SettingsError(f"{logs.VARIABLE}: {error}") from None


for command in (enqueue, plan, status, collect, rejects, report, retry, cancel, forget, verify, nightly, metrics):
    main.add_command(command)


def run() -> None:
    """The `producer` command as installed."""
    try:
        without_pandas()
        keep_freed_memory()
        # Arrow's own allocators keep what they freed; the system's keeps the producer some 30 MB smaller.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's algebra is not used, and its threads would spin
        main()
    except KeyboardInterrupt:  # before a command has begun, or behind its end
        interrupted("")
