"""Tables of other people, the test files of nine CSV suites: how each is read, beside what its suite says of it.

What is right: the suite's own JSON where it lies beside the file, else what Python's csv gives with the file's dialect,
which is written here. By hand: python -m tests.formats.tables prints the table for a note.
"""

import csv
import gzip
import io
import json
import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from formats.errors import InputError
from formats.reading import Reading, read_input
from tests.support import ROOT

FOLDER = Path(os.environ.get("OTHER_TABLES") or ROOT.parent / "shared" / "tables")


class Table(NamedTuple):
    """One file: what `typed` says is what somebody types who follows the error messages, one after the other. The rest
    is how Python's csv is to read it."""

    typed: tuple[str, ...] = ()
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    comment: str = ""
    header: bool = True
    skip_lines: int = 0
    broken_lines: tuple[int, ...] = ()  # records of whose quoting nothing can be made
    error: str = ""  # the end of the message, where it can't be read at all


UNUSUAL = {
    "csvkit/empty.csv": Table(error="empty, not even a header"),
    "csvkit/no_header_row.csv": Table(("--no-header",), header=False),
    "csvkit/dummy.tsv": Table(delimiter="\t"),
    "csvkit/test_latin1.csv": Table(encoding="latin-1"),
    "csvkit/test_utf16_big.csv": Table(encoding="utf-16"),
    "csvparser/backtick.csv": Table(("--delimiter '`'",), delimiter="`"),
    "csvparser/bench__latin.csv": Table(encoding="latin-1"),
    "csvparser/bench__utf16-big.csv": Table(encoding="utf-16"),
    "csvparser/bench__utf16.csv": Table(encoding="utf-16"),
    "csvparser/option-maxRowBytes.csv": Table(broken_lines=(4578,)),
    "csvparser/option-quote-many.csv": Table(("""--quote "'" """.strip(),), quote="'"),
    "duckdb/auto__backslash_escape.csv": Table(
        (r"--delimiter '|' --escape '\'",), delimiter="|", escape="\\", header=False
    ),
    "duckdb/auto__multi_column_string_mix.csv": Table(delimiter="|", header=False),
    "duckdb/auto__multi_column_string_r.csv": Table(delimiter="|", header=False),
    "duckdb/auto__pipe_delim_quote.csv": Table(delimiter="|", header=False),
    "duckdb/auto__single_quote_backslash.csv": Table(
        (r"""--delimiter '|' --quote "'" --escape '\'""",), delimiter="|", quote="'", escape="\\", header=False
    ),
    "duckdb/auto__skip_row.csv": Table(("--skip-lines 1",), skip_lines=1),
    "duckdb/bad_escape.csv": Table((r"--escape '\'",), escape="\\"),
    "duckdb/big_escape.csv": Table(delimiter=";", header=False),
    "duckdb/comments__mid_line.csv": Table(
        ("--delimiter ';' --comment '#'", "--no-header"), delimiter=";", comment="#", header=False
    ),
    "duckdb/comments__simple.csv": Table(delimiter=";", comment="#"),
    "duckdb/dirty_line.csv": Table(("--skip-lines 1",), skip_lines=1),
    "duckdb/double_trouble.csv": Table(delimiter="|"),
    "duckdb/encodings__all_latin1.csv": Table(("--no-header",), encoding="latin-1", header=False),
    "duckdb/evil_nullpadding.csv": Table(("--delimiter ';'", "--no-header"), delimiter=";", header=False),
    "duckdb/hits_problematic.csv": Table(("--no-header",), header=False),
    "frictionless/dialect.csv": Table(("--delimiter '|'",), delimiter="|"),
    "frictionless/empty.csv": Table(error="empty, not even a header"),
    "frictionless/issue-1009-semicolon.csv": Table(delimiter=";"),
    "frictionless/skip-blank-at-the-end.csv": Table(comment="#"),
    "frictionless/vix.csv": Table(delimiter=";"),
    "nepote/CSV-basic-ISO-8859-1.CRLF.csv": Table(encoding="latin-1"),
    "nepote/CSV-basic-ISO-8859-1.LF.csv": Table(encoding="latin-1"),
    "rustcsv/smallpop-colon.csv": Table(("--delimiter :",), delimiter=":"),
    "rustcsv/strange.csv": Table(
        (r"--delimiter ';' --escape '\' --comment '#'",), delimiter=";", escape="\\", comment="#", header=False
    ),
    "rustcsv/uspop-latin1.csv": Table(encoding="latin-1"),
    "sineemore/csv__all-empty.csv": Table(error="empty, not even a header"),
    "sineemore/csv__bad-missing-quote.csv": Table(broken_lines=(2,)),
}
# Five at most. All of them are read as Python's csv reads them.
NOT_AS_ITS_SUITE_SAYS = {
    "duckdb/17738_rn.csv": "skips three lines and splits at semicolons, of which there are none",
    "duckdb/blank_line.csv": "a blank line in one column is a record there; here it is counted apart",
    "duckdb/comments__mid_line.csv": "what is behind a # in the middle of a line is a comment there",
    "frictionless/dialect.csv": "# is its quote and - its escape, which nothing in it tells",
    "sineemore/csv__all-empty.csv": "two blank lines are two records there; here a file without a header",
}
LOST_CRS = "spectrum/csvs__newlines_crlf.csv"  # on their way here: its JSON still has them


