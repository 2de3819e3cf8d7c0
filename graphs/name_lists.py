"""Names in a message: quoted, and not all ten thousand of them."""

from collections.abc import Collection
from itertools import islice

MOST = 20


def listed(names: Collection[str]) -> str:
    """The names, each in quotes; after the first twenty, how many more there are."""
    shown = ", ".join(repr(name) for name in islice(names, MOST))
    return f"{shown} and {len(names) - MOST:,} more" if len(names) > MOST else shown or "none"
