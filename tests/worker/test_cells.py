"""A column's cells become what the placeholder takes; a cell that is no such value costs its own record alone."""

import re
import time
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphs.feeds import Feed
from graphs.values import is_value
from jobs.batch import RowReject
from worker.cells import DTYPES, Cells, numpy_dtype
from worker.feeds import rows_of

PLAIN = sorted(DTYPES - {"string", "bfloat16", "complex64", "complex128"})  # what NumPy and Python know by themselves


def cells(*values: bytes) -> pa.Array:
    return pa.array(values, pa.binary())


def feed(dtype: str, shape: tuple[int, ...] | None = None) -> Feed:
    return Feed("x", ("x",), dtype, shape)


def convert(feed: Feed, column: pa.Array) -> tuple[Cells, list[RowReject]]:
    return rows_of(feed, {"x": column})


def test_strings_are_the_bytes_of_the_file() -> None:
    array, rejects = convert(feed("string"), cells(b"caf\xe9", b"", b"a\x00b"))
    assert list(array) == [b"caf\xe9", b"", b"a\x00b"]
    assert rejects == []


@pytest.mark.parametrize("dtype", sorted(DTYPES - {"string", "bool"}))
def test_every_numeric_dtype(dtype: str) -> None:
    array, rejects = convert(feed(dtype), cells(b"1", b" 2 ", b"100"))
    assert array.dtype == numpy_dtype(dtype)
    assert list(array) == [1, 2, 100]
    assert rejects == []


def test_booleans() -> None:
    array, rejects = convert(feed("bool"), cells(b"true", b"0", b"1", b"False", b"maybe"))
    assert list(array[:4]) == [True, False, True, False]
    assert [(reject.row, reject.code) for reject in rejects] == [(4, "bad_value")]


def test_complex_numbers_and_those_of_few_bits() -> None:
    array, rejects = convert(feed("complex64"), cells(b"1+2j", b" -3 ", b"j", b"", b"2+i"))
    assert list(array[:3]) == [1 + 2j, -3, 1j]
    assert [(reject.row, reject.code) for reject in rejects] == [(3, "empty_cell"), (4, "bad_value")]
    array, rejects = convert(feed("complex64"), cells(b"1_0", b"1e39", b"1-1e39j", b"inf+1j", b"2"))
    assert list(array) == [0, 0, 0, complex("inf+1j"), 2]
    assert [(reject.row, reject.code) for reject in rejects] == [
        (0, "bad_value"),
        (1, "out_of_range"),
        (2, "out_of_range"),
    ]
    array, rejects = convert(feed("bfloat16"), cells(b"1.0039", b"3e38", b"4e38", b"x"))
    assert [float(value) for value in array[:2]] == [1.0, float(numpy_dtype("bfloat16").type(3e38))]
    assert [(reject.row, reject.code) for reject in rejects] == [(2, "out_of_range"), (3, "bad_value")]


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


def value_of(text: str, dtype: str) -> object:
    """What the cell is to be fed as, by Python's exact arithmetic; the reject's code if it is no such value."""
    stripped = text.strip()
    if not stripped:
        return "empty_cell"
    kind = np.dtype(dtype).kind
    if kind == "b" and stripped.lower() in ("true", "false"):
        return stripped.lower() == "true"
    if kind in "iu" and re.fullmatch("[+-]?0[xX][0-9a-fA-F]+", stripped):
        exact = Fraction(int(stripped, 16))
    elif kind == "f" and re.fullmatch("[+-]?(inf|infinity|nan)", stripped.lower()):
        return np.dtype(dtype).type(stripped)
    elif re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", stripped):
        exact = Fraction(stripped.replace(".e", ".0e").replace(".E", ".0E").removesuffix("."))
    else:
        return "bad_value"
    if kind == "f":
        with np.errstate(over="ignore"):
            value = np.array(stripped, dtype="U").astype("float64" if dtype == "float16" else dtype).astype(dtype)[()]
        return value if np.isfinite(value) else "out_of_range"
    if exact.denominator != 1:
        return "bad_value"
    low, high = (0, 1) if kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return np.dtype(dtype).type(int(exact)) if low <= exact <= high else "out_of_range"


written = st.one_of(
    st.text("0123456789+-.eE_xX afin\u0663", max_size=6),
    st.integers(-(2**65), 2**65).map(str),
    st.tuples(st.integers(-300, 300), st.integers(-3, 40)).map(lambda pair: f"{pair[0]}e{pair[1]}"),
    st.floats(allow_nan=False).map(str),
    st.decimals(-300, 300, places=1).map(str),
)


short = st.tuples(
    st.integers(-(10**9), 10**9), st.sampled_from(["{}.0", "{}", "{}e3", "{}e-3", "{}.", "{}.5", "{}e-300"])
)


