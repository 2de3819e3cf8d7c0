"""Which texts are not UTF-8."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_AT_ONCE = 256  # values; where a column fails, the pieces that don't are passed over


def not_utf8(column: pa.Array) -> NDArray[np.int64]:
    """The rows of a `binary` column [rows] whose values are not valid UTF-8, each by itself: int64, in order."""
    try:
        column.cast(pa.string())  # Arrow looks at the values one by one: whole characters may be cut in two
        return np.empty(0, dtype=np.int64)
    except pa.ArrowInvalid:
        pass
    if len(column) > _AT_ONCE:
        pieces = [(at, not_utf8(column.slice(at, _AT_ONCE))) for at in range(0, len(column), _AT_ONCE)]
        return np.concatenate([rows + at for at, rows in pieces])
    rows = [row for row, value in enumerate(column.to_pylist()) if first_not_utf8(value or b"") >= 0]
    return np.array(rows, dtype=np.int64)


def count_not_utf8(column: pa.Array) -> int:
    """How many values of a `binary` column [rows] are not valid UTF-8."""
    return len(not_utf8(column))


def first_not_utf8(value: bytes) -> int:
    """The place of the first byte that makes a value no UTF-8, from 0; -1 if it is."""
    try:
        str(value, "utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return -1
