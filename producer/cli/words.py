"""The words for feeding and fetching, which several commands take."""

from typing import TYPE_CHECKING, Any

import click

from producer.cli.groups import Decorator, group

if TYPE_CHECKING:
    from graphs.words import Words

_OPTIONS = (
    click.option(
        "--feed",
        "feeds",
        multiple=True,
        metavar="PLACEHOLDER=COLUMN",
        help="Feed it from this column; from several: x=a,b or x=f*; from a list in each cell: x=ids[]; from bytes: "
        "x=image:base64. Repeatable.  [default: the columns named like the placeholders]",
    ),
    click.option(
        "--set",
        "constants",
        multiple=True,
        metavar="PLACEHOLDER=VALUE",
        help="Give a scalar placeholder this value for all records: keep_prob=1. Repeatable.",
    ),
    click.option(
        "--fetch",
        "fetches",
        multiple=True,
        metavar="NODE,...",
        help="What to write: NODE, NAME=NODE to rename it, NODE[i] for one column of a matrix. Repeatable.  "
        "[default: its terminal nodes]",
    ),
    click.option("--pad", metavar="VALUE", help="What lists that are shorter than others end with.  [default: 0]"),
    click.option("--fill", metavar="VALUE", help="The value of an empty cell that is no text.  [default: a reject]"),
    click.option("--truncate", is_flag=True, help="Cut lists that are too long, rather than reject them."),
    click.option(
        "--null",
        "nulls",
        multiple=True,
        metavar="TEXT",
        help="A cell that is just this text counts as empty: NULL. Repeatable.",
    ),
    click.option(
        "--strict-encoding/--no-strict-encoding",
        default=None,
        help="Reject texts that are not UTF-8, rather than score their bytes.",
    ),
)
NAMES = ("feeds", "constants", "fetches", "pad", "fill", "truncate", "nulls", "strict_encoding")


def words_options(prefix: str = "") -> Decorator:
    """Adds the options; with a `prefix`, each is also a variable of the environment."""
    return group(_OPTIONS, NAMES, prefix)


def take_words(options: dict[str, Any]) -> "Words":
    """The words among a command's options, which are taken out. Raises GraphError for what is none."""
    from graphs.words import read

    feeds, constants, fetches, pad, fill, truncate, nulls, strict_encoding = (options.pop(name) for name in NAMES)
    return read(
        feeds, constants, fetches,
        pad=pad, fill=fill, truncate=truncate or None, null=nulls, strict_encoding=strict_encoding,
    )  # fmt: skip
