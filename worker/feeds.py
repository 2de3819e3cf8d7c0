"""From a CSV column's cells to the array a placeholder is fed, and what to say of a cell that does not convert."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.batch import RowReject
from jobs.record import Feed
from worker.numbers import NotFitting, exact_integer, number_of, why_no_number

_ARROW = {
    "bool": pa.bool_(),
    "float16": pa.float64(),  # Arrow reads no float16; numpy narrows it
    "float32": pa.float32(),
    "float64": pa.float64(),
    **{f"{sign}int{bits}": getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
DTYPES = frozenset({"string", *_ARROW})  # what a column can be converted to, by TensorFlow's names

# What Arrow reads and what it is to read; cells that are written otherwise are looked at one by one.
_FLOAT = r"(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity|nan(?:\([0-9a-z_]*\))?))"
_PLAIN = {
    "b": r"^(?i:true|false|0|1)$",
    "f": rf"^(?:\+?({_FLOAT})|(-{_FLOAT}))$",
    "i": r"^(?:\+?([0-9]{1,18})|(-[0-9]{1,18}))(?:\.0*)?$",
}
Cells = npt.NDArray[np.generic]


def convert(feed: Feed, cells: pa.Array) -> tuple[Cells, list[RowReject]]:
    """The column's cells (`binary`, [rows]) as the placeholder's dtype, shaped [rows] or [rows, 1], and a reject for
    each cell that is no such value; those have a zero in the array.

    Strings are the cells' bytes, whatever they are. Numbers may have blanks around them, a sign, a fraction and an
    exponent; for an integer dtype the value must be whole (`3.0` and `3e2` are). Hexadecimal integers may be fed to
    integer dtypes. A float is rounded to the nearest value of its dtype, which for a very small one is 0; one that is
    out of its range is a reject, and infinity is fed only where the cell says `inf`. Booleans are `true`, `false`, and
    numbers that are 1 or 0.
    """
    rejects: list[RowReject] = []
    array: Cells
    if feed.dtype == "string":
        array = cells.to_numpy(zero_copy_only=False)
    else:
        quick = _parse(feed.dtype, cells)
        array = _parse_each(feed, cells, rejects) if quick is None else quick
    if feed.shape is not None and len(feed.shape) == 2:
        array = array.reshape(-1, 1)
    return array, rejects


def _parse(dtype: str, cells: pa.Array) -> Cells | None:
    """The whole column by Arrow, or None if a cell needs to be looked at."""
    try:
        text = cells.cast(pa.string())
        try:
            read = text.cast(_ARROW[dtype])
        except pa.ArrowInvalid:
            read = pc.utf8_trim_whitespace(text).cast(_ARROW[dtype])
    except pa.ArrowInvalid:
        return None
    values = read.to_numpy(zero_copy_only=False)
    array: Cells = _narrow(values, dtype)
    # Arrow makes infinity of what is too large, and of hexadecimal digits a negative number where they are too many.
    if array.dtype.kind == "f":
        infinite = np.isinf(array)
        if infinite.any():
            written = cells.filter(pa.array(infinite)).cast(pa.string())
            return array if pc.all(pc.match_substring(written, "inf", ignore_case=True)).as_py() else None
    elif array.dtype.kind == "i" and len(array) and int(values.min()) < 0:
        offsets = memoryview(cells.buffers()[1]).cast("i")[cells.offset : cells.offset + len(cells) + 1]
        data = bytes(memoryview(cells.buffers()[2])[offsets[0] : offsets[-1]])
        return None if b"x" in data or b"X" in data else array
    return array


def _narrow(values: Cells, dtype: str) -> Cells:
    if dtype != "float16":
        return values.astype(dtype)
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def _parse_each(feed: Feed, cells: pa.Array, rejects: list[RowReject]) -> Cells:
    """The cells that are plainly written by Arrow, all at once, and the others one by one."""
    kind = np.dtype(feed.dtype).kind
    text = pc.utf8_trim_whitespace(_decode(cells))
    pattern = _PLAIN["i" if kind == "u" else kind]
    plain = pc.match_substring_regex(text, pattern)
    written = text.filter(plain)
    if kind != "b":
        written = pc.replace_substring_regex(written, pattern, r"\1\2")
    values = written.cast(pa.int64() if kind in "iu" else _ARROW[feed.dtype]).to_numpy(zero_copy_only=False)
    array: Cells = np.zeros(len(cells), feed.dtype)
    rows = np.flatnonzero(plain.to_numpy(zero_copy_only=False))
    fed = _narrow(values, feed.dtype)
    if kind == "f":
        fits = np.isfinite(fed) | np.array(pc.match_substring_regex(written, "(?i)[in]").to_numpy(zero_copy_only=False))
    else:
        fits = fed == values  # another value is what is left of one that does not fit
        if kind == "u":
            fits &= values >= 0
    array[rows[fits]] = fed[fits]
    for row in np.setdiff1d(np.arange(len(cells)), rows[fits]).tolist():
        try:
            array[row] = _value(feed, cells[row].as_py())
        except NotFitting as problem:
            rejects.append(RowReject(row, problem.code, f"column {feed.column!r}{problem}"))
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


def _value(feed: Feed, cell: bytes) -> int | bool:
    """What one cell says, if it is an integer or a boolean. Raises NotFitting, with the true reason."""
    shown = repr(cell[:80].decode(errors="backslashreplace")) + ("…" if len(cell) > 80 else "")
    text = cell.decode(errors="replace").strip()
    kind = np.dtype(feed.dtype).kind
    if not text:
        raise NotFitting("empty_cell", f" is empty, {feed.dtype} is wanted")
    number = number_of(text, hexadecimal=kind in "iu")
    if number is None:
        raise NotFitting("bad_value", f": {shown} is not {feed.dtype}{why_no_number(text)}")
    if kind == "f":  # well written, or it would be none, and all those that fit are read already
        raise NotFitting("out_of_range", f": {shown} is out of {feed.dtype}'s range")
    low, high = (0, 1) if kind == "b" else (int(np.iinfo(feed.dtype).min), int(np.iinfo(feed.dtype).max))
    value = exact_integer(number)
    if value is None:
        raise NotFitting("bad_value", f": {shown} is not {feed.dtype}: it has a fraction")
    if not low <= value <= high:
        raise NotFitting("out_of_range", f": {shown} is out of {feed.dtype}'s range, {low} to {high}")
    return bool(value) if kind == "b" else value