def tables() -> list[str]:
    """The files, none if they are not there."""
    return sorted(
        str(path.relative_to(FOLDER)) for path in FOLDER.glob("*/*") if path.suffix in (".csv", ".tsv", ".gz")
    )


def said_by(words: str) -> dict[str, Any]:
    """Options as they are typed, by the fields of Dialect."""
    said: dict[str, Any] = {}
    parts = iter(shlex.split(words))
    for option in parts:
        name = option.removeprefix("--").replace("-", "_")
        said |= {"header": name == "header"} if name in ("header", "no_header") else {name: next(parts)}
    return {name: int(value) if name == "skip_lines" else value for name, value in said.items()}


def open_table(name: str, folder: Path) -> Reading:
    """As somebody does who types, after each error, the option that it names. Raises AssertionError if it doesn't."""
    said: dict[str, Any] = {}
    for typed in UNUSUAL.get(name, Table()).typed:
        message = _refused(name, said, folder)
        assert f"{typed} reads" in message or f"({typed})" in message, message or f"nobody asked for {typed}"
        said |= said_by(typed)
    return read_input(FOLDER / name, 1 << 20, said, folder)


def _refused(name: str, said: dict[str, Any], folder: Path) -> str:
    try:
        read_input(FOLDER / name, 1 << 20, said, folder).source.close()
    except InputError as error:
        return str(error)
    return ""


def by_python(name: str) -> list[list[bytes]]:
    """Its records that are not blank, by Python's csv: the cells in UTF-8."""
    path, table = FOLDER / name, UNUSUAL.get(name, Table())
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = io.StringIO(content.decode(table.encoding).removeprefix("\ufeff"), newline="").readlines()
    kept = [
        line
        for number, line in enumerate(lines, 1)
        if number > table.skip_lines and number not in table.broken_lines
        if not table.comment or not line.startswith(table.comment)
    ]
    rows = csv.reader(kept, delimiter=table.delimiter, quotechar=table.quote, escapechar=table.escape, strict=True)
    return [[cell.encode() for cell in row] for row in rows if row]


def verdict(name: str, folder: Path) -> tuple[str, str]:
    """In which dialect it was read, and what is to be said of it. Raises AssertionError if it is wrong."""
    table = UNUSUAL.get(name, Table())
    if table.error:
        message = _refused(name, {}, folder)
        assert message == f"{FOLDER / name}: {table.error}"
        return "", f"a clear error: {table.error}"
    reading = open_table(name, folder)
    with reading.source as source:
        blocks = list(source.blocks(source.columns))
    rows = [list(row) for block in blocks for row in zip(*(each.to_pylist() for each in block.records), strict=True)]
    rejects = [(reject.line, reject.code) for block in blocks for reject in block.rejects]
    header, expected = [name.encode() for name in source.columns], by_python(name)
    assert reading.dialect.header == table.header
    if table.header:
        assert header == expected.pop(0)
    assert rows == [row for row in expected if len(row) == len(header)]
    assert [line for line, code in rejects if "quot" in code] == list(table.broken_lines)
    assert len(rejects) - len(table.broken_lines) == len(expected) - len(rows)
    beside = FOLDER / name.replace("csv__", "json__").replace("csvs__", "json__").replace(".csv", ".json")
    if beside.suffix == ".json" and beside.exists() and name not in NOT_AS_ITS_SUITE_SAYS:
        said = beside.read_text().replace(r"\r\n" * (name == LOST_CRS) or r"\n", r"\n")
        assert list(_by_suite(json.loads(said), source.columns)) == [[cell.decode() for cell in row] for row in rows]
    return str(reading.dialect), "right" + (f", {len(rejects)} of {len(rows) + len(rejects)} rejected" * bool(rejects))


def _by_suite(records: list[Any], columns: list[str]) -> Iterator[list[str]]:
    """Its rows; in some the header is the first."""
    for number, record in enumerate(records):
        cells = list(record.values()) if isinstance(record, dict) else record
        if number or cells != columns:
            yield cells


def main() -> None:
    print("| file | read as | options, as the errors name them | verdict |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for name in tables():
            try:
                dialect, said = verdict(name, Path(folder))
            except (AssertionError, InputError) as error:
                dialect, said = "", f"WRONG: {str(error).splitlines()[0]}"
            typed = ", then ".join(f"`{each}`" for each in UNUSUAL.get(name, Table()).typed)
            reason = f"; not as its suite says: {NOT_AS_ITS_SUITE_SAYS[name]}" if name in NOT_AS_ITS_SUITE_SAYS else ""
            print("|", " | ".join(cell.replace("|", "\\|") for cell in (name, dialect, typed, said + reason)), "|")


if __name__ == "__main__":
    main()
