"""The scores file is CSV that anybody reads back as it was: Python's csv module is the judge."""

import csv
import io

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from formats.csv.lines import format_columns, format_rows

VALUES = st.lists(
    st.binary(max_size=12) | st.sampled_from([b'"', b",", b"\n", b"\r\n", b'""', b"a,b", "é한".encode()]), max_size=30
)


def parse(data: bytes) -> list[list[bytes]]:
    return [
        [field.encode("latin-1") for field in row]
        for row in csv.reader(io.StringIO(data.decode("latin-1"), newline=""))
    ]


@given(VALUES)
def test_any_bytes_come_back(values: list[bytes]) -> None:
    numbers = np.arange(len(values), dtype=np.int64)
    data = bytes(format_columns([pa.array(numbers), pa.array(values, pa.binary()), pa.array(values, pa.binary())]))
    assert parse(data) == [[str(n).encode(), value, value] for n, value in zip(numbers, values, strict=True)]
    assert data == format_rows([n, value, value] for n, value in zip(numbers, values, strict=True))


@given(VALUES, st.lists(st.floats(width=32, allow_nan=False), min_size=30, max_size=30))
def test_a_value_that_needs_quotes_changes_no_other(values: list[bytes], scores: list[float]) -> None:
    """The scores file's bytes don't depend on what else is in the batch."""
    ids, floats = pa.array(values, pa.binary()), pa.array(np.array(scores[: len(values)], np.float32))
    each = [bytes(format_columns([ids.slice(row, 1), floats.slice(row, 1)])) for row in range(len(values))]
    assert bytes(format_columns([ids, floats])) == b"".join(each)


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=30))
def test_a_float_reads_back_as_the_same_bits(values: list[float]) -> None:
    scores = np.array(values, np.float32)
    data = bytes(format_columns([pa.array([b"id"] * len(values), pa.binary()), pa.array(scores)]))
    assert np.array([row[1] for row in parse(data)], np.float32).tobytes() == scores.tobytes()


def test_slices_format_their_own_rows_alone() -> None:
    ids = pa.array([b"a", b"b,", b"c"], pa.binary())
    assert bytes(format_columns([ids.slice(1, 1), pa.array([1.5])])) == b'"b,",1.5\n'
