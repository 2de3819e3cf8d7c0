"""What `model train` and `model finetune` share: the options of a run in a directory, and stopping it gently."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from model.cli.console import PLACE, flat, names

if TYPE_CHECKING:
    from model.training.run import Place


class Options(NamedTuple):
    """What the user said about checkpoints and summaries. See `options` for the meaning of each."""

    every: int
    keep: str
    keep_every_hours: float | None
    no_meta_graph: bool
    variables: tuple[tuple[str, ...], ...]
    summaries: Path | None
    no_summaries: bool
    again: bool
    from_step: int | None

    def place(self, checkpoints: Path) -> "Place":
        """Where and how a run is saved, as the room's functions want it."""
        from model.checkpoints.saving import Policy
        from model.training.run import Place

        policy = Policy(
            every=self.every,
            keep=0 if self.keep == "all" else int(self.keep),
            keep_every_hours=self.keep_every_hours,
            meta_graph=not self.no_meta_graph,
            variables=flat(self.variables) or None,
        )
        summaries = None if self.no_summaries else self.summaries or checkpoints / "summaries"
        return Place(checkpoints, policy, summaries)


def _keep(value: str) -> str:
    if value != "all" and not (value.isascii() and value.isdigit()):
        raise click.BadParameter(f"{value!r} is neither a number nor all")
    return "all" if value == "all" or int(value) == 0 else value


_OPTIONS = (
    click.option("--every", type=click.IntRange(1), default=100, show_default=True, help="Save at each N-th step."),
    click.option(
        "--keep",
        type=_keep,
        metavar="N",
        default="5",
        show_default=True,
        help="The newest checkpoints; all or 0: all.",
    ),
    click.option(
        "--keep-every-hours",
        type=click.FloatRange(0, min_open=True),
        metavar="H",
        help="Of those that make room, keep one for every H hours of training.",
    ),
    click.option("--no-meta-graph", is_flag=True, help="Write the graph once (model.ckpt.meta), not each time."),
    click.option(
        "--variables",
        type=names,
        multiple=True,
        metavar="NAME,...",
        help="Save only these. Such a run can be frozen, if they suffice, but not resumed.",
    ),
    click.option(
        "--summaries", type=PLACE, metavar="DIR", help="For TensorBoard.  [default: summaries in --checkpoints]"
    ),
    click.option("--no-summaries", is_flag=True, help="Write none."),
    click.option("--again", is_flag=True, help="Remove the checkpoints that are there, and start over."),
    click.option(
        "--from-step", type=click.IntRange(0), metavar="N", help="Go on from that step's checkpoint, not the latest."
    ),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a run to a click command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Yield what says whether SIGINT or SIGTERM came. A second one ends the program without waiting for the step."""
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
