"""What the commands share: kinds of options, a progress bar, tables."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from formats.harmless import shown, shown_lines

if TYPE_CHECKING:
    from model.quality.metrics import Metrics

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
PLACE = click.Path(path_type=Path)

INTERRUPTED = 4  # the exit code, as the producer's

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")


def names(value: str) -> tuple[str, ...]:
    """The kind of an option that takes names separated by commas."""
    found = tuple(name.strip() for name in value.split(","))
    if not all(found):
        raise click.BadParameter(f"an empty name in {value!r}")
    return found


def pair(value: str) -> tuple[str, str]:
    """The kind of an option that takes NAME=VALUE."""
    name, equals, rest = value.partition("=")
    if not name or not equals:
        raise click.BadParameter(f"{value!r} is not NAME=VALUE")
    return name, rest


def flat(given: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """All the names that a repeated option was given."""
    return tuple(name for each in given for name in each)


def tell(text: object, err: bool = False) -> None:
    """Print lines for people; what strangers wrote in them does nothing to a terminal."""
    click.echo(shown_lines(text), err=err)


def tell_path(path: str | Path) -> None:
    """Print a path: on a terminal for people, elsewhere as it is, for programs."""
    click.echo(shown(path) if sys.stdout.isatty() else os.fsencode(path))


def check_output(place: Path, *inputs: Path | None) -> None:
    """Before the work is done, raises ModelError or OSError if what comes of it can't be written to `place`, or would
    take the place of something that it was made of."""
    from formats.files import safe
    from model.errors import ModelError

    if not place.parent.is_dir():
        raise ModelError(f"cannot write {place}: there is no folder {place.parent}")
    safe.check_replaceable(place)
    for each in inputs:
        if each is not None and place.exists() and each.exists() and place.samefile(each):
            raise ModelError(f"{place} is what it would be made of; write to another file")


def import_tensorflow() -> None:
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # the graph-and-session API announces its age at every turn


@contextmanager
def progress(what: str, total: int, done: int = 0) -> Iterator[Callable[[int, float | None], None]]:
    """A bar with the time left on a terminal, elsewhere a line at each tenth. Yields what hears each step's loss; where
    that is None, steps have none to show, and elsewhere than on a terminal nothing is said."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total, completed=done)

        def on_step(_step: int, loss: float | None) -> None:
            nonlocal done
            done += 1
            bar.update(task, advance=1, description=what if loss is None else f"{what}, loss {loss:.3f}")
            if loss is not None and not console.is_terminal and done * 10 // total > (done - 1) * 10 // total:
                tell(f"{what}: {done}/{total} steps, loss {loss:.3f}", err=True)

        yield on_step


def print_metrics(
    found: "Metrics", as_json: bool, context: dict[str, Any], further: dict[str, float] | None = None
) -> None:
    figures = {**found.as_dict(), **(further or {})}
    if as_json:
        click.echo(json.dumps({**context, **figures}))
    else:
        print_table(("measure", "value"), [(name.replace("_", " "), str(value)) for name, value in figures.items()])


def print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Columns padded to their longest cell, so that they read on a terminal and cut in a pipe."""
    cells = [tuple(map(shown, row)) for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
