"""Which columns feed a graph: by the user's words, by the columns' names, or one line that says what to type."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from graphs import messages
from graphs.errors import GraphError
from graphs.feeding import Fed, NoColumnError, fit
from graphs.feeds import Constant, Feature
from graphs.wanted_inputs import Parsed, Want, wants
from graphs.words import NOTHING, Words, of_job, read


def wants_of(build: object) -> list[Want]:
    with v1.Graph().as_default() as graph:
        build()  # type: ignore[operator]
    return wants(messages.parse(graph.as_graph_def().SerializeToString()))


def want(dtype: str, shape: tuple[int, ...] | None, name: str = "x") -> Want:
    return Want(name, dtype, shape, tensors=(name,))


def fitted(found: Want | list[Want], columns: list[str], words: Words = NOTHING, id_column: str | None = None) -> Fed:
    return fit(found if isinstance(found, list) else [found], words, columns, id_column)


def refusal(found: Want | list[Want], columns: list[str], words: Words = NOTHING) -> str:
    with pytest.raises(GraphError) as caught:
        fitted(found, columns, words)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 600, "ten thousand columns are not all told"
    return text


@pytest.mark.parametrize(
    ("shape", "columns", "form", "taken"),
    [
        ((-1,), ["id", "x"], "cell", ("x",)),
        ((-1, 1), ["x"], "cell", ("x",)),
        (None, ["x"], "cell", ("x",)),
        ((-1, 3), ["x_2", "x_0", "other", "x_1"], "stack", ("x_0", "x_1", "x_2")),
        ((-1, 2), ["x[0]", "x[1]"], "stack", ("x[0]", "x[1]")),
        ((-1, 2, 2), ["x_0", "x_1", "x_2", "x_3"], "stack", ("x_0", "x_1", "x_2", "x_3")),
        ((32, 2), ["x_0", "x_1"], "stack", ("x_0", "x_1")),
        ((-1, -1), ["x_0", "x_1"], "stack", ("x_0", "x_1")),
        (None, ["x_0", "x_1"], "stack", ("x_0", "x_1")),
        ((-1, 5), ["x"], "list", ("x",)),
    ],
)
def test_without_a_word_columns_of_its_name_feed_it(
    shape: tuple[int, ...] | None, columns: list[str], form: str, taken: tuple[str, ...]
) -> None:
    [feed] = fitted(want("float32", shape), columns).feeds
    assert (feed.form, feed.columns) == (form, taken)


def test_a_lone_text_takes_the_column_text() -> None:
    assert fitted(want("string", (-1,), "input_7"), ["id", "text"]).feeds[0].columns == ("text",)
    two = [want("string", (-1,), "title"), want("string", (-1,), "body")]
    assert "no column 'body'" in refusal(two, ["title", "text"])
    scalar = [want("string", (-1,), "input_7"), want("string", (), "language")]
    assert fitted(scalar, ["text"], read(constants=["language=de"])).feeds[0].columns == ("text",)


def test_words_say_which_columns() -> None:
    header = ["id", "f10", "f2", "g", "id2"]
    assert fitted(want("float32", (-1, 3)), header, read(["x=g,f*"])).feeds[0].columns == ("g", "f10", "f2")
    assert fitted(want("float32", (-1, -1)), header, read(["x=*"]), "id").feeds[0].columns == ("f10", "f2", "g", "id2")
    assert fitted(want("int64", (-1, -1)), header, read(["x=g[]"], pad="-1")).feeds[0].pad == "-1"
    assert fitted(want("string", (-1,)), header, read(["x=g:base64"])).feeds[0].base64
    star = fitted(want("float32", (-1,)), ["f*"], read(['x="f*"'])).feeds[0]
    assert star.columns == ("f*",)


def test_a_pattern_has_no_other_sign_than_the_star() -> None:
    assert fitted(want("float32", None), ["a[0]", "a[1]", "a0"], read(['x="a[0]"'])).feeds[0].columns == ("a[0]",)
    assert "no column matches 'a?*'" in refusal(want("float32", None), ["ab", "ac"], read(["x=a?*"]))


@pytest.mark.parametrize(
    ("shape", "dtype", "columns", "words", "said"),
    [
        ((-1,), "float32", ["y"], NOTHING, "no column 'x' to feed the graph's placeholder 'x' (--feed x=COLUMN)"),
        ((-1,), "float32", ["x", "x"], NOTHING, "more than one column 'x'"),
        ((-1, 3), "float32", ["y"], NOTHING, "--feed x=A,B,C, f* or COLUMN[]"),
        ((-1, 3), "float32", ["x_0", "x_1"], NOTHING, "takes 3 numbers a record, and there are the columns 'x_0' to"),
        ((-1, 3), "float32", ["a", "b"], read(["x=a,b"]), "takes 3 of them, and 2 columns are to feed it"),
        ((-1,), "float32", ["a", "b"], read(["x=a,b"]), "takes one column, and 2 columns are to feed it"),
        ((-1, -1, 3), "float32", ["a", "b"], read(["x=a,b"]), "takes a multiple of 3"),
        ((-1,), "float32", ["a"], read(["x=a[]"]), "takes one value a record, no list"),
        ((-1, 4), "float32", ["a"], read(["x=a"]), "one column feeds [rows] or [rows, 1]"),
        ((-1,), "float32", ["a"], read(["x=b"]), "no column 'b'"),
        ((-1,), "float32", ["a"], read(["x=b*"]), "no column matches 'b*'"),
        ((-1,), "float32", ["x"], read(["y=x"]), "no input 'y' that the outputs need; there are: 'x'"),
        ((-1,), "float32", ["x"], read([], ["x=1"]), "--set x: it is no scalar"),
        ((), "float32", ["x"], read(["x=x"]), "one value for all records: --set x=VALUE"),
        ((), "float32", ["y"], read([], ["x=abc"]), "'abc' is not float32"),
        ((), "int32", ["y"], read([], ["x=1.5"]), "'1.5' is not int32"),
        ((-1,), "float32", ["a"], read(["x=a:base64"]), "base64 is for strings"),
        ((-1, -1), "int32", ["a"], read(["x=a[]"], pad="z"), "--pad 'z' is not int32"),
        ((-1,), "type 20", ["x"], NOTHING, "no column can feed the placeholder 'x' (type 20)"),
    ],
)
def test_what_does_not_fit_is_one_line(
    shape: tuple[int, ...], dtype: str, columns: list[str], words: Words, said: str
) -> None:
    assert said in refusal(want(dtype, shape), [*columns, *(f"c{number}" for number in range(10_000))], words)


@pytest.mark.parametrize(
    ("name", "dtype", "word"),
    [
        ("keep_prob", "float32", "--set keep_prob=1"),
        ("dropout_keep_prob", "float32", "--set dropout_keep_prob=1"),
        ("dropout_rate", "float32", "--set dropout_rate=0"),
        ("is_training", "bool", "--set is_training=false"),
        ("phase", "bool", "--set phase=false"),
        ("temperature", "float32", "--set temperature=VALUE"),
    ],
)
def test_a_switch_that_nobody_sets_is_an_error_with_the_word_to_type(name: str, dtype: str, word: str) -> None:
    both = [want("float32", (-1,)), want(dtype, (), name)]
    assert refusal(both, ["x"]).endswith(word)
    if not word.endswith("VALUE"):
        fed = fitted(both, ["x"], read(constants=[word.removeprefix("--set ")]))
        assert fed.constants == (Constant(name, dtype, word.partition("=")[2]),)


def test_a_graph_that_only_constants_feed_has_nothing_to_score() -> None:
    assert "no column feeds it" in refusal(want("float32", (), "k"), ["x"], read(constants=["k=1"]))


def test_two_sizes_of_a_batch_do_not_go_together() -> None:
    assert "different numbers of records" in refusal([want("int32", (32,)), want("int32", (16,), "y")], ["x", "y"])


def test_a_placeholder_with_a_default_keeps_it_unless_a_column_has_its_name() -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [None], name="x")
        scale = v1.placeholder_with_default(tf.constant([2.5]), [None], name="scale")
        rate = v1.placeholder_with_default(tf.constant(0.1), [], name="rate")
        tf.identity(x * scale * rate, name="score")

    found = wants_of(build)
    assert [feed.placeholder for feed in fitted(found, ["x", "rate"]).feeds] == ["x"]
    feeds = {feed.placeholder: feed for feed in fitted(found, ["x", "scale"]).feeds}
    assert feeds.keys() == {"x", "scale"}
    assert feeds["scale"].fill == "2.5", "an empty cell has the default"
    assert fitted(found, ["x"], read(constants=["rate=0"])).constants == (Constant("rate", "float32", "0"),)


def test_a_scalar_of_an_old_graph_may_have_any_rank() -> None:
    """Before version 24 a placeholder without a shape was written so."""

    def build() -> None:
        v1.placeholder(tf.float32, [], name="x")

    with v1.Graph().as_default() as graph:
        build()
    graph_def = graph.as_graph_def()
    for version, shape in ((23, None), (24, ())):
        graph_def.versions.producer = version
        [found] = wants(messages.parse(graph_def.SerializeToString()))
        assert found.shape == shape


def test_a_sparse_and_a_ragged_input_are_one_input_each() -> None:
    def build() -> None:
        v1.sparse_placeholder(tf.float32, name="s")
        v1.ragged.placeholder(tf.int64, 1, name="r")
        v1.placeholder(tf.float32, [None], name="other/values")

    found = {each.name: each for each in wants_of(build)}
    assert found.keys() == {"s", "r", "other/values"}
    assert found["s"].tensors == ("s/indices", "s/values", "s/shape")
    assert found["r"].tensors == ("r/flat_values", "r/row_splits_0")
    [feed] = fitted(found["s"], ["s"]).feeds
    assert (feed.form, feed.tensors) == ("sparse", found["s"].tensors)


def test_the_features_of_a_tf_example_are_found_with_their_types_and_shapes() -> None:
    spec = {
        "n": tf.io.FixedLenFeature([], tf.int64),
        "pair": tf.io.FixedLenFeature([2], tf.float32),
        "word": tf.io.FixedLenFeature([], tf.string, default_value="?"),
        "tags": tf.io.VarLenFeature(tf.string),
        "rows": tf.io.RaggedFeature(tf.int64),
    }

    def version_2() -> None:
        tf.io.parse_example(tf.identity(v1.placeholder(tf.string, [None], name="examples")), spec)

    [found] = wants_of(version_2)
    by_name = {each.name: each for each in found.features}
    assert by_name == {
        "n": Parsed("n", "int64", (), True),
        "pair": Parsed("pair", "float32", (2,), True),
        "word": Parsed("word", "string", (), False),
        "tags": Parsed("tags", "string", None, False),
        "rows": Parsed("rows", "int64", None, False),
    }
    [feed] = fitted(found, ["id", "pair", "n"]).feeds
    assert feed.form == "example"
    assert feed.features == (Feature("n", "n", "int64", (), True), Feature("pair", "pair", "float32", (2,), True))
    assert "no column 'pair' for the tf.Example" in refusal(found, ["n"])
    assert fitted(found, ["examples"]).feeds[0].form == "cell", "a column of serialised ones"


def test_the_first_version_of_parse_example_says_the_same() -> None:
    def version_1() -> None:
        examples = v1.placeholder(tf.string, [None], name="examples")
        tf.raw_ops.ParseExample(
            serialized=examples, names=np.array([], object), sparse_keys=["tags"], dense_keys=["n", "word"],
            dense_defaults=[tf.constant([], tf.int64), tf.constant("?")], sparse_types=[tf.string],
            dense_shapes=[[], []],
        )  # fmt: skip

    [found] = wants_of(version_1)
    assert {each.name: (each.dtype, each.shape, each.required) for each in found.features} == {
        "tags": ("string", None, False), "n": ("int64", (), True), "word": ("string", (), False),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "columns", "words"),
    [
        (want("float32", (-1,)), ["id", "x"], NOTHING),
        (want("float32", (-1, 2)), ["x_0", "x_1"], NOTHING),
        (want("float32", (-1, 2)), ["x"], NOTHING),
        (want("float32", (-1, 2)), ["b", "a*", "f1", "f2"], read(['x="a*",b'], fill="0")),
        (want("int64", (-1, -1)), ["ids"], read(["x=ids[]"], pad="-1", truncate=True)),
        (want("string", (-1,)), ["image"], read(["x=image:base64"])),
    ],
)
def test_a_job_of_other_records_is_fed_as_the_first_was(found: Want, columns: list[str], words: Words) -> None:
    """`producer retry` makes one of the rejects: what was not padded then is not padded now."""
    first = fitted(found, columns, words)
    assert fitted(found, columns, of_job(first.feeds, first.constants, ())) == first


def test_a_missing_column_is_told_apart_from_a_shape_that_does_not_fit() -> None:
    with pytest.raises(NoColumnError):
        fitted(want("float32", (-1,)), ["y"])
