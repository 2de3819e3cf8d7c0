"""The words for feeding and fetching: what is typed is what is meant, and what is written back reads the same."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.errors import GraphError
from graphs.feeding import fit
from graphs.wanted_inputs import Want
from graphs.words import NOTHING, Item, Output, Words, feed_word, of_job, output_word, read, read_file

names = st.text(min_size=1, max_size=8)
items = names.map(Item)


@given(st.text(st.characters(exclude_characters="=:"), min_size=1, max_size=8), st.lists(items, min_size=1, max_size=4))
def test_any_columns_names_can_be_said(placeholder: str, columns: list[Item]) -> None:
    """A header may have any text in it: commas, stars, quotes, line breaks."""
    assert read([feed_word(placeholder, columns)]).feeds == {placeholder: tuple(columns)}


@given(names, st.booleans())
def test_a_list_and_base64_are_said_of_any_column(name: str, is_list: bool) -> None:
    item = Item(name, is_list=is_list, is_base64=not is_list)
    assert read([feed_word("x", [item])]).feeds == {"x": (item,)}


@pytest.mark.parametrize(
    ("word", "items"),
    [
        ("x=a", [Item("a")]),
        ("x=a,b,c", [Item("a"), Item("b"), Item("c")]),
        ("x=f*", [Item("f*", is_pattern=True)]),
        ("x=a, w*", [Item("a"), Item("w*", is_pattern=True)]),
        ('x="a,b","f*"', [Item("a,b"), Item("f*")]),
        ("x=ids[]", [Item("ids", is_list=True)]),
        ('x="ids[]"[]', [Item("ids[]", is_list=True)]),
        ("x=image:base64", [Item("image", is_base64=True)]),
        ("x=a=b", [Item("a=b")]),
        ("InputData/X=w00", [Item("w00")]),
        ("x:0=a", [Item("a")]),
    ],
)
def test_what_is_typed(word: str, items: list[Item]) -> None:
    [(_, found)] = read([word]).feeds.items()
    assert list(found) == items


@pytest.mark.parametrize("word", ["x", "=a", "x=", "x=,", "x=a,,b", "x=a,", 'x="a', "x=a[],b", "x=a,b:base64"])
def test_what_is_no_feed_is_one_line(word: str) -> None:
    with pytest.raises(GraphError, match="--feed") as caught:
        read([word])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("word", "outputs"),
    [
        ("score", [Output("score", "score")]),
        ("a,b", [Output("a", "a"), Output("b", "b")]),
        ("score:0", [Output("score", "score")]),
        ("spam=scope/Softmax[1]", [Output("spam", "scope/Softmax", 1)]),
        ("scope/Softmax[1]", [Output("scope/Softmax[1]", "scope/Softmax", 1)]),
        ("values=TopK", [Output("values", "TopK")]),
        ("ids=TopK:1", [Output("ids", "TopK:1")]),
        ("x=a,y=b", [Output("x", "a"), Output("y", "b")]),
    ],
)
def test_what_is_fetched(word: str, outputs: list[Output]) -> None:
    assert list(read(outputs=[word]).outputs) == outputs
    assert read(outputs=[output_word(each) for each in outputs]).outputs == tuple(outputs)


@pytest.mark.parametrize("word", ["a[", "a[x]", "=a", "a=", "^a", "a=b=c", "a[-1]"])
def test_what_is_no_fetch_is_one_line(word: str) -> None:
    with pytest.raises(GraphError, match="--fetch"):
        read(outputs=[word])


def test_nothing_is_fed_twice() -> None:
    for feeds, constants in ((["x=a", "x=b"], []), (["x=a"], ["x=1"]), ([], ["x=1", "x=2"])):
        with pytest.raises(GraphError, match="'x' has"):
            read(feeds, constants)


def test_the_file_beside_a_model_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "spam.toml"
    path.write_text(
        'pad = -1\ntruncate = true\n[feed]\nx = "w*"\ny = ["a", "b"]\n"in/z" = "ids[]"\n'
        '[set]\nkeep_prob = 1.0\ntraining = false\n[fetch]\nspam = "Softmax[1]"\n'
    )
    assert read_file(path) == read(
        ["x=w*", "y=a,b", "in/z=ids[]"],
        ["keep_prob=1.0", "training=false"],
        ["spam=Softmax[1]"],
        pad="-1",
        truncate=True,
    )
    path.write_text('null = ["NULL", -999]\nstrict_encoding = true\n')
    assert read_file(path) == read(null=["NULL", "-999"], strict_encoding=True)
    path.write_text('null = "n/a"\n')
    assert read_file(path).null == ("n/a",)
    path.write_text('fetch = ["a", "b"]\n')
    assert read_file(path).outputs == (Output("a", "a"), Output("b", "b"))


@pytest.mark.parametrize(
    "text",
    [
        "strict_encoding = 'no'",
        "[null]\nx = 'NULL'",
        "null = [['NULL']]",
        "feeds = 1",
        "[feed]\nx = 1",
        "[feed]\nx = [1]",
        "feed = 3",
        "x",
        "[feed]\nx = ''",
        "[set]\n[feed]\n'' = 'a'",
    ],
)
def test_a_file_that_says_something_else_is_one_line_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "spam.toml"
    path.write_text(text)
    with pytest.raises(GraphError, match=r"spam\.toml") as caught:
        read_file(path)
    assert "\n" not in str(caught.value)


def test_the_command_line_wins_over_the_file() -> None:
    beside = read(["x=a", "y=b"], ["k=1"], ["out"], pad="7")
    assert read(["y=c"]).over(beside) == read(["x=a", "y=c"], ["k=1"], ["out"], pad="7")
    assert read(["k=c"]).over(beside) == read(["x=a", "y=b", "k=c"], [], ["out"], pad="7")
    assert read([], ["x=2"]).over(beside) == read(["y=b"], ["k=1", "x=2"], ["out"], pad="7")
    assert read([], [], ["z"], pad="8").over(beside) == read(["x=a", "y=b"], ["k=1"], ["z"], pad="8")
    assert Words().over(beside) == beside == beside.over(NOTHING)
    strict = read(null=["NULL"], strict_encoding=True)
    assert read().over(strict) == strict == strict.over(NOTHING)
    assert read(null=["-"], strict_encoding=False).over(strict) == read(null=["-"], strict_encoding=False)


def test_what_is_said_of_cells_is_said_of_every_feed_and_comes_back_for_a_retry() -> None:
    wants = [Want("text", "string", (-1,), tensors=("text",)), Want("x", "float32", (-1,), tensors=("x",))]
    fed = fit(wants, read(null=["NULL", "", "-", "NULL"], strict_encoding=True), ["text", "x"])
    assert [(feed.null, feed.strict) for feed in fed.feeds] == [(("-", "NULL"), True), (("-", "NULL"), False)]
    again = of_job(fed.feeds, fed.constants, ())
    assert fit(wants, again, ["text", "x"]) == fed
    assert fit(wants, read(null=["-", "NULL"], strict_encoding=True), ["text", "x"]) == fed, "the order says nothing"
    assert (
        fit(wants, read(null=[""]).over(again), ["text", "x"]).feeds[1] == fit(wants, NOTHING, ["text", "x"]).feeds[1]
    )


def test_what_no_file_can_have_is_no_null() -> None:
    with pytest.raises(GraphError, match="--null"):
        read(null=["\ud800"])
    assert read(null=["\udce9"]).null == ("\udce9",), "a byte that is not UTF-8, as the command line has it"
