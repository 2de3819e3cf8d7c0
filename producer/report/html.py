"""Pieces of the report's page: sections, tables, lists of facts, times."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from producer.report.text import escape


def section(title: str, lead: str, plot: str, table: str) -> str:
    return (
        f"<section><h2>{escape(title)}</h2>\n<p>{escape(lead)}</p>\n"
        f'<div class="pair"><figure>{plot}</figure>\n<div class="scroll">{table}</div></div></section>'
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], chosen: int = -1, plain: int = -1) -> str:
    """The first column names the row, the others are numbers, but for column `plain`. Cells are HTML, heads are not."""
    kinds = ["" if index in (0, plain) else ' class="n"' for index in range(len(head))]
    top = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(head, kinds, strict=True))
    body = []
    for index, (name, *cells) in enumerate(rows):
        mark = ' class="chosen"' if index == chosen else ""
        rest = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(cells, kinds[1:], strict=True))
        body.append(f'<tr{mark}><th scope="row">{name}</th>{rest}</tr>')
    return f"<table><thead><tr>{top}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def facts(rows: Iterable[tuple[str, str]]) -> str:
    body = "".join(f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' for name, value in rows)
    return f'<table class="receipt"><tbody>{body}</tbody></table>'


def step(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 3600 else f"{seconds / 3600:g} h"


def time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
