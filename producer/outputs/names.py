"""The names of a scores file's columns."""

from collections import Counter
from collections.abc import Sequence

from formats.errors import InputError


def check_names(names: Sequence[str]) -> None:
    """Raises InputError if one stands there twice: no reader could tell them apart."""
    twice = next((name for name, number in Counter(names).items() if number > 1), None)
    if twice is not None:
        raise InputError(
            f"the scores file would have two columns named {twice!r}: --fetch NAME=NODE gives an output another name, "
            "and --keep names the columns to carry through"
        )
