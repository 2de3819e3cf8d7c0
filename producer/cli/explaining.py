"""The options that say which scores are explained, which several commands take."""

from typing import TYPE_CHECKING, Any

import click

from jobs.reasons import FROM, MOST
from producer.cli.groups import Decorator, group

if TYPE_CHECKING:
    from jobs.reasons import Explain

_OPTIONS = (
    click.option(
        "--explain",
        type=click.IntRange(1, MOST),
        metavar="N",
        help="Add a column `reasons`: the N pieces of a text that moved its score most, with their shares in logits.",
    ),
    click.option(
        "--explain-from",
        type=float,
        metavar="SCORE",
        help=f"Explain scores from here on; the others have nothing there.  [default: {FROM}]",
    ),
)
NAMES = ("explain", "explain_from")


def explain_options(prefix: str = "") -> Decorator:
    """Adds the options; with a `prefix`, each is also a variable of the environment."""
    return group(_OPTIONS, NAMES, prefix)


def take_explain(options: dict[str, Any]) -> "Explain":
    """What was said; it is taken out of the options. Raises InputError for what says nothing."""
    from producer.pipeline.explaining import explain_of

    pieces, least = (options.pop(name) for name in NAMES)
    return explain_of(pieces, least)
