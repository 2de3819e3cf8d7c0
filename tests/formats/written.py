"""Random tables as Python's csv writes them, in any dialect, encoding and container, and what has to come back.

By hand: python -m tests.formats.written --tables 100000 --seed 1
"""

import argparse
import codecs
import csv
import io
import random
import tempfile
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from formats.csv.dialect import MULTI_BYTE, SINGLE_BYTE, Dialect
from formats.csv.reader import Reader
from formats.reading import Reading, read_input
from formats.source import Block
from tests.formats.packing import KINDS, pack

DELIMITERS = ",;\t|:^~ &#'\x01"
OTHER_ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "iso2022_jp", "hz")  # need a copy
ENCODINGS = ("utf-8", *sorted(SINGLE_BYTE), *sorted(MULTI_BYTE), *OTHER_ENCODINGS)
BOMS = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
PIECES = ["", "a", "b c", "1", "-2.5", "x" * 40, "''", '""', "\\", "\\n", "#", "//", "\u2028", "\x0c", "\t", "=1+1"]


class Written(NamedTuple):
    content: bytes  # of the file
    dialect: Dialect  # in which it was written
    container: str  # empty: none
    columns: list[str]  # with a header
    rows: list[list[str]]
    blank_lines: int  # behind the first record
    line_end: str


@lru_cache(maxsize=128)
def letters(encoding: str) -> Sequence[str]:
    """Some characters that it has, and reads as they were."""
    far = "éßñŁžΩжאبก中文測試日本語ソ表能한국어€–“”😀ｱ\u0301"
    near = bytes(range(0xA0, 0x100)).decode(encoding, "ignore") if encoding in SINGLE_BYTE else ""
    return [sign for sign in {*far, *near} if sign.isprintable() and _kept(sign, encoding)] or ["a"]


def _kept(text: str, encoding: str) -> bool:
    try:
        return text.encode(encoding).decode(encoding) == text
    except UnicodeError:
        return False


def write_table(chance: random.Random) -> Written:
    """Of up to twelve rows of up to five columns."""
    encoding = chance.choice(ENCODINGS) if chance.random() < 0.7 else "utf-8"
    dialect, style, line_end = _dialect(chance, encoding)
    width = chance.choice([1, 2, 2, 3, 5])
    quoted = style["quoting"] == csv.QUOTE_ALL
    columns = [f"{_cell(chance, dialect, style, line_end)}{number}" for number in range(width)]
    if not _writable(columns, dialect, quoted):
        columns = [f"column {number}" for number in range(width)]
    rows = [
        row
        for row in (
            [_cell(chance, dialect, style, line_end) for _ in range(width)] for _ in range(chance.randrange(13))
        )
        if _writable(row, dialect, quoted) and (style["quoting"] != csv.QUOTE_NONE or row != [""])
    ]
    if not dialect.header and not rows:
        rows = [[f"cell {number}" for number in range(width)]]
    pieces = [f"title {number} of \"it'{line_end}" for number in range(dialect.skip_lines)]
    blank_lines, begun = 0, False
    for row in [columns, *rows] if dialect.header else rows:
        if chance.random() < 0.1:
            pieces.append(line_end)
            blank_lines += begun
        if dialect.comment and chance.random() < 0.3:
            pieces.append(f"{dialect.comment} it's \"{chance.choice('ab,;')}{line_end}")
        target = io.StringIO(newline="")
        csv.writer(target, lineterminator=line_end, **style).writerow(row)  # type: ignore[arg-type]
        pieces.append(target.getvalue())
        begun = begun or not dialect.header or row is columns
    text = "".join(pieces)
    if chance.random() < 0.3:
        text = text.removesuffix(line_end)
    content = text.encode(encoding)
    if encoding in BOMS and chance.random() < 0.3:
        content = BOMS[encoding] + content
    container = chance.choice(KINDS) if chance.random() < 0.3 else ""
    if container:
        content = pack(container, content)
    if not dialect.header:
        columns = [str(number + 1) for number in range(width)]
    return Written(content, dialect, container, columns, rows, blank_lines, line_end)


