"""Random bytes, read in any dialect or in what is found in them: an InputError, or blocks in which nothing is lost,
doubled or shifted, however they are cut and whoever reads them.

By hand: python -m tests.formats.noise --inputs 1000000 --seed 1
"""

import argparse
import csv
import io
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from formats.csv.dialect import MULTI_BYTE, SINGLE_BYTE, Dialect
from formats.csv.reader import Reader
from formats.errors import InputError
from formats.reading import read_input
from formats.source import Block
from tests.formats.packing import KINDS, pack

ENCODINGS = ["utf-8"] * 6 + [
    "cp1252",
    "utf-16",
    "utf-16-le",
    "utf-7",
    "iso2022_jp",
    *sorted(SINGLE_BYTE),
    *sorted(MULTI_BYTE),
]
WORDS = [
    b"\n", b"\n", b"\r\n", b"\r", b",", b";", b"\t", b"|", b'"', b'"', b'""', b"'", b"\\", b"#", b"a", b"1", b" ",
    b"\x00", b"\xff", b"\xe9", b"\xc3\xa9", b"\x81\x30\x89\x38", b"\xd6\xd0", b"\xef\xbb\xbf", b"\xff\xfe", b"sep=;\n",
    b'"a b"', b'"x,\ny"', b"x" * 30, b"1,2\n", b'1,"2"\n', b"+AGE-", b"\x1b$B", b"\x00a", b"a\x00", b"\x1f\x8b",
]  # fmt: skip
SECONDS, GROWN_MIB = 5.0, 200


def random_input(chance: random.Random) -> bytes:
    size = chance.choice([0, 1, 3, 10, 30, 100])
    content = b"".join(chance.choices(WORDS, k=size)) if chance.random() < 0.9 else chance.randbytes(size)
    if chance.random() < 0.5:
        content = b"a,b\n" + content
    if chance.random() < 0.1:
        content = content.decode("utf-8", "replace").encode("utf-16")
    return pack(chance.choice(KINDS), content) if chance.random() < 0.02 else content


def random_dialect(chance: random.Random) -> dict[str, object]:
    """What somebody says of it: all, some of it, or nothing."""
    said: dict[str, object] = {
        "delimiter": chance.choice(",;\t|"),
        "quote": chance.choice(['"', '"', "'", ""]),
        "escape": chance.choice(["", "\\"]),
        "encoding": chance.choice(ENCODINGS),
        "header": chance.random() < 0.8,
        "skip_lines": chance.choice([0, 0, 0, 1, 2]),
        "comment": chance.choice(["", "", "#", "1"]),
    }
    if chance.random() < 0.7:
        return said
    return {name: said[name] for name in chance.sample(list(said), chance.choice([0, 0, 1, 2]))}


def check_input(content: bytes, said: dict[str, object], chance: random.Random, folder: Path) -> str:
    """What became of it. Raises AssertionError if something is lost, and whatever else is no InputError."""
    path = folder / "noise.csv"
    path.write_bytes(content)
    limit = chance.choice([20, 60, 1 << 20])
    try:
        with Reader(path, limit, Dialect(**said)) if len(said) > 6 and Dialect(**said).in_place else read_input(
            path, limit, said, folder / "unpacked"
        ).source as source:  # fmt: skip
            copy = source.read_from if source.read_from != path else None
            blocks = check_source(source.read_from, source.dialect, limit, chance)
    except InputError as error:
        text = str(error)
        assert text.isprintable(), repr(text)
        assert len(text) < 1500, text
        return "refused"
    finally:
        for made in (folder / "unpacked").glob("*"):
            made.unlink()
    if blocks and not copy:
        compare(content, source.dialect, source.start.offset, blocks)
    return "read" if blocks else "empty"


def check_source(path: object, dialect: Dialect, limit: int, chance: random.Random) -> list[Block]:
    """The blocks of a plain file: ranges that another reader reads are the same, and so is what goes on behind one."""
    assert isinstance(path, Path)
    block, other_block = chance.choice([1, 7, 30, 200]), chance.choice([1, 50, 1 << 20])
    with Reader(path, limit, dialect, block_bytes=block) as reader:
        columns = reader.columns if len({*reader.columns}) == len(reader.columns) else []
        blocks = list(reader.blocks(columns))
        with Reader(path, limit, dialect, block_bytes=other_block) as other:
            assert [other.read(found, columns) for found in reader.ranges()] == blocks
        at = reader.start
        for one in blocks:
            assert one.start == at
            assert one.end.record - one.start.record == one.rows + len(one.rejects) > 0
            at = one.end
        assert not blocks or at.offset == reader.size
        if blocks:
            number = chance.randrange(len(blocks))
            assert list(reader.blocks(columns, blocks[number].end)) == blocks[number + 1 :]
        with Reader(path, limit, dialect) as whole:
            assert [row for one in whole.blocks(columns) for row in rows_of(one)] == [
                row for one in blocks for row in rows_of(one)
            ]
    return blocks


def rows_of(block: Block) -> list[tuple[object, ...]]:
    numbers = block.record_numbers.tolist()
    return list(zip(numbers, *(column.to_pylist() for column in block.records.columns), strict=True))


def compare(content: bytes, dialect: Dialect, start: int, blocks: list[Block]) -> None:
    """With Python's csv, where it can read the file as strictly as we do."""
    if dialect.encoding != "utf-8" or dialect.comment or not blocks[0].records.num_columns:
        return
    if any(reject.code not in ("too_few_fields", "too_many_fields") for one in blocks for reject in one.rejects):
        return
    reader = csv.reader(
        io.StringIO(content[start:].decode(errors="surrogateescape"), newline=""),
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        escapechar=dialect.escape or None,
        strict=True,
    )
    try:
        expected = [row for row in reader if row]
    except csv.Error:
        return
    found = [list(row[1:]) for one in blocks for row in rows_of(one)]
    width = blocks[0].records.num_columns
    assert found == [
        [cell.encode(errors="surrogateescape") for cell in row] for row in expected if len(row) == width
    ], (content, dialect)
    assert len(expected) == blocks[-1].end.record - 1


def noise(seed: int, inputs: int, folder: Path) -> Counter[str]:
    """That many inputs, each from a seed of its own."""
    outcomes: Counter[str] = Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(seed, seed + inputs):
        chance = random.Random(number)
        content, said = random_input(chance), random_dialect(chance)
        began = time.process_time()
        try:
            outcomes[check_input(content, said, chance, folder)] += 1
        except BaseException as error:
            error.add_note(f"seed {number}: {content!r}, {said}")
            raise
        assert time.process_time() - began < SECONDS, f"seed {number} took too long"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> (10 if sys.platform == "linux" else 20)
    assert grown < GROWN_MIB, f"{grown} MiB"
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description="Reads random bytes.")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = noise(options.seed, options.inputs, Path(folder))
    print(", ".join(f"{kind} {count:,}" for kind, count in found.items()), f"in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
