"""From cells to an array of a dtype, and what to say of a cell that does not convert."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphs.numbers import complex_of, exact_integer, number_of, why_no_number

_ARROW = {
    "bool": pa.bool_(),
    "float16": pa.float64(),  # Arrow reads none of these two; numpy narrows them
    "bfloat16": pa.float64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    **{f"{sign}int{bits}": getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_COMPLEX = frozenset({"complex64", "complex128"})
DTYPES = frozenset({"string", *_ARROW, *_COMPLEX})  # what a column can be converted to, by TensorFlow's names

# What Arrow reads and what it is to read; cells that are written otherwise are looked at one by one.
_FLOAT = r"(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity|nan(?:\([0-9a-z_]*\))?))"
_PLAIN = {
    "b": r"^(?i:true|false|0|1)$",
    "f": rf"^(?:\+?({_FLOAT})|(-{_FLOAT}))$",
    "i": r"^(?:\+?([0-9]{1,18})|(-[0-9]{1,18}))(?:\.0*)?$",
}
_FLOAT_DIGITS = 15  # of a float64
Cells = npt.NDArray[np.generic]


class NotFitting(Exception):
    """A cell that is not what its placeholder takes: the reject's code, and what is behind the column's name."""

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(problem)
        self.code = code


class Problem(NamedTuple):
    """A cell that is no such value: which one, the reject's code, and what is behind the column's name."""

    place: int
    code: str
    text: str


def convert(dtype: str, cells: pa.Array, fill: str | None = None) -> tuple[Cells, list[Problem]]:
    """The cells (`binary`, [cells]) as values of the dtype, [cells], and what is wrong with those that are none, which
    have a zero in the array. An empty cell of a number or a boolean has the value of `fill`, if there is one.

    Strings are the cells' bytes, whatever they are. Numbers may have blanks around them, a sign, a fraction and an
    exponent; for an integer dtype the value must be whole (`3.0` and `3e2` are). Hexadecimal integers may be fed to
    integer dtypes. A float is rounded to the nearest value of its dtype, which for a very small one is 0; one that is
    out of its range is a problem, and infinity is fed only where the cell says `inf`. Booleans are `true`, `false`, and
    numbers that are 1 or 0. Complex numbers are written as in Python, `1+2j`.
    """
    if dtype == "string":
        return cells.to_numpy(zero_copy_only=False), []
    if fill is not None:
        value = pa.scalar(fill.encode("utf-8", "surrogateescape"), cells.type)
        cells = pc.if_else(pc.equal(pc.binary_length(cells), 0), value, cells)
    problems: list[Problem] = []
    if dtype in _COMPLEX:
        return _complex(dtype, cells, problems), problems
    quick = _parse(dtype, cells)
    if quick is None and _kind(dtype) in "iu":
        quick = _parse_whole(dtype, cells)
    return (_parse_each(dtype, cells, problems) if quick is None else quick), problems


def emptied(cells: pa.Array, null: Sequence[str]) -> pa.Array:
    """The cells (`binary`, [cells]); those that are equal to one of the texts are empty."""
    texts = pa.array([text.encode("utf-8", "surrogateescape") for text in null], cells.type)
    found = pc.is_in(cells, value_set=texts)
    return pc.if_else(found, pa.scalar(b"", cells.type), cells) if found.true_count else cells


def numpy_dtype(dtype: str) -> np.dtype[Any]:
    """NumPy's dtype for TensorFlow's name of one."""
    if dtype == "bfloat16":
        import ml_dtypes  # comes with TensorFlow

        narrow: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return narrow
    found: np.dtype[Any] = np.dtype(object if dtype == "string" else dtype)
    return found


def _complex(dtype: str, cells: pa.Array, problems: list[Problem]) -> Cells:
    array: Cells = np.zeros(len(cells), dtype)
    for index, cell in enumerate(cells.to_pylist()):
        value = complex_of(cell.decode(errors="replace"))
        if value is None:
            code = "bad_value" if cell.strip() else "empty_cell"
            problems.append(Problem(index, code, f": {shown(cell)} is not {dtype}"))
            continue
        with np.errstate(over="ignore"):
            array[index] = value
        if np.isinf(array[index]) and b"inf" not in cell.lower():
            array[index] = 0
            problems.append(Problem(index, "out_of_range", f": {shown(cell)} is out of {dtype}'s range"))
    return array


def _parse(dtype: str, cells: pa.Array) -> Cells | None:
    """The whole column by Arrow, or None if a cell needs to be looked at."""
    try:
        text = cells.cast(pa.string())
        try:
            read = text.cast(_ARROW[dtype])
        except pa.ArrowInvalid:
            trimmed = pc.utf8_trim_whitespace(text)
            if trimmed.equals(text):
                return None
            read = trimmed.cast(_ARROW[dtype])
    except pa.ArrowInvalid:
        return None
    values = read.to_numpy(zero_copy_only=False)
    array: Cells = _narrow(values, dtype)
    # Arrow makes infinity of what is too large, and of hexadecimal digits a negative number where they are too many.
    if _kind(dtype) == "f":
        infinite = np.isinf(array)
        if infinite.any():
            written = cells.filter(pa.array(infinite)).cast(pa.string())
            return array if pc.all(pc.match_substring(written, "inf", ignore_case=True)).as_py() else None
    elif array.dtype.kind == "i" and len(array) and int(values.min()) < 0:
        offsets = memoryview(cells.buffers()[1]).cast("i")[cells.offset : cells.offset + len(cells) + 1]
        data = bytes(memoryview(cells.buffers()[2])[offsets[0] : offsets[-1]])
        return None if b"x" in data or b"X" in data else array
    return array


def _parse_whole(dtype: str, cells: pa.Array) -> Cells | None:
    """A column of short whole numbers, some of which have a point or an exponent, as a column with gaps is often
    exported; None if a cell needs to be looked at. Exact: no two numbers of 15 digits are one float64."""
    try:
        text = pc.utf8_trim_whitespace(cells.cast(pa.string()))
        if not len(text) or pc.max(pc.binary_length(text)).as_py() > _FLOAT_DIGITS:
            return None
        values = text.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    limits = np.iinfo(dtype)
    low, high = max(limits.min, -(2**53)), min(limits.max, 2**53)
    if not ((values == np.trunc(values)) & (low <= values) & (values <= high)).all():
        return None
    zero = values == 0
    if zero.any() and pc.any(pc.match_substring(text.filter(pa.array(zero)), "e", ignore_case=True)).as_py():
        return None  # it may be too small for a float64
    whole: Cells = values.astype(dtype)
    return whole


def _narrow(values: Cells, dtype: str) -> Cells:
    if dtype not in ("float16", "bfloat16"):
        return values.astype(dtype)
    with np.errstate(over="ignore"):
        return values.astype(numpy_dtype(dtype))


def _parse_each(dtype: str, cells: pa.Array, problems: list[Problem]) -> Cells:
    """The cells that are plainly written by Arrow, all at once, and the others one by one."""
    kind = _kind(dtype)
    text = pc.utf8_trim_whitespace(_decode(cells))
    pattern = _PLAIN["i" if kind == "u" else kind]
    plain = pc.match_substring_regex(text, pattern)
    written = text.filter(plain)
    if kind != "b":
        written = pc.replace_substring_regex(written, pattern, r"\1\2")
    values = written.cast(pa.int64() if kind in "iu" else _ARROW[dtype]).to_numpy(zero_copy_only=False)
    array: Cells = np.zeros(len(cells), numpy_dtype(dtype))
    rows = np.flatnonzero(plain.to_numpy(zero_copy_only=False))
    fed = _narrow(values, dtype)
    if kind == "f":
        fits = np.isfinite(fed) | np.array(pc.match_substring_regex(written, "(?i)[in]").to_numpy(zero_copy_only=False))
    else:
        fits = fed == values  # another value is what is left of one that does not fit
        if kind == "u":
            fits &= values >= 0
    array[rows[fits]] = fed[fits]
    for row in np.setdiff1d(np.arange(len(cells)), rows[fits]).tolist():
        try:
            array[row] = _value(dtype, cells[row].as_py())
        except NotFitting as problem:
            problems.append(Problem(row, problem.code, str(problem)))
    return array


def _decode(cells: pa.Array) -> pa.Array:
    """The cells as text; one that is not UTF-8 is empty."""
    try:
        return cells.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([cell.decode(errors="ignore") if _is_utf8(cell) else "" for cell in cells.to_pylist()])


def _is_utf8(cell: bytes) -> bool:
    try:
        cell.decode()
    except UnicodeDecodeError:
        return False
    return True


def shown(cell: bytes) -> str:
    """A cell in a message: quoted, and cut."""
    return repr(cell[:80].decode(errors="backslashreplace")) + ("…" if len(cell) > 80 else "")


def _kind(dtype: str) -> str:
    return "f" if dtype == "bfloat16" else np.dtype(dtype).kind


def _value(dtype: str, cell: bytes) -> int | bool:
    """What one cell says, if it is an integer or a boolean. Raises NotFitting, with the true reason."""
    text = cell.decode(errors="replace").strip()
    kind = _kind(dtype)
    if not text:
        raise NotFitting("empty_cell", f" is empty, {dtype} is wanted")
    number = number_of(text, hexadecimal=kind in "iu")
    if number is None:
        raise NotFitting("bad_value", f": {shown(cell)} is not {dtype}{why_no_number(text)}")
    if kind == "f":  # well written, or it would be none, and all those that fit are read already
        raise NotFitting("out_of_range", f": {shown(cell)} is out of {dtype}'s range")
    low, high = (0, 1) if kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    value = exact_integer(number)
    if value is None:
        raise NotFitting("bad_value", f": {shown(cell)} is not {dtype}: not a whole number")
    if not low <= value <= high:
        raise NotFitting("out_of_range", f": {shown(cell)} is out of {dtype}'s range, {low} to {high}")
    return bool(value) if kind == "b" else value
