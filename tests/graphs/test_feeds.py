"""A job's record says what is fed in JSON that every later version reads, and says simple things as it always did."""

import json

from hypothesis import given
from hypothesis import strategies as st

from graphs.feeds import Constant, Feature, Feed, Fetch

names = st.text(max_size=6)
shapes = st.none() | st.lists(st.integers(-1, 9), max_size=4).map(tuple)
features = st.builds(Feature, names, names, st.sampled_from(["float32", "string"]), shapes, st.booleans())
feeds = st.builds(
    Feed,
    names,
    st.lists(names, min_size=1, max_size=3).map(tuple),
    st.sampled_from(["string", "int64"]),
    shapes,
    st.sampled_from(["cell", "stack", "list", "example", "sparse", "ragged"]),
    st.lists(names, max_size=2).map(tuple),
    st.booleans(),
    names,
    st.none() | names,
    st.booleans(),
    st.booleans(),
    st.lists(features, max_size=2).map(tuple),
    st.lists(names, max_size=2).map(tuple),
    st.booleans(),
)


@given(feeds)
def test_a_feed_comes_back(feed: Feed) -> None:
    assert Feed.from_dict(json.loads(json.dumps(feed.to_dict()))) == feed


@given(st.builds(Fetch, names, names, st.none() | st.integers(0), st.booleans()))
def test_a_fetch_comes_back(fetch: Fetch) -> None:
    assert Fetch.from_dict(json.loads(json.dumps(fetch.to_dict()))) == fetch


@given(st.builds(Constant, names, names, names))
def test_a_constant_comes_back(constant: Constant) -> None:
    assert Constant.from_dict(json.loads(json.dumps(constant.to_dict()))) == constant


def test_a_column_a_placeholder_is_written_as_before_there_was_anything_else() -> None:
    """Or the same file, enqueued again after an upgrade, would be another job, and an older worker would leave it."""
    plain = Feed("text", ("body",), "string", (-1,))
    assert plain.to_dict() == {"placeholder": "text", "column": "body", "dtype": "string", "shape": (-1,)}
    assert Feed("x", ("x",), "int32", None).to_dict()["shape"] is None
    assert plain.is_plain
    assert not Feed("x", ("a", "b"), "int32", (-1, 2), "stack").is_plain
    assert not Feed("x", ("a",), "int32", (-1,), fill="0").is_plain
    assert not Feed("x", ("a",), "int32", (-1,), null=("NULL",)).is_plain
    assert not Feed("x", ("a",), "string", (-1,), strict=True).is_plain


def test_texts_are_the_cells_that_go_into_the_graph_as_they_are() -> None:
    two = (Feature("n", "n", "int64"), Feature("word", "w", "string"))
    assert Feed("x", ("a", "b"), "string", (-1, 2), "stack").text_columns == ("a", "b")
    assert Feed("x", ("a",), "string", None, "list").text_columns == ("a",)
    assert Feed("x", ("n", "w"), "string", (-1,), "example", features=two).text_columns == ("w",)
    assert Feed("x", ("a",), "string", (-1,), base64=True).text_columns == ()
    assert Feed("x", ("a",), "int32", (-1,)).text_columns == ()


def test_what_a_newer_version_adds_is_passed_over() -> None:
    content = {"placeholder": "x", "column": "a", "dtype": "int32", "shape": [-1], "later": 1}
    assert Feed.from_dict(content) == Feed("x", ("a",), "int32", (-1,))
