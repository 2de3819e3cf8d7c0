"""From a CSV column's cells to the array a placeholder is fed, and what to say of a cell that does not convert."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.batch import RowReject
from jobs.record import Feed

_ARROW = {
    "bool": pa.bool_(),
    "float16": pa.float32(),  # Arrow reads no float16; numpy narrows it
    "float32": pa.float32(),
    "float64": pa.float64(),
    **{f"{sign}int{bits}": getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
DTYPES = frozenset({"string", *_ARROW})  # what a column can be converted to, by TensorFlow's names


def convert(feed: Feed, cells: pa.Array) -> tuple[npt.NDArray[np.generic], list[RowReject]]:
    """The column's cells (`binary`, [rows]) as the placeholder's dtype, shaped [rows] or [rows, 1], and a reject for
    each cell that is no such value; those have a zero in the array.

    Strings are the cells' bytes, whatever they are. Numbers may have blanks around them.
    """
    rejects: list[RowReject] = []
    if feed.dtype == "string":
        array: npt.NDArray[np.generic] = cells.to_numpy(zero_copy_only=False)
    else:
        parts = _parse(feed, cells, 0, rejects)
        array = np.concatenate(parts).astype(feed.dtype) if parts else np.zeros(0, feed.dtype)
    if feed.shape is not None and len(feed.shape) == 2:
        array = array.reshape(-1, 1)
    return array, rejects


def _parse(feed: Feed, cells: pa.Array, first: int, rejects: list[RowReject]) -> list[npt.NDArray[np.generic]]:
    """Arrow converts a whole column or none of it, so a column that fails is halved down to the cells that do."""
    target = _ARROW[feed.dtype]
    try:
        values = pc.utf8_trim_whitespace(cells.cast(pa.string())).cast(target)
        return [values.to_numpy(zero_copy_only=False)]
    except pa.ArrowInvalid:
        if len(cells) > 1:
            half = len(cells) // 2
            left = _parse(feed, cells.slice(0, half), first, rejects)
            return left + _parse(feed, cells.slice(half), first + half, rejects)
    rejects.append(_reject(feed, cells[0].as_py(), first))
    return [np.zeros(1, target.to_pandas_dtype())]


def _reject(feed: Feed, cell: bytes, row: int) -> RowReject:
    if not cell.strip():
        return RowReject(row, "empty_cell", f"column {feed.column!r} is empty, {feed.dtype} is wanted")
    shown = repr(cell[:80].decode(errors="backslashreplace")) + ("…" if len(cell) > 80 else "")
    if feed.dtype != "bool":
        try:
            float(cell)
            if "float" not in feed.dtype:
                int(cell)
            return RowReject(row, "out_of_range", f"column {feed.column!r}: {shown} does not fit {feed.dtype}")
        except ValueError:
            pass
    return RowReject(row, "bad_value", f"column {feed.column!r}: {shown} is not {feed.dtype}")
