"""The fields of a record by Python's csv module: for the few that are looked at one by one."""

import csv
import io
import sys
from collections.abc import Iterator, Sequence

from formats.csv.dialect import Dialect

csv.field_size_limit(sys.maxsize)  # what was read as one record may be one field


def fields_of(record: str, dialect: Dialect) -> list[str]:
    """Of a record without its line end. Raises csv.Error."""
    return next(reader_of(record, dialect), [""])


def record_of(fields: Sequence[str], dialect: Dialect) -> str:
    """The line that has these fields. Raises csv.Error where the dialect can't say one of them."""
    line = io.StringIO()
    csv.writer(
        line,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        lineterminator="\n",
    ).writerow(fields)
    return line.getvalue()


def reader_of(text: str, dialect: Dialect) -> Iterator[list[str]]:
    """The records of a text. Iterating raises csv.Error."""
    return csv.reader(
        io.StringIO(text, newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        strict=True,
    )
