"""Texts that stand for an empty cell (`--null`), and texts that are not UTF-8 where that is wanted."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.example.example_pb2 import Example

from graphs.feeds import Feature, Feed, Form
from jobs.record import Job
from worker.feeds import rows_of, to_arrays

NULL = ("-", "NULL")


def cells(*values: bytes) -> pa.Array:
    return pa.array(values, pa.binary())


def codes(feed: Feed, column: pa.Array) -> list[tuple[int, str]]:
    return [(reject.row, reject.code) for reject in rows_of(feed, {"x": column})[1]]


def test_a_number_is_filled_or_rejected_as_if_the_cell_were_empty() -> None:
    column = cells(b"1", b"NULL", b"-", b"-1", b"null", b" NULL", b"")
    feed = Feed("x", ("x",), "int64", None, null=NULL)
    assert codes(feed, column) == [
        (1, "empty_cell"), (2, "empty_cell"), (4, "bad_value"), (5, "bad_value"), (6, "empty_cell"),
    ]  # fmt: skip
    filled = replace(feed, fill="7")
    assert rows_of(filled, {"x": column})[0].tolist() == [1, 7, 7, -1, 0, 0, 7]
    assert codes(filled, column) == [(4, "bad_value"), (5, "bad_value")], "just that text, as it is written"


def test_a_text_is_the_empty_one_and_a_list_has_nothing_in_it() -> None:
    text = Feed("x", ("x",), "string", None, null=("\udce9", *NULL))
    assert rows_of(text, {"x": cells(b"NULL", b"a NULL", b"\xe9", b"")})[0].tolist() == [b"", b"a NULL", b"", b""]
    numbers = Feed("x", ("x",), "int64", (-1, 2), "list", pad="9", null=NULL)
    assert rows_of(numbers, {"x": cells(b"NULL", b"[1]", b"2 3")})[0].tolist() == [[9, 9], [1, 9], [2, 3]]
    assert codes(numbers, cells(b"[NULL]", b"[]")) == [(0, "bad_value")], "a value of a list is no cell"


def test_each_of_several_columns_and_of_a_tf_examples_features() -> None:
    columns = {"a": cells(b"1", b"-"), "b": cells(b"-", b"4")}
    stack = Feed("x", ("a", "b"), "float32", (-1, 2), "stack", fill="0", null=NULL)
    assert rows_of(stack, columns)[0].tolist() == [[1, 0], [0, 4]]
    features = (Feature("a", "a", "int64", ()), Feature("b", "b", "string", ()))
    example = Feed("x", ("a", "b"), "string", (-1,), "example", features=features, null=NULL)
    array, rejects = rows_of(example, columns)
    parsed = [Example.FromString(each).features.feature for each in array]
    assert [sorted(each) for each in parsed] == [["a"], ["b"]], "absent, and the graph knows the default"
    assert rejects == []


@given(
    st.lists(st.sampled_from([b"", b"NULL", b"N", b"NULLN", b"1", b"3.0", b"x", b"\xff"]), min_size=1, max_size=9),
    st.sampled_from(["string", "int8", "float32", "bool", "complex64"]),
    st.sampled_from([None, "1"]),
    st.integers(0, 3),
)
def test_it_is_what_an_empty_cell_gives_whatever_the_neighbours_are(
    values: list[bytes], dtype: str, fill: str | None, skip: int
) -> None:
    feed = Feed("x", ("x",), dtype, None, fill=fill)
    column = cells(*[b"NULL"] * skip, *values).slice(skip)
    array, rejects = rows_of(replace(feed, null=("N", "NULL")), {"x": column})
    wanted, reasons = rows_of(feed, {"x": cells(*(b"" if value in (b"N", b"NULL") else value for value in values))})
    np.testing.assert_array_equal(array, wanted)
    assert rejects == reasons


FORMS: list[Form] = ["cell", "stack", "list", "ragged", "example"]


@pytest.mark.parametrize("form", FORMS)
def test_a_text_that_is_not_utf8_is_a_reject_that_says_which_byte(form: Form) -> None:
    features = (Feature("x", "x", "string", ()),)
    feed = Feed("p", ("x",), "string", (-1, 1), form, pad="", features=features, strict=True)
    values = [b"fine", "\u00fc".encode(), b"caf\xe9", b"\xc3", b"a" * 2000 + b"\xff\xfe", b""]
    _, rejects = rows_of(feed, {"x": cells(*values)})
    assert [(reject.row, reject.code, reject.detail) for reject in rejects] == [
        (2, "bad_encoding", "column 'x' is not UTF-8: its byte 4 is 0xe9"),
        (3, "bad_encoding", "column 'x' is not UTF-8: its byte 1 is 0xc3"),
        (4, "bad_encoding", "column 'x' is not UTF-8: its byte 2,001 is 0xff"),
    ]
    assert [r for r in rows_of(replace(feed, strict=False), {"x": cells(*values)})[1] if r.code == "bad_encoding"] == []


def test_of_a_record_with_several_faults_the_first_one_counts() -> None:
    feeds = (
        Feed("text", ("text",), "string", (-1,), null=("\udce9",), strict=True),
        Feed("tags", ("tags",), "string", (-1, 1), "list", pad="", strict=True),
        Feed("n", ("n",), "int32", (-1,)),
    )
    job = Job("in.csv", 1, 1, "", feeds, (), None, (), 1)
    records = pa.record_batch(
        [cells(b"a", b"\xff", b"c", b"\xe9"), cells(b"t", b"[", b"[\xff", b"t"), cells(b"x", b"y", b"3", b"4")],
        names=["text", "tags", "n"],
    )
    arrays, rows, bad = to_arrays(job, records)
    assert {row: (reject.code, reject.detail) for row, reject in bad.items()} == {
        0: ("bad_value", "column 'n': 'x' is not int32"),
        1: ("bad_encoding", "column 'text' is not UTF-8: its byte 1 is 0xff"),
        2: ("bad_encoding", "column 'tags' is not UTF-8: its byte 2 is 0xff"),
    }
    assert (rows.tolist(), [array.tolist() for array in arrays]) == ([3], [[b""], [[b"t"]], [4]])
    again = Job.decode(job.encode())
    assert (again, again.id) == (job, job.id)
    assert json.loads(job.encode())["feeds"][0]["null"] == ["\udce9"]
