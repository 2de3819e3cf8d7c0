"""What a family of ops is: accepted for what it computes, or refused for a reason."""

import re
from typing import NamedTuple


class Accepted(NamedTuple):
    """Ops that compute their outputs from their inputs and leave nothing behind. By name, each: no pattern accepts."""

    what: str  # they do, for people
    ops: frozenset[str]


class Refused(NamedTuple):
    """Ops refused for one `reason`, which ends the sentence "the op X, which ..."; `pattern` is of whole names."""

    reason: str
    ops: frozenset[str]
    pattern: re.Pattern[str]

    def has(self, op: str) -> bool:
        return op in self.ops or self.pattern.fullmatch(op) is not None


def accepted(what: str, names: str) -> Accepted:
    """`names` are separated by blanks."""
    return Accepted(what, frozenset(names.split()))


def refused(reason: str, *patterns: str, names: str = "") -> Refused:
    return Refused(reason, frozenset(names.split()), re.compile("|".join(patterns) or r"(?!)"))
