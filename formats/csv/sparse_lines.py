"""Lines of CSV whose last column has nothing in most rows, such as reasons: Arrow writes all the others at once."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyarrow import csv

SPARSE = 4  # no more than such a part of the rows has anything in the last column
_SPECIAL = re.compile(rb'[",\r\n]').search
_LINE_END = 10


def format_sparse(columns: Sequence[pa.Array], options: csv.WriteOptions) -> memoryview | None:
    """As `format_columns` does it (lines.py); None if the last column is not of that kind, or another one has values
    that need quotes."""
    last = columns[-1]
    if len(columns) < 2 or not len(last) or not pa.types.is_binary(last.type) or last.null_count:
        return None
    offsets = np.frombuffer(last.buffers()[1], np.int32)[last.offset : last.offset + len(last) + 1]
    filled = np.flatnonzero(offsets[1:] > offsets[:-1])
    if not 0 < len(filled) * SPARSE < len(last):
        return None
    sink = pa.BufferOutputStream()
    others = [*columns[:-1], pa.nulls(len(last), pa.string())]
    try:
        csv.write_csv(pa.record_batch(others, [str(index) for index in range(len(others))]), sink, options)
    except pa.ArrowInvalid:
        return None
    lines = memoryview(sink.getvalue())
    ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == _LINE_END)[filled].tolist()
    parts: list[bytes | memoryview] = []
    done = 0
    for end, value in zip(ends, last.take(pa.array(filled)).to_pylist(), strict=True):
        parts += lines[done:end], b'"%b"' % value.replace(b'"', b'""') if _SPECIAL(value) else value
        done = end
    return memoryview(b"".join([*parts, lines[done:]]))
