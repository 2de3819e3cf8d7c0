"""The fields of a record by Python's csv module: for the few that are looked at one by one."""

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache

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


def whole_fields(raw: bytes, dialect: Dialect) -> int:
    """How many fields of a record, as UTF-8, end in a delimiter before the first one that is broken, or the last."""
    count = at = 0
    field = _field(dialect)
    while found := field.match(raw, at):
        count, at = count + 1, found.end()
    return count


@lru_cache(maxsize=16)
def _field(dialect: Dialect) -> re.Pattern[bytes]:
    """A sound field and the delimiter behind it. Possessive: what can't be one is not tried in other ways."""
    delimiter, quote, escape = (re.escape(mark.encode()) for mark in (dialect.delimiter, dialect.quote, dialect.escape))
    escaped = rb"|%b(?s:.)" % escape if escape else b""
    bare = rb"(?:(?!%b%b)[^\r\n]%b)*+" % (delimiter, b"|" + escape if escape else b"", escaped)
    if not quote:
        return re.compile(bare + delimiter)
    inside = rb"(?:%b%b|(?!%b%b)(?s:.)%b)*+" % (quote, quote, quote, b"|" + escape if escape else b"", escaped)
    return re.compile(rb"(?:%b%b%b|(?!%b)%b)%b" % (quote, inside, quote, quote, bare, delimiter))
