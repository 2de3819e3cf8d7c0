"""What is shown of somebody's data in a message: a little, quoted and escaped. It may be of a file that is none of the
kind, and may not be meant for whoever reads the message."""

from collections.abc import Sequence

LONGEST = 30  # characters of a name or a cell
ALL = 80  # of all of them together
MOST = 12  # of them


def quoted(text: str, longest: int = LONGEST) -> str:
    """One name or cell, or its beginning."""
    return repr(text if len(text) <= longest else f"{text[:longest]}…")


def cut(fields: Sequence[str]) -> list[str]:
    """The beginnings of the first ones of several, as far as there is room."""
    some: list[str] = []
    room = ALL
    for field in fields[:MOST]:
        some.append(field[: min(LONGEST, room)])
        room -= len(some[-1])
        if not room:
            break
    return some


def shown(names: Sequence[str]) -> str:
    """The first ones, quoted, and how many more there are."""
    some = [quoted(name, len(part)) for name, part in zip(names, cut(names), strict=False)]
    more = len(names) - len(some)
    return f"{', '.join(some)} and {more:,} more" if more else ", ".join(some) or "none"
