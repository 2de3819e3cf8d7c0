"""Surplus fields that belong to the last column: texts with delimiters that nobody quoted."""

import csv
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from formats.csv.dialect import Dialect
from formats.csv.fields import fields_of


def folded(record: bytes, columns: int, dialect: Dialect) -> list[bytes]:
    """The fields of a record, in UTF-8 and without its line end, that has more than `columns`: what is surplus is in
    the last one, with the delimiters."""
    text = record.decode(errors="surrogateescape")
    try:
        fields = fields_of(text, dialect)
    except csv.Error:  # an escape at its very end
        fields = text.split(dialect.delimiter)
    fields[columns - 1 :] = [dialect.delimiter.join(fields[columns - 1 :])]
    return [field.encode(errors="surrogateescape") for field in fields]


def inserted(
    records: pa.RecordBatch, rows: int, found: Mapping[int, Sequence[bytes]], header: Sequence[str]
) -> tuple[int, pa.RecordBatch]:
    """How many records there are, and the asked columns, when those in `found` (row among all -> fields) are put among
    the `rows` that `records` has."""
    total = rows + len(found)
    order = np.empty(total, dtype=np.int64)
    places = np.array(sorted(found), dtype=np.int64)
    order[places] = rows + np.arange(len(found))
    order[np.delete(np.arange(total), places)] = np.arange(rows)
    columns = []
    for name, column in zip(records.schema.names, records.columns, strict=True):
        at = header.index(name)
        more = pa.array([found[place][at] for place in places.tolist()], pa.binary())
        columns.append(pa.concat_arrays([column, more]).take(pa.array(order)))
    return total, pa.RecordBatch.from_arrays(columns, names=records.schema.names)
