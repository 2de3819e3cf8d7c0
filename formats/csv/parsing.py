"""Whole, well-quoted records through pyarrow's CSV parser, every value as raw bytes."""

from array import array
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc

from formats.csv.dialect import PLAIN, Dialect
from formats.csv.rejected import Wrong

BOM = b"\xef\xbb\xbf"
_ASCII = bytes(range(128)) + b"x" * 128  # no dialect's marks are letters


def to_arrow(
    clean: bytes | memoryview, header: Sequence[str], columns: list[str], dialect: Dialect = PLAIN
) -> tuple[int, pa.RecordBatch]:
    """How many records, and their asked columns. Raises pa.ArrowInvalid if one has too few or too many fields."""
    if not clean:
        return 0, pa.RecordBatch.from_arrays([pa.array([], pa.binary()) for _ in columns], names=columns)
    at = {name: str(place) for place, name in enumerate(header)}
    places = [at[name] for name in columns]
    table = _read_csv(clean, len(header), places or ["0"], _options(dialect))
    arrays = [_whole(table.column(place)) for place in places]
    return table.num_rows, pa.RecordBatch.from_arrays(arrays, names=columns)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """Without a copy where there is one chunk, as there is for a block."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def values(column: pa.Array) -> memoryview:
    """A binary array's values, one behind the other: its buffer as it is."""
    _, offsets, data = column.buffers()
    if data is None or not len(column):
        return memoryview(b"")
    ends = memoryview(offsets).cast("i")
    return memoryview(data)[ends[column.offset] : ends[column.offset + len(column)]]


def wrong_field_counts(clean: bytes | memoryview, fields: int, dialect: Dialect) -> Wrong:
    """The records of `clean` with another number of fields."""
    rows, counts = array("q"), array("q")

    def skip(row: pc.InvalidRow) -> str:
        rows.append(row.number - 1)
        counts.append(row.actual_columns)
        return "skip"

    # The handler fails on a row that isn't UTF-8, so it gets the same structure in ASCII.
    _read_csv(bytes(clean).translate(_ASCII), fields, ["0"], _options(dialect, skip))
    return Wrong(np.frombuffer(rows, np.int64), np.frombuffer(counts, np.int64))


def _options(dialect: Dialect, skip: Callable[[pc.InvalidRow], str] | None = None) -> pc.ParseOptions:
    return pc.ParseOptions(
        delimiter=dialect.delimiter,
        quote_char=dialect.quote or False,
        escape_char=dialect.escape or False,
        newlines_in_values=True,
        invalid_row_handler=skip,
    )


def _read_csv(clean: bytes | memoryview, fields: int, places: list[str], options: pc.ParseOptions) -> pa.Table:
    if BOM.startswith(bytes(clean[: len(BOM)])):  # pyarrow would drop it, as at the start of a file, or miss its end
        clean = b"\n" + clean
    names = [str(place) for place in range(fields)]  # those of the header need not be unique
    return pc.read_csv(
        pa.BufferReader(clean),
        pc.ReadOptions(use_threads=False, block_size=len(clean) + 1, column_names=names),
        options,
        pc.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(names, pa.binary()),
            include_columns=places,
            null_values=[],
            strings_can_be_null=False,
        ),
    )