def _dialect(chance: random.Random, encoding: str) -> tuple[Dialect, dict[str, object], str]:
    """With the words for Python's writer, and what ends a line."""
    delimiter = chance.choice(DELIMITERS)
    quote = chance.choice([sign for sign in ('"', '"', "'", "") if sign != delimiter])
    escape = "\\" if not quote or chance.random() < 0.3 else ""
    doubled = not escape or chance.random() < 0.5
    quoting = chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]) if quote else csv.QUOTE_NONE
    comment = chance.choice(["", "", "", "#", "%", "//"])
    dialect = Dialect(
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        encoding=encoding,
        header=chance.random() < 0.7,
        skip_lines=chance.choice([0, 0, 0, 1, 3]),
        comment="" if comment == delimiter else comment,
    )
    style: dict[str, object] = {
        "delimiter": delimiter, "quotechar": quote or None, "quoting": quoting, "escapechar": escape or None,
        "doublequote": doubled,
    }  # fmt: skip
    return dialect, style, chance.choice(["\n", "\r\n", "\n", "\r"])


def _cell(chance: random.Random, dialect: Dialect, style: dict[str, object], line_end: str) -> str:
    """What the writer can write: it quotes no other line ends than its own unless it quotes everything, and escapes
    none where it quotes nothing."""
    marks = [dialect.delimiter, dialect.quote or '"', dialect.escape or "\\", dialect.comment or "#"]
    if style["quoting"] == csv.QUOTE_ALL:
        marks += ["\n", "\r\n", "\r"]
    elif style["quoting"] == csv.QUOTE_MINIMAL:
        marks.append(line_end)
    signs = [
        *PIECES,
        *marks,
        *marks,
        chance.choice(letters(dialect.encoding)),
        chance.choice(letters(dialect.encoding)),
    ]
    text = "".join(chance.choice(signs) for _ in range(chance.choice([0, 1, 1, 2, 4])))
    return text if _kept(text, dialect.encoding) else "".join(sign for sign in text if _kept(sign, dialect.encoding))


def _writable(row: Sequence[str], dialect: Dialect, quoted: bool) -> bool:
    """Whether it comes back: nobody quotes a first cell because a comment begins so."""
    return quoted or not dialect.comment or not row[0].startswith(dialect.comment)


def cells_of(blocks: Sequence[Block]) -> list[list[str]]:
    return [
        [cell.decode() for cell in row]
        for block in blocks
        for row in zip(*(each.to_pylist() for each in block.records.columns), strict=True)
    ]


def check_table(table: Written, folder: Path, chance: random.Random) -> None:
    """Read as it was written, in blocks of any size, and range by range elsewhere."""
    path = folder / "table.csv"
    path.write_bytes(table.content)
    reading = read_input(path, 1 << 20, table.dialect, folder / "unpacked")
    with reading.source as source:
        check_reading(reading, table)
        size = chance.choice([1, 20, 100, 1000])
        with Reader(path, 300, source.dialect, reading.copy and reading.copy.path, block_bytes=size) as reader:
            blocks = list(reader.blocks(reader.columns))
            assert cells_of(blocks) == table.rows
            assert [source.read(found, source.columns) for found in reader.ranges()] == blocks
    if reading.copy:
        reading.copy.path.unlink()


def check_reading(reading: Reading, table: Written) -> None:
    source = reading.source
    assert source.columns == table.columns
    blocks = list(source.blocks(source.columns))
    assert cells_of(blocks) == table.rows
    assert [block.rejects for block in blocks if block.rejects] == []
    assert sum(block.blank_lines for block in blocks) == (table.blank_lines if table.rows else 0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes tables in any dialect, and reads them.")
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seed, options.seed + options.tables):
            chance = random.Random(seed)
            table = write_table(chance)
            try:
                check_table(table, Path(folder), chance)
            except BaseException as error:
                error.add_note(f"seed {seed}: {table}")
                raise
    print(f"{options.tables:,} tables in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
