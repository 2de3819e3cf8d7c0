"""Other readers of CSV, for what they have words for: Python's csv, pyarrow and DuckDB. They must find the same cells.

Each returns None where it is known to read something else, or nothing.
"""

import csv
import io
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pc

from tests.formats.written import BOMS, Written


def by_csv(table: Written, plain: bytes) -> list[list[str]] | None:
    """Python's csv, which knows no comments. `plain` is the file out of its container."""
    dialect = table.dialect
    if dialect.comment:
        return None
    lines = io.StringIO(plain.decode(dialect.encoding).removeprefix("\ufeff"), newline="").readlines()
    reader = csv.reader(
        lines[dialect.skip_lines :],
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        strict=True,
    )
    return [row for row in reader if row][dialect.header :]


def by_arrow(table: Written, plain: bytes) -> list[list[str]] | None:
    """It knows no comments either, and takes a single line without a line end for none."""
    dialect = table.dialect
    if dialect.comment or len(table.rows) < 2:
        return None
    names = table.columns if dialect.header else [f"f{number}" for number in range(len(table.columns))]
    found = pc.read_csv(
        pa.BufferReader(plain),
        pc.ReadOptions(
            use_threads=False,
            encoding=dialect.encoding,
            skip_rows=dialect.skip_lines,
            autogenerate_column_names=not dialect.header,
        ),
        pc.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote or False,
            escape_char=dialect.escape or False,
            newlines_in_values=True,
        ),
        pc.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[],
            strings_can_be_null=False,
        ),
    )
    return [list(row) for row in zip(*(column.to_pylist() for column in found.columns), strict=True)]


def by_duckdb(table: Written, path: Path) -> list[list[str]] | None:
    """Without its extensions it knows UTF-8 alone; a quote is its own escape. A blank line in one column is a record
    there, and one in the first place the header; a CR in a cell may end a line."""
    dialect = table.dialect
    if table.content.removeprefix(BOMS["utf-8"])[:1] in (b"\r", b"\n"):
        return None
    if table.container not in ("", "gzip") or dialect.encoding != "utf-8" or dialect.escape or dialect.comment:
        return None
    cells = [cell for row in (table.columns, *table.rows) for cell in row]
    if len(table.columns) < 2 or table.line_end == "\r" or any("\r" in cell for cell in cells):
        return None
    relation = duckdb.read_csv(
        str(path),
        header=dialect.header,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.quote,
        skiprows=dialect.skip_lines,
        compression=table.container or "none",
        all_varchar=True,
        auto_detect=False,
        columns={f"c{number}": "VARCHAR" for number in range(len(table.columns))},
    )
    return [[cell or "" for cell in row] for row in relation.fetchall()]
