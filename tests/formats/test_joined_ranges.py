"""A range of several files may come from a server that others write to: a worker gets the block or an error."""

import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.csv.reader import Reader
from formats.errors import ChangedError, InputError
from formats.joined.source import join
from formats.joined.space import Space
from formats.position import Position
from formats.source import Range

HEADER = b"id,text\n"


def written(folder: Path, *contents: bytes) -> list[Path]:
    files = [folder / f"{number}.csv" for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    return files


def test_a_range_whose_lines_are_another_files_is_refused(tmp_path: Path) -> None:
    """Or a reject would have a line below zero."""
    files = written(tmp_path, HEADER + b"1,x\n", HEADER + b"2\n" * 30)
    with join(Path("in"), files, partial(Reader, max_record_bytes=8, block_bytes=10)) as source:
        last = list(source.ranges())[-1]
        assert source.read(last, []).rejects[-1].line == 31
        start, end = (replace(each, line=each.line % 1000) for each in (last.start, last.end))
        with pytest.raises(ChangedError):
            source.read(replace(last, start=start, end=end), [])
        with pytest.raises(ChangedError):
            source.read(replace(last, start=start), [])


def test_positions_are_numbers_that_any_json_can_say() -> None:
    space = Space([1 << 30] * 100_000)
    end = space.outward(99_999, Position(1 << 30, 1, 1 << 30))
    assert max(end.offset, end.line) < 1 << 53


@pytest.mark.parametrize("size", range(1, len(HEADER) + 2))
def test_a_format_whose_offsets_leave_its_file_cannot_be_joined(tmp_path: Path, size: int) -> None:
    """Its positions would be another file's, and its records perhaps nobody's."""

    class Expanded(Reader):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            self.size = size

    with (
        join(Path("in"), written(tmp_path, HEADER + b"1,x\n", HEADER + b"2,y\n"), Expanded) as source,
        pytest.raises(InputError, match=r"0\.csv: can't be joined"),
    ):
        list(source.ranges())


def leaves(content: Any, way: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    if not isinstance(content, list):
        return [way]
    return [leaf for index, each in enumerate(content) for leaf in leaves(each, (*way, index))]


@settings(max_examples=300)
@given(chance=st.data())
def test_a_range_that_was_altered_is_refused_or_is_read(
    tmp_path_factory: pytest.TempPathFactory, chance: st.DataObject
) -> None:
    """It may come from a server that others write to. A number is altered, mostly to that of another range's place."""
    contents = [b'1,x\n2,"p"q\n', b"", b'3,"open\n4,y\n' + b"5,z\n" * 20]
    files = written(tmp_path_factory.mktemp("ranges"), *(HEADER + content for content in contents))
    with join(Path("in"), files, partial(Reader, max_record_bytes=40, block_bytes=42)) as source:
        ranges, blocks = list(source.ranges()), list(source.blocks(["id"]))
        content = [found.encode() for found in ranges]
        number = chance.draw(st.integers(0, len(content) - 1))
        altered = copy.deepcopy(content[number])
        numbers = [each for found in content for each in found[:7]]
        for _ in range(chance.draw(st.integers(1, 2))):
            inner: Any = altered
            *steps, last = chance.draw(st.sampled_from(leaves(altered)))
            for step in steps:
                inner = inner[step]
            inner[last] = chance.draw(st.one_of(st.sampled_from(numbers), st.integers(-2, 200), st.just(1 << 62)))
        try:
            block = source.read(Range.decode(altered), ["id"])
        except (ValueError, TypeError, InputError):
            return
        assert block.records == blocks[number].records or block.rejects
