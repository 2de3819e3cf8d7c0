"""Names in a graph: what a node reads from, and what may be fetched."""

import pytest

from graphs.names import is_control, node_of, renamed, short, tensor_of


@pytest.mark.parametrize(
    ("source", "node"),
    [
        ("score", "score"),
        ("score:0", "score"),
        ("scope/score:1", "scope/score"),
        ("^scope/check", "scope/check"),
        ("split:output:1", "split"),  # as a function's body writes it
        ("", ""),
    ],
)
def test_the_node_of_an_input(source: str, node: str) -> None:
    assert node_of(source) == node
    assert is_control(source) == source.startswith("^")


@pytest.mark.parametrize(
    ("name", "tensor"),
    [("score", "score:0"), ("score:0", "score:0"), ("a/b/score:12", "a/b/score:12"), ("score:01", "score:1")],
)
def test_what_names_a_tensor(name: str, tensor: str) -> None:
    assert tensor_of(name) == tensor


@pytest.mark.parametrize("name", ["", "^score", "score:", "score:x", "score:+0", "score:-1", ":0", "a:b:c", "a:0:0"])
def test_what_names_none(name: str) -> None:
    assert tensor_of(name) is None


def test_the_first_output_needs_no_number() -> None:
    assert [short(name) for name in ("score", "score:0", "score:1")] == ["score", "score", "score:1"]


def test_a_renamed_input_stays_of_its_kind() -> None:
    assert [renamed(source, {"a": "b"}) for source in ("a", "a:1", "^a", "a:out:0", "c:1")] == [
        "b",
        "b:1",
        "^b",
        "b:out:0",
        "c:1",
    ]
