"""Tables as people have them, and how often what is found in them is right, in doubt or wrong.

By hand: python -m tests.formats.everyday --tables 10000 [--messages FILE.tsv]
"""

import argparse
import csv
import io
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from formats.csv.detect import InDoubtError
from formats.csv.dialect import Dialect
from formats.errors import InputError
from formats.reading import read_input
from tests.formats.written import cells_of
from tests.support.checkout import MESSAGES

NAMES = [
    "Anna",
    "Jürgen",
    "José",
    "Ñuria",
    "Søren",
    "François",
    "Bob",
    "Pat O'Neill",
    "de la Cruz",
    "Łukasz",
    "王伟",
    "Иван",
]


class Everyday(NamedTuple):
    content: bytes
    dialect: Dialect
    columns: list[str]
    rows: list[list[str]]


@lru_cache
def texts_of(path: Path) -> Sequence[str]:
    """The texts of our sample, or of a file of labels and messages with a tab between."""
    with path.open(newline="", encoding="utf-8") as lines:
        if path.suffix == ".tsv":
            return [line.rstrip("\n").partition("\t")[2] for line in lines]
        return [row["text"] for row in csv.DictReader(lines)]


@lru_cache
def written_in(path: Path, encoding: str) -> Sequence[str]:
    return [text for text in texts_of(path) if _fits(text, encoding)]


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


COLUMNS = "id,message_id,date,received at,amount,Betrag,name,from,label,channel,note".split(",")  # noqa: SIM905


def _cell(chance: random.Random, column: str, row: int) -> str:
    match column:
        case "id":
            return str(row + 1)
        case "message_id":
            return f"m{row:06}"
        case "date":
            return f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        case "received at":
            return f"{chance.randint(1, 28):02}.11.2026 {chance.randint(0, 23):02}:15"
        case "amount":
            return f"{chance.randint(0, 9999)}.{chance.randint(0, 99):02}"
        case "Betrag":
            return f"{chance.randint(0, 9999)},{chance.randint(0, 99):02}"
        case "from":
            return f"+49 {chance.randint(100, 999)} {chance.randint(1000, 99999)}"
    words = {"name": NAMES, "label": ["ham", "spam"], "channel": ["sms", "email", "whatsapp"]}
    return chance.choice(words.get(column, ["", "", "see above", "a; b", "c, d"]))


ENCODINGS = ["utf-8"] * 12 + ["utf-8-sig"] * 2 + ["utf-16"] * 2 + ["cp1252"] * 3 + ["utf-16-le", "gb18030", "cp1251"]


def write_everyday(chance: random.Random, messages: Path = MESSAGES) -> Everyday:
    encoding = chance.choice(ENCODINGS)
    dialect = Dialect(
        delimiter=chance.choice(",,,;;\t\t|"),
        escape="\\" if chance.random() < 0.05 else "",
        encoding=encoding,
        header=chance.random() < 0.8,
        skip_lines=chance.random() < 0.04,
        comment="#" if chance.random() < 0.05 else "",
    )
    columns = [*chance.sample(COLUMNS, chance.choice([0, 1, 1, 2, 3, 4])), "text"]
    chance.shuffle(columns)
    texts = written_in(messages, encoding.removesuffix("-sig"))
    rows = [
        [
            chance.choice(texts) if name == "text" else _in(encoding, _cell(chance, name, row))
            for name in columns
        ]
        for row in range(chance.choice([1, 2, 3, 10, 40, 150]))
    ]  # fmt: skip
    rows = [row for row in rows if not (dialect.comment and row[0].startswith("#"))]
    target = io.StringIO(newline="")
    target.write("Messages of the day\n" * dialect.skip_lines)
    target.write("# made at night, by hand\n" * bool(dialect.comment))
    writer = csv.writer(
        target,
        delimiter=dialect.delimiter,
        quoting=chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        escapechar=dialect.escape or None,
        doublequote=not dialect.escape,
        lineterminator=chance.choice(["\n", "\r\n"]),
    )
    if dialect.header:
        writer.writerow(columns)
    writer.writerows(rows)
    if not dialect.header:
        columns = [str(number + 1) for number in range(len(columns))]
    return Everyday(target.getvalue().encode(encoding), dialect, columns, rows)


def _in(encoding: str, text: str) -> str:
    return text if _fits(text, encoding) else "Pat"


def outcome(table: Everyday, folder: Path) -> str:
    """`right`, `doubt`, or what is wrong; `no column` if a message or a title is taken for the header: then there is
    no column `text`, which is said before anything is scored."""
    path = folder / "everyday.csv"
    path.write_bytes(table.content)
    try:
        reading = read_input(path, 1 << 20, {}, folder / "unpacked")
    except InDoubtError as error:
        return f"doubt: {error}"
    except InputError as error:
        return f"wrong: {error}"
    with reading.source as source:
        blocks = list(source.blocks(source.columns)) if len({*source.columns}) == len(source.columns) else []
        if source.columns == table.columns and cells_of(blocks) == table.rows:
            return "right"
        if "text" not in source.columns and reading.dialect.header:
            return "no column"
        return f"wrong: {reading.dialect} for {table.dialect}"


def outcomes(seeds: range, folder: Path, messages: Path = MESSAGES) -> Iterator[tuple[int, Everyday, str]]:
    for seed in seeds:
        table = write_everyday(random.Random(seed), messages)
        yield seed, table, outcome(table, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures how often a dialect is found, in doubt, or wrong.")
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--messages", type=Path, default=MESSAGES)
    parser.add_argument("--show", type=int, default=5, help="so many of the wrong ones")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed, table, found in outcomes(
            range(options.seed, options.seed + options.tables), Path(folder), options.messages
        ):
            kind = found.partition(":")[0]
            counts[kind] += 1
            if kind == "wrong" and counts[kind] <= options.show:
                print(f"seed {seed}: {found}\n    {table.content[:300]!r}")
    print(", ".join(f"{kind} {count:,} ({count / options.tables:.1%})" for kind, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
