"""Lists in cells: what JSON and blanks say is what is fed, whatever the neighbours are written like."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.list_cells import Lists, pad, read


def cells(*values: str | bytes) -> pa.Array:
    return pa.array([value.encode() if isinstance(value, str) else value for value in values], pa.binary())


def rows(found: Lists) -> list[list[object]]:
    return [found.row(row).tolist() for row in range(len(found.lengths))]


written = st.sampled_from(["json", "compact", "blanks", "tabs"])
ways = {
    "json": lambda numbers: json.dumps(numbers),
    "compact": lambda numbers: json.dumps(numbers, separators=(",", ":")),
    "blanks": lambda numbers: " ".join(map(str, numbers)),
    "tabs": lambda numbers: " \t".join(map(str, numbers)) + " ",
}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5), written), max_size=6))
def test_every_way_of_writing_gives_the_same_numbers(lists: list[tuple[list[int], str]]) -> None:
    found = read("int32", cells(*(ways[way](numbers) for numbers, way in lists)))
    assert rows(found) == [numbers for numbers, _ in lists]
    assert found.problems == []
    assert found.values.dtype == np.int32


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4), max_size=4), st.booleans())
def test_a_whole_number_in_a_list_is_exact_however_it_is_written(lists: list[list[int]], as_json: bool) -> None:
    forms = ("{}.0", "{}e0", "{}", "{}00e-2", "{}.")
    texts = [[forms[place].format(value) for place, value in enumerate(each)] for each in lists]
    found = read("int64", cells(*(f"[{', '.join(each)}]" if as_json else " ".join(each) for each in texts)))
    assert (rows(found), found.problems) == (lists, [])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.text(max_size=4), max_size=4), max_size=5))
def test_texts_in_a_json_array(lists: list[list[str]]) -> None:
    found = read("string", cells(*map(json.dumps, lists)))
    assert rows(found) == [[text.encode("utf-8", "surrogatepass") for text in texts] for texts in lists]


def test_texts_between_blanks() -> None:
    assert rows(read("string", cells("to be  or", "", "[not"))) == [[b"to", b"be", b"or"], [], []]
    assert read("string", cells("[not")).problems[0].code == "bad_value"


@pytest.mark.parametrize(
    ("cell", "code", "said"),
    [
        ("[1, 2", "bad_value", "it is no JSON array"),
        ("[1,, 2]", "bad_value", "it is no JSON array"),
        ("[1, 2,]", "bad_value", "it is no JSON array"),
        ("[1 2]", "bad_value", "value 1 of its list: '1 2' is not int32"),
        ("[[1], [2]]", "bad_value", "it has lists in it"),
        ("[1, null]", "bad_value", "value 2 of its list: 'null' is not int32"),
        ('[1, {"a": 2}]', "bad_value", "it has"),
        ("1 x 3", "bad_value", "value 2 of its list: 'x' is not int32"),
        ("1,2,3", "bad_value", "value 1 of its list: '1,2,3' is not int32"),
        ("[1, 2.5]", "bad_value", "value 2 of its list: '2.5' is not int32: not a whole number"),
        ("[1, 99999999999]", "out_of_range", "value 2 of its list: '99999999999' is out of int32's range"),
        (b"\xff\xfe", "bad_value", "is not int32"),
        ("[" * 100_000, "bad_value", "it is no JSON array"),
    ],
)
@pytest.mark.parametrize("neighbours", [(), ("1 2",), ("[3]",), ("[]", "4", b"\xff")])
def test_a_malformed_list_costs_its_own_record_alone(
    cell: str | bytes, code: str, said: str, neighbours: tuple[str | bytes, ...]
) -> None:
    found = read("int32", cells(*neighbours, cell))
    [problem] = [each for each in found.problems if each.place == len(neighbours)]
    assert problem.code == code
    assert said in problem.text
    assert len(problem.text) < 300
    good = [each.place for each in found.problems if each.place < len(neighbours)]
    assert good == ([2] if len(neighbours) == 3 else [])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=5), st.integers(1, 5), st.booleans())
def test_padding_fills_the_end_and_tells_or_cuts_what_is_longer(
    lists: list[list[int]], width: int, truncate: bool
) -> None:
    array, problems = pad(read("int64", cells(*map(json.dumps, lists))), width, -1, truncate=truncate)
    assert array.tolist() == [(numbers + [-1] * width)[:width] for numbers in lists]
    long = [row for row, numbers in enumerate(lists) if len(numbers) > width and not truncate]
    assert [(each.place, each.code) for each in problems] == [(row, "wrong_length") for row in long]


def test_nested_arrays_are_read_in_row_major_order() -> None:
    nested = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]
    flat = [1, 2, 3, 4, 5, 6, 7, 8]
    found = read("float32", cells(json.dumps(nested), json.dumps(flat), " ".join(map(str, flat))), (2, 2))
    assert rows(found) == [flat] * 3
    [problem] = read("float32", cells("[[1, 2], [3]]"), (2,)).problems
    assert "its elements are not of shape [2]" in problem.text
    assert read("float32", cells("[[[1], [2]]]"), (2,)).problems
