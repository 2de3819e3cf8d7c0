"""Arrow columns to lines of CSV (RFC 4180, LF), quoted where a value needs it, without a Python object a value."""

import re
from collections.abc import Iterable, Sequence

import pyarrow as pa
from pyarrow import csv

from formats.csv.sparse_lines import format_sparse

_SPECIAL = re.compile(rb'[",\r\n]')
_PLAIN = csv.WriteOptions(include_header=False, quoting_style="none", batch_size=1 << 15)


def format_columns(columns: Sequence[pa.Array]) -> memoryview:
    """One line a row. Binary values stand as they are; a float is the shortest text that reads back the same;
    a null is empty.

    Arrow writes quotes around all strings or none, and only UTF-8. Where that does, it takes half of our own time.
    """
    if (lines := format_sparse(columns, _PLAIN)) is not None:
        return lines
    sink = pa.BufferOutputStream()
    try:
        csv.write_csv(pa.record_batch(columns, [str(index) for index in range(len(columns))]), sink, _PLAIN)
        return memoryview(sink.getvalue())
    except pa.ArrowInvalid:
        from formats.csv.quoted_lines import format_quoted  # Arrow's functions: 9 MB that a producer can do without

        return format_quoted(columns)


def format_rows(rows: Iterable[Sequence[str | bytes | int]]) -> bytes:
    """The same for a few rows of Python values."""
    lines = []
    for row in rows:
        values = (value if isinstance(value, bytes) else str(value).encode() for value in row)
        lines.append(b",".join(b'"%b"' % v.replace(b'"', b'""') if _SPECIAL.search(v) else v for v in values) + b"\n")
    return b"".join(lines)
