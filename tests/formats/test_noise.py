"""Random bytes: no crash, no hang, and no record that is lost, doubled or shifted."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.csv.reader import Reader
from tests.formats.noise import WORDS, check_input, noise, random_dialect


@settings(max_examples=100, deadline=None)
@given(content=st.lists(st.sampled_from(WORDS), max_size=40).map(b"".join), chance=st.randoms())
def test_whatever_is_in_a_file_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, chance: random.Random
) -> None:
    check_input(content, random_dialect(chance), chance, tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("inputs", [500, pytest.param(50_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_random_bytes_are_read_or_refused(tmp_path: Path, inputs: int) -> None:
    found = noise(1, inputs, tmp_path)
    assert min(found["read"], found["refused"]) > inputs // 10


@pytest.mark.parametrize("bom", [b"\xef", b"\xef\xbb", b"\xef\xbb\xbf"])
def test_a_block_that_begins_like_a_file_keeps_what_looks_like_its_mark(tmp_path: Path, bom: bytes) -> None:
    """Half of a byte order mark, alone in the last block, was an error of Arrow's; a whole one is dropped by it."""
    path = tmp_path / "in.csv"
    for lines in (b"", b"1\n2\n"):
        path.write_bytes(b"a\n" + lines + bom)
        with Reader(path, 1 << 20, block_bytes=1) as reader:
            values = [value for block in reader.blocks(["a"]) for value in block.records.column(0).to_pylist()]
        assert values == [*lines.split(), bom]
