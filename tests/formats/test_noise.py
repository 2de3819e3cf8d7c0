"""Random bytes: no crash, no hang, and no record that is lost, doubled or shifted."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
