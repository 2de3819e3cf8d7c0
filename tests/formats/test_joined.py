"""Several files as one source: what is read is what each file has, numbered through, whoever reads it."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from formats.csv.reader import Reader
from formats.joined.source import JoinedSource, join
from formats.source import Block, Range

HEADER = b"id,text,empty\n"
COLUMNS = ["id", "text", "empty", "file"]
LIMIT = 200  # bytes of a record


@dataclass(frozen=True)
class Made:
    """A record that was written to a file, and what has to be read of it."""

    file: str
    line: int
    raw: bytes
    fields: tuple[bytes, ...] = ()  # of a good one
    code: str = ""


BROKEN = {
    "too_few_fields": b"%d,x",
    "too_many_fields": b"%d,x,,y",
    "bad_quoting": b'%d,"x"y,',
    "record_too_large": b"%d," + b"x" * LIMIT + b",",
    "stray_cr": b"%d,a\rb,",
}


def good(chance: random.Random, number: int) -> tuple[bytes, tuple[bytes, ...]]:
    text = chance.choice([b"x", b"", b"\xff", b"two\nlines", b'a "word", or two', b"x" * chance.randrange(60)])
    quoted = b'"' + text.replace(b'"', b'""') + b'"' if set(text) & set(b'",\n') else text
    return b"%d,%b," % (number, quoted), (b"%d" % number, text, b"")


def make_files(chance: random.Random, folder: Path) -> list[Made]:
    """Some files in a folder, named in their order, and their records. Some have none, some end in no line end."""
    made: list[Made] = []
    number = 0
    for index in range(chance.randrange(1, 9)):
        name, content = f"{index}.csv", HEADER
        for _ in range(chance.choice([0, 1, 2, chance.randrange(60)])):
            if chance.random() < 0.1:
                content += b"\n"
            number += 1
            line = 1 + content.count(b"\n")
            if chance.random() < 0.15:
                code = chance.choice([*BROKEN])
                raw = BROKEN[code] % number
                made.append(Made(name, line, raw, code=code))
            else:
                raw, fields = good(chance, number)
                made.append(Made(name, line, raw, fields))
            content += raw + b"\n"
        content = content[:-1] if chance.random() < 0.2 else content + b"\n" * chance.choice([0, 0, 2])
        (folder / name).write_bytes(content)
    return made


def opened(folder: Path, block_bytes: int) -> JoinedSource:
    files = sorted(folder.iterdir())
    return join(folder, files, lambda file: Reader(file, LIMIT, block_bytes=block_bytes), [file.name for file in files])


def rows_of(blocks: Sequence[Block]) -> Iterator[tuple[int, tuple[bytes, ...]]]:
    for block in blocks:
        rows = zip(*(column.to_pylist() for column in block.records), strict=True)
        yield from zip(block.record_numbers.tolist(), rows, strict=True)


@pytest.mark.parametrize("seed", range(60))
def test_records_are_those_of_the_files_one_behind_the_other(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    made = make_files(chance, tmp_path)
    with opened(tmp_path, chance.choice([1, 300, 1000])) as source:
        assert source.columns == COLUMNS
        block_bytes = chance.choice([None, 50, 100])
        blocks = list(source.blocks(COLUMNS, None, block_bytes))
        assert list(rows_of(blocks)) == [
            (number, (*each.fields, each.file.encode())) for number, each in enumerate(made, 1) if not each.code
        ]
        rejects = [reject for block in blocks for reject in block.rejects]
        assert [(each.record, each.line, each.code, each.raw) for each in rejects] == [
            (number, each.line, each.code, each.raw) for number, each in enumerate(made, 1) if each.code
        ]
        assert all(reject.detail.endswith(f", in '{made[reject.record - 1].file}'") for reject in rejects)
        assert [block.start for block in blocks[1:]] == [block.end for block in blocks[:-1]]
        assert all(made[block.start.record - 1].file == source.file_of(block) for block in blocks)
        assert all(made[block.end.record - 2].file == source.file_of(block) for block in blocks), "no block has two"


@pytest.mark.parametrize("seed", range(30))
def test_what_is_read_is_what_one_file_of_all_the_records_has(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "many"
    folder.mkdir()
    make_files(chance, folder)
    bodies = [file.read_bytes()[len(HEADER) :] for file in sorted(folder.iterdir())]
    whole_lines = (body if body.endswith(b"\n") else body + b"\n" for body in bodies)
    (tmp_path / "one.csv").write_bytes(HEADER + b"".join(whole_lines))
    with opened(folder, 300) as source, Reader(tmp_path / "one.csv", LIMIT) as one:
        many, whole = list(source.blocks(COLUMNS[:3])), list(one.blocks(COLUMNS[:3]))
    assert list(rows_of(many)) == list(rows_of(whole))
    assert [(each.record, each.code, each.raw) for block in many for each in block.rejects] == [
        (each.record, each.code, each.raw) for block in whole for each in block.rejects
    ]


@pytest.mark.parametrize("seed", range(40))
def test_whoever_has_a_range_alone_reads_its_block(tmp_path: Path, seed: int) -> None:
    """As a worker has it: from the server, as text, in any order, with sources of its own."""
    chance = random.Random(seed)
    make_files(chance, tmp_path)
    size = chance.choice([1, 300, 1000])
    with opened(tmp_path, size) as source, opened(tmp_path, size) as other:
        ranges = list(source.ranges())
        blocks = list(source.blocks(["file", "text"]))
        assert [(each.start, each.end, each.records) for each in ranges] == [
            (each.start, each.end, each.rows + len(each.rejects)) for each in blocks
        ]
        assert all(one.end == behind.start for one, behind in pairwise(ranges))
        sent = [json.dumps(found.encode()) for found in ranges]
        for number in chance.sample(range(len(sent)), len(sent)):
            assert other.read(Range.decode(json.loads(sent[number])), ["file", "text"]) == blocks[number]


@pytest.mark.parametrize("seed", range(20))
def test_reading_goes_on_at_the_end_of_any_block_of_any_file(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    make_files(chance, tmp_path)
    with opened(tmp_path, 300) as source, opened(tmp_path, 300) as other:
        blocks, ranges = list(source.blocks(COLUMNS)), list(source.ranges())
        for number, block in enumerate(blocks, 1):
            assert list(other.blocks(COLUMNS, block.end)) == blocks[number:]
            assert list(other.ranges(block.end)) == ranges[number:]


@pytest.mark.parametrize("seed", range(20))
def test_records_are_found_again_with_the_lines_of_their_files(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    made = make_files(chance, tmp_path)
    accepted = {number: each for number, each in enumerate(made, 1) if not each.code}
    with opened(tmp_path, 300) as source:
        for found in source.ranges():
            behind = [number for number in accepted if number >= found.start.record]
            wanted = chance.sample(behind, min(len(behind), 5))
            places = source.locate(found.start, wanted)
            assert {number: (place.line, place.raw) for number, place in places.items()} == {
                number: (accepted[number].line, accepted[number].raw) for number in wanted
            }
            for number, place in places.items():
                assert (tmp_path / accepted[number].file).read_bytes().startswith(place.raw, place.offset)
            assert all(source.file_of(found) == accepted[number].file for number in wanted if number < found.end.record)
            here = [number for number in wanted if number < found.end.record]
            assert source.locate_in(found, here) == {number: places[number] for number in here}


def test_a_quote_that_is_never_closed_ends_with_its_file(tmp_path: Path) -> None:
    """In one file of all the records, the next file's first quote would close it."""
    (tmp_path / "1.csv").write_bytes(HEADER + b'1,x,\n2,"open,\n')
    (tmp_path / "2.csv").write_bytes(HEADER + b'3,"y",\n4,"open,\n5,z,\n')
    with opened(tmp_path, 1000) as source:
        blocks = list(source.blocks(["id"]))
        assert [(number, id) for number, (id,) in rows_of(blocks)] == [(1, b"1"), (3, b"3"), (5, b"5")]
        rejects = [reject for block in blocks for reject in block.rejects]
        assert [(each.record, each.line, each.code) for each in rejects] == [
            (2, 3, "unclosed_quote"), (4, 3, "unclosed_quote"),
        ]  # fmt: skip
        assert rejects[1].detail == "the quote that opens on line 3 is never closed, in '2.csv'"


@pytest.mark.parametrize("empty", [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]])
def test_files_without_records_leave_no_trace(tmp_path: Path, empty: list[int]) -> None:
    for number in range(3):
        none = chr(10) * number  # blank lines, which are no records
        body = none.encode() if number in empty else b"1,x,\n2,y,\n"
        (tmp_path / f"{number}.csv").write_bytes(HEADER + body)
    with opened(tmp_path, 1000) as source, opened(tmp_path, 1000) as other:
        blocks = list(source.blocks(["file"]))
        names = [b"%d.csv" % number for number in range(3) if number not in empty for _ in range(2)]
        assert [name for _, (name,) in rows_of(blocks)] == names
        assert [other.read(found, ["file"]) for found in source.ranges()] == blocks
        assert not blocks or list(source.blocks([], blocks[-1].end)) == []
        assert not blocks or blocks[0].start == source.start
