"""The `model` command. Results go to stdout, progress and errors to stderr; only what runs TensorFlow imports it."""

from typing import Any

import click

from formats.errors import NightshiftError
from formats.harmless import shown
from model import environment
from model.cli.console import INTERRUPTED, tell
from model.cli.corpus import corpus
from model.cli.evaluate import evaluate
from model.cli.explain import explain
from model.cli.finetune import finetune
from model.cli.freeze import freeze
from model.cli.inspect import inspect
from model.cli.prepend import prepend
from model.cli.restore import restore
from model.cli.rules import rules
from model.cli.sign import key, sign
from model.cli.train import train
from model.errors import InterruptedRunError, ModelError


class Commands(click.Group):
    """Turns what users can cause into one line on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        environment.prepare()  # has effect because nothing imported TensorFlow yet
        try:
            return super().invoke(ctx)
        except InterruptedRunError as error:
            tell(f"model: {error}", err=True)
            raise SystemExit(INTERRUPTED) from None
        except click.ClickException as error:
            vars(error)["message"] = shown(error.message)
            raise
        except (KeyboardInterrupt, click.Abort):
            click.echo("model: interrupted", err=True)
            raise SystemExit(INTERRUPTED) from None
        except (ModelError, NightshiftError) as error:
            tell(f"model: {error}", err=True)
        except BrokenPipeError:
            raise  # whoever read the output has seen enough: click ends without a word
        except OSError as error:
            tell(f"model: {error.filename}: {error.strerror}" if error.filename else f"model: {error}", err=True)
        raise SystemExit(1)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nightshift-scoring")
def main() -> None:
    """Train, checkpoint, restore, finetune, freeze, inspect, evaluate and explain models.

    \b
    From labelled messages to a model for the nightly job:
      model train labelled.csv --checkpoints checkpoints
      model freeze checkpoints --output spam.pb
      model evaluate spam.pb labelled.csv
      producer enqueue messages.csv --model spam.pb

    \b
    On other people's graphs, and in other forms:
      model restore theirs --feed x=3 --feed y=4 --fetch op_to_store
      model finetune theirs labelled.csv --features embedding --checkpoints mine
      model freeze saved_model/ --output theirs.pb
      model prepend cnn.pb --vocabulary vocab.txt --as vocabulary-processor --length 56 --output whole.pb

    \b
    With lists, patterns and thresholds beside the model:
      model rules rules.toml --on spam.pb --output guarded.pb

    \b
    Why a message has its score:
      model explain spam.pb --text "WIN a FREE prize, reply CLAIM now"

    Exit codes: 0 done, 1 failed (one line on stderr says why), 2 wrong usage, 4 interrupted.
    """


for command in (train, finetune, restore, freeze, prepend, rules, inspect, evaluate, explain, key, sign, corpus):
    main.add_command(command)
