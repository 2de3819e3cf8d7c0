"""What is shown of somebody's data in a message: a little, quoted and escaped. It may be of a file that is none of the
kind, and may not be meant for whoever reads the message."""

from collections.abc import Sequence

LONGEST = 30  # characters of a name or a cell
ALL = 80  # of all of them together, as they are escaped
MOST = 12  # of them


def quoted(text: str, longest: int = LONGEST) -> str:
    """One name or cell, or its beginning."""
    return repr(text if len(text) <= longest else f"{text[:longest]}…")


def cut(fields: Sequence[str]) -> list[str]:
    """The beginnings of the first ones of several, as far as there is room."""
    some: list[str] = []
    room = ALL
    for field in fields[:MOST]:
        part = field[:LONGEST]
        while len(ascii(part)) - len("''") > room:
            part = part[:-1]
        some.append(part)
        room -= len(ascii(part)) - len("''")
        if room <= 0 or len(part) < min(len(field), LONGEST):
            break
    return some


def shown(names: Sequence[str]) -> str:
    """The first ones, quoted, and how many more there are."""
    some = [quoted(name, len(part)) for name, part in zip(names, cut(names), strict=False)]
    more = len(names) - len(some)
    return f"{', '.join(some)} and {more:,} more" if more else ", ".join(some) or "none"
