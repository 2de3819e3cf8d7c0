"""Whether a table's first record has the names of its columns."""

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)*|\.\d+)(?:[eE][+-]?\d+)?%?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d{2}(?::\d{2})?.{0,9})?|\d{1,2}:\d{2}(?::\d{2})?")
_LONGEST_NAME = 60  # characters
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")


def has_header(records: Sequence[Sequence[str]]) -> bool | None:
    """None where it can't be told. `records` are the first ones, the first of all among them."""
    names = "".join(records[0]) if records else "\0"
    if "\0" in names:
        return True  # no table at all, which will show itself
    if not any(map(str.isalnum, names)):
        return None  # nothing is called `!`, or `;;`
    first, rest = records[0], [record for record in records[1:] if len(record) == len(records[0])]
    values = [place for place, cell in enumerate(first) if _is_value(cell)]
    if _heads_values(first, rest):
        return True  # numbers can be names (of years, of pixels), but a text among numbers is no number
    if not values:  # texts alone: a header, unless it goes on like that below, or is none
        if _comes_again(first, rest) or _counts_on(first, rest):
            return False
        return None if any(map(_is_message, first)) else True
    if not rest or _counts_up(first):
        return None
    among = [_are_values(rest, place) for place in values]
    return False if any(among) else None if len(values) < len(first) / 2 else True


def _is_value(cell: str) -> bool:
    text = cell.strip()
    return bool(_NUMBER.fullmatch(text) or _DATE.fullmatch(text))


def _are_values(records: Sequence[Sequence[str]], place: int) -> bool:
    """Whether the column has numbers or dates, and nothing else."""
    cells = [record[place] for record in records if record[place].strip()]
    return bool(cells) and all(map(_is_value, cells))


def _heads_values(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether a text stands above nothing but numbers or dates."""
    return any(cell.strip() and not _is_value(cell) and _are_values(rest, place) for place, cell in enumerate(first))


def _comes_again(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    return len(first) > 1 and any(
        cell.strip() and any(record[place] == cell for record in rest) for place, cell in enumerate(first)
    )


def _counts_on(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether a column has texts that differ in their digits alone, such as m0001, m0002: the first one among them."""
    return any(
        any(map(str.isdigit, cell)) and all(_without_digits(record[place]) == _without_digits(cell) for record in rest)
        for place, cell in enumerate(first)
        if rest
    )


def _without_digits(text: str) -> str:
    return "".join("0" if sign.isdigit() else sign for sign in text)


def _is_message(cell: str) -> bool:
    """No name is so long, or has so many lines, or ends a sentence."""
    cell = cell.strip()
    return len(cell) > _LONGEST_NAME or cell.count("\n") > 1 or cell.endswith(_SENTENCE_ENDS)


def _counts_up(first: Sequence[str]) -> bool:
    """0, 1, 2, ... or 1, 2, 3, ...: what programs call columns that have no names."""
    counts = ([str(n + begin) for n in range(len(first))] for begin in (0, 1))
    return len(first) > 1 and list(first) in counts
