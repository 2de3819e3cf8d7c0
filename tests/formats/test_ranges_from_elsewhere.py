"""A range may come from a server that others write to: whatever it says, a worker gets the block or an error."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.csv.reader import Reader
from formats.errors import InputError
from formats.source import Range

CONTENT = b'a,b\n1,x\n2,"y\nz"\n3\n4,"p"q\n\n\n5,r,s\n6,"open\n' + b"7,t\n" * 20


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ranges") / "in.csv"
    path.write_bytes(CONTENT)
    return path


def leaves(content: Any, way: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    if not isinstance(content, list):
        return [way]
    return [way, *(leaf for index, each in enumerate(content) for leaf in leaves(each, (*way, index)))]


ODD = st.one_of(
    st.integers(-2, 200), st.sampled_from([1 << 40, 1 << 63, 1 << 70, True, 0.5, None, "", "bad_quoting", [], [1], {}])
)


@settings(max_examples=300)
@given(chance=st.data())
def test_a_range_that_was_altered_is_refused_or_is_read(path: Path, chance: st.DataObject) -> None:
    with Reader(path, 1000, block_bytes=1002) as reader:
        ranges = list(reader.ranges())
        blocks = list(reader.blocks(["a"]))
        content = json.loads(json.dumps([found.encode() for found in ranges]))
        altered = copy.deepcopy(chance.draw(st.sampled_from(content)))
        for _ in range(chance.draw(st.integers(1, 2))):
            way = chance.draw(st.sampled_from(leaves(altered)))
            value = copy.deepcopy(chance.draw(ODD))
            if not way:
                altered = value
                break
            inner = altered
            for step in way[:-1]:
                inner = inner[step]
            inner[way[-1]] = value
        try:
            block = reader.read(Range.decode(altered), ["a"])
        except (ValueError, TypeError, InputError):
            return
        # What a range says of broken records nobody else knows; what it says of good ones is looked at.
        assert block.records.column(0).to_pylist() == blocks[0].records.column(0).to_pylist() or block.rejects
