"""Tables for people: drawn by rich on a terminal, aligned text in a pipe; and texts from strangers, made harmless."""

import sys
from collections.abc import Collection, Sequence
from typing import Literal

import click

from formats import harmless


def show(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Collection[int] = ()) -> None:
    """Print a table to stdout; the columns `numbers` are aligned to the right. Cells are text, not rich's markup."""
    if sys.stdout.isatty():
        _draw(header, rows, numbers)
        return
    from rich.cells import cell_len

    widths = [max(cell_len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    for row in (header, *rows):
        cells = []
        for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
            padding = " " * (width - cell_len(cell))
            cells.append(padding + cell if column in numbers else cell + padding)
        click.echo("  ".join(cells).rstrip())


def _draw(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[int]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))  # lines would cost width, and give nothing
    for column, name in enumerate(header):
        is_number = column in numbers
        justify: Literal["right", "left"] = "right" if is_number else "left"
        table.add_column(Text(name), justify=justify, overflow="fold", no_wrap=is_number)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def printable(text: bytes, width: int | None = None) -> str:
    r"""Return what a terminal may be shown of a message: what is not UTF-8 and what does not print is escaped (\x1b).

    Controls and escape sequences could rewrite the screen, direction marks could reorder it. A text that takes more
    than `width` cells is cut.
    """
    found = harmless.printable(text.decode("utf-8", "backslashreplace"))
    if width is None:
        return found
    from rich.cells import cell_len, set_cell_size

    return found if cell_len(found) <= width else set_cell_size(found, width - 1).rstrip() + "…"
