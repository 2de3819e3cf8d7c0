"""NIGHTSHIFT_ALLOW_OPS: what whoever runs a worker lets it accept besides, by the names of ops."""

import os
import re

from graphs.errors import GraphError

VARIABLE = "NIGHTSHIFT_ALLOW_OPS"
_OP = re.compile(r"[A-Za-z_][A-Za-z0-9_>.]*")  # a name of an op, as TensorFlow registers them


def parse(text: str) -> frozenset[str]:
    """Names, separated by commas. Raises GraphError for what is no name of an op, such as a pattern."""
    names = frozenset(filter(None, map(str.strip, text.split(","))))
    for name in sorted(names):
        if not _OP.fullmatch(name):
            raise GraphError(f"{VARIABLE}: {name[:40]!r} is no name of an op (they are separated by commas)")
    return names


def from_environment() -> frozenset[str]:
    """Raises GraphError, as `parse` does."""
    return parse(os.environ.get(VARIABLE, ""))
