"""Lists in cells: a JSON array, or values between blanks."""

import json
import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker.cells import Problem, convert, shown

_FLAT = r"^\s*\[[^\[\]\"]*\]\s*$"  # a JSON array of numbers
_FLAT_BYTES = re.compile(_FLAT.encode())
_OPENS = r"^\s*\["


class Lists(NamedTuple):
    """The values of all lists, one behind the other, and where each begins: [rows + 1]."""

    values: npt.NDArray[Any]
    starts: npt.NDArray[np.int64]
    problems: list[Problem]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        return np.diff(self.starts)

    def row(self, index: int) -> npt.NDArray[Any]:
        return self.values[self.starts[index] : self.starts[index + 1]]


def read(dtype: str, cells: pa.Array, inner: tuple[int, ...] = ()) -> Lists:
    """The lists in the cells (`binary`, [rows]), as values of the dtype. One that is malformed is a problem, and empty.

    `inner` are the dimensions of a list's elements, if these are arrays; then a JSON array may be nested so, or flat.
    """
    items = _split(cells) if dtype != "string" else None
    problems: list[Problem] = []
    if items is not None:
        values, wrong = convert(dtype, items.flatten().cast(pa.binary()))
    if items is None or wrong:
        items = _parse_each(dtype, cells, inner, problems)
        values, wrong = convert(dtype, items.flatten())
    starts = items.offsets.to_numpy().astype(np.int64)
    starts -= starts[0]
    rows = np.searchsorted(starts, [each.place for each in wrong], side="right") - 1
    first: dict[int, Problem] = {}
    for row, (place, code, text) in zip(rows.tolist(), wrong, strict=True):
        first.setdefault(row, Problem(row, code, f", value {place - int(starts[row]) + 1} of its list{text}"))
    return Lists(values, starts, problems + list(first.values()))


def pad(lists: Lists, width: int, value: Any, *, truncate: bool) -> tuple[npt.NDArray[Any], list[Problem]]:
    """The lists as an array [rows, width], shorter ones ending with `value`; a longer one is cut, or else a problem."""
    array = np.full((len(lists.lengths), width), value, dtype=lists.values.dtype)
    lengths = np.minimum(lists.lengths, width)
    places = np.arange(width) < lengths[:, None]
    taken = np.arange(len(lists.values)) - np.repeat(lists.starts[:-1], lists.lengths) < width
    array[places] = lists.values[taken]
    if truncate:
        return array, []
    long = np.flatnonzero(lists.lengths > width).tolist()
    return array, [Problem(row, "wrong_length", _too_long(int(lists.lengths[row]), width)) for row in long]


def uneven(lists: Lists, size: int) -> list[Problem]:
    """Lists that are no whole number of elements of that `size`."""
    rows = np.flatnonzero(lists.lengths % size).tolist()
    text = " has a list of {:,} values, and they come {:,} at a time"
    return [Problem(row, "wrong_length", text.format(int(lists.lengths[row]), size)) for row in rows]


def other_lengths(lists: Lists, width: int) -> list[Problem]:
    """Lists that have fewer values than `width`."""
    rows = np.flatnonzero(lists.lengths < width).tolist()
    text = " has {:,} values, and the placeholder takes {:,} (--pad 0 fills it up)"
    return [Problem(row, "wrong_length", text.format(int(lists.lengths[row]), width)) for row in rows]


def _too_long(length: int, width: int) -> str:
    return f" has a list of {length:,} values, and the placeholder takes {width:,} (--truncate cuts it)"


def _split(cells: pa.Array) -> pa.ListArray | None:
    """The lists' items as texts, if all are written in one way and none is nested; None if not."""
    try:
        text = cells.cast(pa.string())
    except pa.ArrowInvalid:
        return None
    if not len(text):
        return pa.array([], pa.list_(pa.string()))
    opens = pc.match_substring_regex(text, _OPENS)
    if not pc.any(opens).as_py():
        trimmed = pc.ascii_trim_whitespace(text)
        if pc.all(pc.greater(pc.binary_length(trimmed), 0)).as_py():  # an empty text would be a list of one
            return pc.ascii_split_whitespace(trimmed)
    elif pc.all(pc.match_substring_regex(text, _FLAT)).as_py():
        inside = pc.ascii_trim(text, " \t\r\n[]")
        if pc.all(pc.greater(pc.binary_length(inside), 0)).as_py():
            return pc.split_pattern(inside, ",")
    return None


def _parse_each(dtype: str, cells: pa.Array, inner: tuple[int, ...], problems: list[Problem]) -> pa.ListArray:
    lists: list[list[bytes]] = []
    for row, cell in enumerate(cells.to_pylist()):
        try:
            lists.append(_parse(cell, dtype, inner))
        except (ValueError, RecursionError) as problem:
            why = str(problem) if type(problem) is ValueError else "it is no JSON array"
            problems.append(Problem(row, "bad_value", f": {shown(cell)} is no list of {dtype}: {why}"))
            lists.append([])
    return pa.array(lists, pa.list_(pa.binary()))


def _parse(cell: bytes, dtype: str, inner: tuple[int, ...]) -> list[bytes]:
    """The items of a list. Raises ValueError, with the reason, if it is none."""
    if not cell.lstrip().startswith(b"["):
        return cell.split()
    if dtype != "string" and _FLAT_BYTES.fullmatch(cell):  # numbers are written here as in any other cell
        inside = cell.strip()[1:-1].strip()
        items = [item.strip() for item in inside.split(b",")] if inside else []
        if b"" in items:
            raise ValueError("it is no JSON array")
        return items
    parsed = json.loads(cell, parse_int=str, parse_float=str, parse_constant=str)
    if parsed and any(isinstance(each, list) for each in parsed):
        parsed = _flatten(parsed, inner)
    return [_item(each, dtype) for each in parsed]


def _flatten(parsed: list[Any], inner: tuple[int, ...]) -> list[Any]:
    """A nested list's values in row-major order, if its elements have the dimensions `inner`."""
    if not inner:
        raise ValueError("it has lists in it")
    for place, size in enumerate(inner):
        if not all(isinstance(each, list) and size in (-1, len(each)) for each in parsed):
            raise ValueError(f"its elements are not of shape {list(inner)}")
        parsed = [value for each in parsed for value in each]
        if place + 1 == len(inner):
            break
    if any(isinstance(each, list) for each in parsed):
        raise ValueError(f"its elements are not of shape {list(inner)}")
    return parsed


def _item(value: Any, dtype: str) -> bytes:
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if not isinstance(value, str):
        raise ValueError(f"it has {json.dumps(value)[:40]} in it")
    return value.encode("utf-8", "surrogatepass") if dtype == "string" else value.encode()
