"""The `model` command. Results go to stdout, progress and errors to stderr; only what runs TensorFlow imports it."""

import os
from typing import Any

import click

from model.cli.corpus import corpus
from model.cli.evaluate import evaluate
from model.cli.freeze import freeze
from model.cli.inspect import inspect
from model.cli.restore import restore
from model.cli.train import train
from model.errors import ModelError


class Commands(click.Group):
    """Turns a ModelError into one line on stderr and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        # TensorFlow's C++ notices are not for the user of a command. Has effect because nothing imported it yet.
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        try:
            return super().invoke(ctx)
        except ModelError as error:
            click.echo(f"model: {error}", err=True)
        except OSError as error:
            click.echo(f"model: {error.filename}: {error.strerror}" if error.filename else f"model: {error}", err=True)
        raise SystemExit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nightshift")
def main() -> None:
    """Train, checkpoint, restore, freeze, inspect and evaluate models.

    \b
    From labelled messages to a model for the nightly job:
      model train labelled.csv --checkpoints checkpoints
      model freeze checkpoints --output spam.pb
      model evaluate spam.pb labelled.csv
      producer enqueue messages.csv --model spam.pb

    Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage.
    """


for command in (train, freeze, restore, inspect, evaluate, corpus):
    main.add_command(command)
