"""A column's cells become what the placeholder takes; a cell that is no such value costs its own record alone."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.record import Feed
from worker.feeds import DTYPES, convert


def cells(*values: bytes) -> pa.Array:
    return pa.array(values, pa.binary())


def feed(dtype: str, shape: tuple[int, ...] | None = None) -> Feed:
    return Feed("x", "x", dtype, shape)


def test_strings_are_the_bytes_of_the_file() -> None:
    array, rejects = convert(feed("string"), cells(b"caf\xe9", b"", b"a\x00b"))
    assert list(array) == [b"caf\xe9", b"", b"a\x00b"]
    assert rejects == []


@pytest.mark.parametrize("dtype", sorted(DTYPES - {"string", "bool"}))
def test_every_numeric_dtype(dtype: str) -> None:
    array, rejects = convert(feed(dtype), cells(b"1", b" 2 ", b"100"))
    assert array.dtype == np.dtype(dtype)
    assert list(array) == [1, 2, 100]
    assert rejects == []


def test_booleans() -> None:
    array, rejects = convert(feed("bool"), cells(b"true", b"0", b"1", b"False", b"maybe"))
    assert list(array[:4]) == [True, False, True, False]
    assert [(reject.row, reject.code) for reject in rejects] == [(4, "bad_value")]


def test_shapes() -> None:
    assert convert(feed("int32"), cells(b"1", b"2"))[0].shape == (2,)
    assert convert(feed("int32", (-1,)), cells(b"1", b"2"))[0].shape == (2,)
    assert convert(feed("int32", (-1, 1)), cells(b"1", b"2"))[0].shape == (2, 1)


def test_each_bad_cell_is_a_reject_that_says_why() -> None:
    _, rejects = convert(feed("int8"), cells(b"1", b"abc", b"", b"  ", b"128", b"1.5", b"\xff", b"-128"))
    assert [(reject.row, reject.code) for reject in rejects] == [
        (1, "bad_value"),
        (2, "empty_cell"),
        (3, "empty_cell"),
        (4, "out_of_range"),
        (5, "bad_value"),
        (6, "bad_value"),
    ]
    assert rejects[0].detail == "column 'x': 'abc' is not int8"


@given(st.lists(st.one_of(st.integers(-(2**31), 2**31 - 1), st.text(max_size=5)), max_size=60))
def test_a_bad_cell_never_disturbs_its_neighbours(values: list[int | str]) -> None:
    text = [str(value).encode() for value in values]
    array, rejects = convert(feed("int32"), pa.array(text, pa.binary()))
    bad = {reject.row for reject in rejects}
    assert len(array) == len(values)
    for row, value in enumerate(values):
        if isinstance(value, int):
            assert row not in bad
            assert array[row] == value