@settings(max_examples=300, deadline=None)
@given(st.lists(short.map(lambda pair: pair[1].format(pair[0])), min_size=1, max_size=8))
def test_short_numbers_with_a_point_or_an_exponent_are_whole_only_if_they_are(texts: list[str]) -> None:
    array, rejects = convert(feed("int64"), cells(*(text.encode() for text in texts)))
    exact = [Fraction(text.removesuffix(".")) for text in texts]
    assert [reject.row for reject in rejects] == [row for row, value in enumerate(exact) if value.denominator != 1]
    assert array.tolist() == [int(value) if value.denominator == 1 else 0 for value in exact]


@settings(max_examples=400, deadline=None)
@given(st.lists(written, min_size=1, max_size=8), st.sampled_from(PLAIN))
@example(["1e39", "inf", "-inf", "1e400"], "float32")
@example(["70000", "65504", "1e-9"], "float16")
@example(["0xFFFFFFFF", "-0x1", "0x7fffffff"], "int32")
@example(["9007199254740993.0", "9223372036854775807", "9223372036854775808", "+-7"], "int64")
@example(["3.0", "1e3", "1e-400", "0e5"], "int32")
@example(["3.000000000000001", "3.0000000000001", "9.1e15", "9007199254740993"], "int64")
@example(["1e-9", "3.0", "-0.0"], "uint8")
@example(["18446744073709551615.0", "18446744073709551616", "-0", "-1", "1e19"], "uint64")
def test_a_cell_is_fed_as_the_value_it_says_whatever_its_neighbours_are(texts: list[str], dtype: str) -> None:
    wanted = [value_of(text, dtype) for text in texts]
    array, rejects = convert(feed(dtype), cells(*(text.encode() for text in texts)))
    codes = {reject.row: reject.code for reject in rejects}
    assert array.dtype == np.dtype(dtype)
    assert [reject.row for reject in rejects] == sorted(codes)
    for row, value in enumerate(wanted):
        if isinstance(value, str):
            assert codes.get(row) == value, texts[row]
        else:
            assert row not in codes, texts[row]
            np.testing.assert_array_equal(array[row], value)
        alone, problem = convert(feed(dtype), cells(texts[row].encode()))
        assert [reject.code for reject in problem] == ([value] if isinstance(value, str) else [])
        np.testing.assert_array_equal(alone[0], array[row])
        assert is_value(dtype, texts[row]) != isinstance(value, str), "who enqueues says the same of a --set"


@pytest.mark.parametrize(
    ("dtype", "cell", "code", "reason"),
    [
        ("float32", "1e39", "out_of_range", "'1e39' is out of float32's range"),
        ("float64", "-1e400", "out_of_range", "'-1e400' is out of float64's range"),
        ("float16", "70000", "out_of_range", "'70000' is out of float16's range"),
        ("int32", "3.5", "bad_value", "'3.5' is not int32: not a whole number"),
        ("int32", "1_000", "bad_value", "'1_000' is not int32: a number has no '_' in it"),
        ("float32", "1,000.5", "bad_value", "'1,000.5' is not float32: a number has no ',' in it"),
        ("int32", "1 000", "bad_value", "'1 000' is not int32: a number has no blank in it"),
        ("int32", "\u0661\u0662", "bad_value", "'\u0661\u0662' is not int32: its digits are not ASCII"),
        ("int32", "nan", "bad_value", "'nan' is not int32"),
        ("float32", "0x10", "bad_value", "'0x10' is not float32"),
        ("uint8", "300", "out_of_range", "'300' is out of uint8's range, 0 to 255"),
        ("uint8", "-1", "out_of_range", "'-1' is out of uint8's range, 0 to 255"),
        ("int32", "0xFFFFFFFF", "out_of_range", "'0xFFFFFFFF' is out of int32's range, -2147483648 to 2147483647"),
        ("bool", "2", "out_of_range", "'2' is out of bool's range, 0 to 1"),
        ("int8", "1\x1b[2J", "bad_value", "'1\\x1b[2J' is not int8"),
    ],
)
def test_the_reason_of_a_reject_is_true(dtype: str, cell: str, code: str, reason: str) -> None:
    _, (reject,) = convert(feed(dtype), cells(b"1", cell.encode(), b"0"))
    assert (reject.row, reject.code, reject.detail) == (1, code, f"column 'x': {reason}")


def test_a_column_of_whole_numbers_with_a_point_is_read_as_fast_as_arrow_does() -> None:
    column = cells(*(b"%d.0" % number for number in range(20_000)))
    start = time.process_time()
    array, rejects = convert(feed("int32"), column)
    assert time.process_time() - start < 0.2  # one by one it takes a second
    assert (array.tolist(), rejects) == (list(range(20_000)), [])


def test_a_number_with_a_huge_exponent_costs_no_time() -> None:
    long = (b"0." + b"0" * 5000 + b"1e5001", b"1e" + b"9" * 9000)
    column = cells(b"1e999999999999", b"0e999999999999", b"1e-999999999999", *long)
    array, rejects = convert(feed("int8"), column)
    assert array.tolist() == [0, 0, 0, 1, 0]
    assert [(reject.row, reject.code) for reject in rejects] == [
        (0, "out_of_range"),
        (2, "bad_value"),
        (4, "out_of_range"),
    ]
