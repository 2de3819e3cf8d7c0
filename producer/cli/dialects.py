"""The options that say how a file is to be read, which several commands take."""

from typing import TYPE_CHECKING, Any

import click

from producer.cli.groups import Decorator, group

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPTIONS = (
    click.option(
        "--delimiter", metavar="CHAR", help="What is between fields: ';', '|', tab.  [default: found in the file]"
    ),
    click.option("--quote", metavar="CHAR", help='What is around them, or `none`.  [default: "]'),
    click.option("--escape", metavar="CHAR", help="What takes the meaning from the next character, such as '\\'."),
    click.option(
        "--encoding",
        metavar="NAME",
        help="Of the texts: windows-1252, gb18030, utf-16, ...  [default: found in the file]",
    ),
    click.option(
        "--header/--no-header",
        default=None,
        help="Whether the first record names the columns; if not, they are 1, 2, ...  [default: found in the file]",
    ),
    click.option("--columns", metavar="NAME,...", help="The columns' names, for a file without a header."),
    click.option("--skip-lines", type=click.IntRange(min=0), metavar="N", help="Lines before the header."),
    click.option("--comment", metavar="TEXT", help="What lines begin with that are no records, such as '#'."),
    click.option("--rest", metavar="COLUMN", help="The last column: surplus fields belong to it, delimiters included."),
)
NAMES = ("delimiter", "quote", "escape", "encoding", "header", "columns", "skip_lines", "comment", "rest")


def dialect_options(prefix: str = "") -> Decorator:
    """Adds the options; with a `prefix`, each is also a variable of the environment."""
    return group(_OPTIONS, NAMES, prefix)


def take_dialect(options: dict[str, Any]) -> dict[str, Any]:
    """What was said, by the fields of Dialect; it is taken out of the options. Raises InputError for what is none."""
    from formats.csv.beside import checked

    given = {name: options.pop(name) for name in NAMES}
    said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if "columns" in said:
        names: Sequence[str] = said["columns"].split(",")
        said["columns"] = tuple(names)
    return checked(said, "")
