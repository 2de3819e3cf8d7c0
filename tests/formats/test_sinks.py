"""What every sink has to do, whatever its format: the next one joins SINKS."""

import re
from io import BytesIO

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.csv.sink import CsvSink
from formats.sink import Sink
from tests.formats.toys import BarsSink

SINKS: dict[str, Sink] = {"csv": CsvSink(), "bars": BarsSink()}
ROWS = st.lists(
    st.tuples(st.binary(max_size=8) | st.sampled_from([b'"', b",\n", b"|"]), st.floats(width=32)), max_size=9
)
each_sink = pytest.mark.parametrize("name", SINKS)


def columns(rows: list[tuple[bytes, float]]) -> list[pa.Array]:
    numbers = pa.array(np.arange(1, len(rows) + 1))
    texts, scores = pa.array([text for text, _ in rows], pa.binary()), pa.array([score for _, score in rows])
    return [numbers, texts, scores.cast(pa.float32())]


def file_of(sink: Sink, batches: list[list[tuple[bytes, float]]]) -> bytes:
    return b"".join(
        [sink.header(["record", "text", "score"]), *(bytes(sink.encode(columns(rows))) for rows in batches)]
    )


@each_sink
@given(batches=st.lists(ROWS, max_size=4))
def test_rows_are_found_again_with_their_values(name: str, batches: list[list[tuple[bytes, float]]]) -> None:
    sink = SINKS[name]
    content = file_of(sink, batches)
    head, *found = sink.rows(BytesIO(content))
    assert b"".join([head, *found]) == content
    assert sink.fields(head) == [b"record", b"text", b"score"]
    expected = [(number, text) for rows in batches for number, (text, _) in enumerate(rows, 1)]
    assert [(int(number), text) for number, text, _ in map(sink.fields, found)] == expected


@given(cells=st.lists(st.sampled_from([b"", b"", b"", b"", b"", b"a", b'"', b",", b"\n\xff"]) | st.none(), min_size=1))
def test_a_column_that_is_mostly_empty_is_quoted_as_any_other(cells: list[bytes | None]) -> None:
    written = bytes(CsvSink().encode([pa.array([b"x"] * len(cells), pa.binary()), pa.array(cells, pa.binary())]))
    quoted = [b'"%b"' % cell.replace(b'"', b'""') if cell and re.search(rb'[",\n]', cell) else cell for cell in cells]
    assert written == b"".join(b"x,%b\n" % (cell or b"") for cell in quoted)


@each_sink
@given(rows=ROWS, cut=st.integers(0, 9))
def test_the_bytes_of_a_row_depend_on_no_other(name: str, rows: list[tuple[bytes, float]], cut: int) -> None:
    """However a file is cut into batches, and whoever encodes them, it is the same."""
    sink, arrays = SINKS[name], columns(rows)
    halves = [sink.encode([array[:cut] for array in arrays]), sink.encode([array[cut:] for array in arrays])]
    assert b"".join(map(bytes, halves)) == bytes(sink.encode(arrays))


@each_sink
@given(rows=ROWS)
def test_a_row_that_is_renumbered_is_that_of_the_other_record(name: str, rows: list[tuple[bytes, float]]) -> None:
    sink = SINKS[name]
    [number, *rest] = columns(rows)
    moved = [pa.array(np.asarray(number) + 1000), *rest]
    for row, other in zip(
        *(sink.rows(BytesIO(bytes(sink.encode(each)))) for each in ([number, *rest], moved)), strict=True
    ):
        assert sink.renumber(row, int(sink.fields(other)[0])) == other


@each_sink
@given(row=st.binary(max_size=40))
def test_however_broken_a_row_is_it_has_a_field(name: str, row: bytes) -> None:
    """`verify` looks into rows that somebody altered."""
    assert len(SINKS[name].fields(row)) >= 1
