"""Whether a job's record, which comes from the server, has what its fields are said to have: everybody who reads one
relies on that."""

import math
import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from formats.csv.dialect import Dialect

_MOST = 1 << 63
_SIGNED = ("mtime_ns", "shape", "index")  # fields of numbers that may be below zero
_PATHS = ("input", "model_name", "files", "created")
Fits = Callable[[Any], bool]


def is_text(value: object) -> bool:
    """Whether it is one that can be written somewhere: JSON has halves of characters, which can't. Bytes that are no
    UTF-8 are surrogates, as in file names."""
    try:
        return isinstance(value, str) and value.encode("utf-8", "surrogateescape") is not None
    except UnicodeEncodeError:
        return False


def check(record: Any) -> None:
    """Of a dataclass from JSON, and of those in it. Raises ValueError for what is of another type, and for a number or
    a text that says nothing."""
    kind: Any = type(record)
    for name, fits in _fields(kind):
        if not fits(getattr(record, name)):
            raise ValueError(f"{name} is none")


@cache
def _fields(kind: Any) -> list[tuple[str, Fits]]:
    """Those of a dataclass, and how each is checked."""
    return [(field.name, _of(field.type, field.name)) for field in fields(kind)]


def _of(kind: Any, name: str) -> Fits:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        each = [_of(one, name) for one in arguments]
        return lambda value: any(fits(value) for fits in each)
    if origin is tuple:
        inner = _of(arguments[0], name)
        return lambda value: type(value) is tuple and all(map(inner, value))
    if origin is Literal:
        return lambda value: type(value) is str and value in arguments
    if kind is str:
        return (lambda value: is_text(value) and "\0" not in value) if name in _PATHS else is_text
    if kind is int:
        least = -_MOST if name in _SIGNED else 0
        return lambda value: type(value) is int and least <= value < _MOST
    if kind is float:
        return lambda value: type(value) is float and math.isfinite(value)
    if is_dataclass(kind) and kind is not Dialect:  # which has checked itself
        return lambda value: type(value) is kind and _is_whole(value)
    if kind is type(None):
        return lambda value: value is None
    return lambda value: type(value) is kind


def _is_whole(record: Any) -> bool:
    kind: Any = type(record)
    return all(fits(getattr(record, name)) for name, fits in _fields(kind))
