"""Graphs that want more than a column a placeholder are fed as TensorFlow itself would be, row for row."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from graphs.errors import GraphError
from graphs.messages import parse
from graphs.signature import Signature
from graphs.words import NOTHING, Words, read
from jobs.batch import Result
from jobs.record import Job
from jobs.slices import micro_batches
from model.errors import ModelError
from worker.runtimes.tensorflow import TensorFlow
from worker.score import score


def graph_of(build: Callable[[], object]) -> bytes:
    with v1.Graph().as_default() as graph:
        build()
    content: bytes = graph.as_graph_def().SerializeToString()
    return content


def result_of(
    build: Callable[[], object],
    table: dict[str, list[str]],
    words: Words = NOTHING,
    fetches: tuple[str, ...] = ("score",),
) -> Result:
    """As a worker scores it, from the words and the table to columns."""
    data = graph_of(build)
    signature = Signature.of(parse(data))
    outputs = signature.fetches(read(outputs=fetches))
    fed = signature.fit(outputs, words, list(table))
    job = Job("in.csv", 1, 1, "", fed.feeds, outputs, None, (), 1, constants=fed.constants)
    job = Job.decode(replace(job, incarnation="a" * 16).encode())
    cells = [
        pa.array([cell.encode("utf-8", "surrogateescape") for cell in table[name]], pa.binary())
        for name in job.fed_columns
    ]
    records = pa.record_batch(cells, names=list(job.fed_columns))
    return score(TensorFlow().open(data, 1), job, list(micro_batches(records)))


def values_of(result: Result, name: str = "score") -> list[Any]:
    return result.columns[name].to_pylist()


def codes_of(result: Result) -> list[tuple[int, str]]:
    return [(reject.row, reject.code) for reject in result.rejects]


def test_columns_are_stacked_in_their_order() -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        tf.identity(tf.linalg.matvec(x, tf.constant([1.0, 10.0, 100.0])), name="score")

    table = {"c": ["3", "6", "x"], "a": ["1", "4", "7"], "b": ["2", "5", ""]}
    result = result_of(build, table, read(["x=a,b,c"]))
    assert values_of(result) == [321.0, 654.0]
    [reject] = result.rejects
    assert (reject.row, reject.code) == (2, "empty_cell")
    assert reject.detail.startswith("column 'b'")


def test_columns_make_a_row_of_higher_rank_in_row_major_order() -> None:
    def build() -> None:
        x = v1.placeholder(tf.int64, [None, 2, 2], name="x")
        tf.identity(x[:, 1, 0], name="score")

    assert values_of(result_of(build, {f"x_{place}": [str(place), str(place + 10)] for place in range(4)})) == [2, 12]


def test_lists_are_padded_to_the_placeholders_size_and_longer_ones_are_rejected_or_cut() -> None:
    def build() -> None:
        x = v1.placeholder(tf.int32, [None, 3], name="x")
        tf.identity(x[:, 0] + 10 * x[:, 1] + 100 * x[:, 2], name="score")

    table = {"ids": ["1 2 3", "[4]", "1 2 3 4", ""]}
    result = result_of(build, table, read(["x=ids[]"]))
    assert values_of(result) == [321, 4, 0]
    assert codes_of(result) == [(2, "wrong_length")]
    assert values_of(result_of(build, table, read(["x=ids[]"], truncate=True))) == [321, 4, 321, 0]
    assert values_of(result_of(build, table, read(["x=ids[]"], pad="9", truncate=True))) == [321, 994, 321, 999]


def test_a_column_that_only_has_its_name_is_not_filled_up_in_silence() -> None:
    """A number a record is no list of three, unless somebody says so."""

    def build() -> None:
        tf.reduce_sum(v1.placeholder(tf.float32, [None, 3], name="x"), axis=1, name="score")

    result = result_of(build, {"x": ["1", "[1, 2, 3]", "1 2"]})
    assert (values_of(result), codes_of(result)) == ([6.0], [(0, "wrong_length"), (2, "wrong_length")])
    assert values_of(result_of(build, {"x": ["1", "[1, 2, 3]"]}, read(pad="0"))) == [1.0, 6.0]


def test_where_the_length_is_free_it_is_that_of_the_longest() -> None:
    def build() -> None:
        x = v1.placeholder(tf.int32, [None, None], name="x")
        tf.identity(tf.fill([tf.shape(x)[0]], tf.shape(x)[1]), name="width")
        tf.identity(tf.reduce_sum(x, axis=1), name="score")

    table = {"x": ["1 2", "[1, 2, 3]", ""]}
    result = result_of(build, table, read(["x=x[]"]), fetches=("score", "width"))
    assert values_of(result) == [3, 6, 0]
    assert values_of(result, "width") == [3, 3, 3]


def test_arrays_of_rank_3_from_a_nested_or_flat_list() -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [None, None, 2], name="x")
        tf.identity(tf.reduce_sum(x[:, :, 1], axis=1), name="score")

    result = result_of(build, {"x": ["[[1, 2], [3, 4]]", "1 2 3 4 5 6", "[1, 2, 3]", "[[1, 2, 3]]"]})
    assert values_of(result) == [6.0, 12.0]
    assert codes_of(result) == [(2, "wrong_length"), (3, "bad_value")]


def test_a_constant_is_the_same_in_every_call() -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [None], name="x")
        keep = v1.placeholder(tf.float32, name="keep_prob")  # of unknown rank
        training = v1.placeholder(tf.bool, [], name="training")
        tf.identity(tf.where(training, -x, x * keep), name="score")

    words = read(constants=["keep_prob=0.5", "training=false"])
    assert values_of(result_of(build, {"x": ["2", "4"]}, words)) == [1.0, 2.0]


def test_an_empty_cell_is_filled_or_takes_the_placeholders_default() -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [None], name="x")
        scale = v1.placeholder_with_default(tf.constant([3.0]), [None], name="scale")
        tf.multiply(x, scale, name="score")

    table = {"x": ["1", "", "2"], "scale": ["10", "10", ""]}
    result = result_of(build, table)
    assert (values_of(result), codes_of(result)) == ([10.0, 6.0], [(1, "empty_cell")])
    assert values_of(result_of(build, table, read(fill="7"))) == [10.0, 70.0, 14.0]


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("count", [1, 3, 4, 9, 1030])
def test_a_graph_of_a_fixed_number_of_records_gets_just_so_many(size: int, count: int) -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [size, 2], name="x")
        tf.identity(tf.reshape(x[:, 0] * 2 + x[:, 1], [size, 1]), name="score")

    table = {"x_0": [str(number) for number in range(count)], "x_1": ["0.5"] * count}
    assert values_of(result_of(build, table)) == [number * 2 + 0.5 for number in range(count)]


def test_a_record_that_fails_in_a_fixed_batch_is_rejected_alone() -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [4], name="x")
        with tf.control_dependencies([v1.assert_non_negative(x)]):
            tf.identity(x * 2, name="score")

    result = result_of(build, {"x": ["1", "2", "-3", "4", "5", "6"]})
    assert values_of(result) == [2.0, 4.0, 8.0, 10.0, 12.0]
    assert codes_of(result) == [(2, "model_error")]


def test_a_sparse_input_from_lists() -> None:
    def build() -> None:
        x = v1.sparse_placeholder(tf.float32, name="x")
        tf.identity(tf.sparse.reduce_sum(x, axis=1), name="score")

    assert values_of(result_of(build, {"x": ["1 2", "", "[3]"]})) == [3.0, 0.0, 3.0]


def test_a_ragged_input_from_lists() -> None:
    def build() -> None:
        x = v1.ragged.placeholder(tf.string, 1, name="x")
        tf.identity(tf.strings.reduce_join(x, axis=1, separator="-"), name="score")

    assert values_of(result_of(build, {"x": ["a b", "", '["c d"]']})) == [b"a-b", b"", b"c d"]


def test_bytes_that_a_csv_can_not_hold() -> None:
    def build() -> None:
        tf.strings.length(v1.placeholder(tf.string, [None], name="x"), name="score")

    table = {"image": [base64.b64encode(b"\x00\xff\n").decode(), "no base64!", ""]}
    result = result_of(build, table, read(["x=image:base64"]))
    assert (values_of(result), codes_of(result)) == ([3, 0], [(1, "bad_value")])


SPEC = {
    "n": tf.io.FixedLenFeature([], tf.int64),
    "pair": tf.io.FixedLenFeature([2], tf.float32, default_value=[0.25, 0.5]),
    "word": tf.io.FixedLenFeature([], tf.string, default_value="none"),
    "tags": tf.io.VarLenFeature(tf.string),
}


def parsing() -> None:
    parsed = tf.io.parse_example(v1.placeholder(tf.string, [None], name="examples"), SPEC)
    tags = tf.strings.reduce_join(tf.sparse.to_dense(parsed["tags"], default_value=""), axis=1, separator="|")
    pair = tf.strings.reduce_join(tf.strings.as_string(parsed["pair"], precision=2), axis=1, separator="|")
    tf.strings.join([tf.strings.as_string(parsed["n"]), pair, parsed["word"], tags], "/", name="score")


def test_a_tf_example_is_made_of_the_columns_of_its_features() -> None:
    table = {
        "n": ["7", "8", "", "x"],
        "pair": ["1 2", "", "1 2", "1 2"],
        "word": ["hello", "", "w", "w"],
        "tags": ['["a", "b"]', "", "t", "t"],
    }
    result = result_of(parsing, table)
    assert values_of(result) == [b"7/1.00|2.00/hello/a|b", b"8/0.25|0.50/none/|"]
    assert codes_of(result) == [(2, "empty_cell"), (3, "bad_value")]
    assert values_of(result_of(parsing, {"n": ["1"]})) == [b"1/0.25|0.50/none/"]


def test_serialised_examples_in_cells_still_work() -> None:
    example = tf.train.Example()
    example.features.feature["n"].int64_list.value.append(3)
    cell = base64.b64encode(example.SerializeToString()).decode()
    assert values_of(result_of(parsing, {"raw": [cell]}, read(["examples=raw:base64"]))) == [b"3/0.25|0.50/none/"]


def test_outputs_of_any_rank_and_dtype() -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [None], name="x")
        cube = tf.reshape(tf.stack([x, x + 0.1, x, x], axis=1), [-1, 2, 2])
        tf.identity(cube, name="cube")
        tf.identity(tf.strings.as_string(cube, precision=1), name="texts")
        tf.reshape(x, [-1, 1, 1], name="one")
        tf.cast(x, tf.complex64, name="complex")
        tf.cast(x, tf.bfloat16, name="brain")

    result = result_of(build, {"x": ["1", "2"]}, fetches=("cube", "texts", "one", "complex", "brain"))
    assert [json.loads(cell) for cell in values_of(result, "cube")] == [[[1, 1.1], [1, 1]], [[2, 2.1], [2, 2]]]
    assert json.loads(values_of(result, "texts")[0]) == [["1.0", "1.1"], ["1.0", "1.0"]]
    assert values_of(result, "one") == [1.0, 2.0]
    assert values_of(result, "complex") == [b"1+0j", b"2+0j"]
    assert values_of(result, "brain") == [1.0, 2.0]


def test_an_output_without_a_row_a_record_is_refused_by_name_or_left_out() -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [None], name="x")
        tf.identity(x, name="score")
        tf.reduce_logsumexp(x, name="loss")

    with pytest.raises(ModelError, match="'loss' has the shape"):
        result_of(build, {"x": ["1"]}, fetches=("loss",))


def test_lookup_tables_of_constants_are_filled_when_the_model_is_opened() -> None:
    def build() -> None:
        table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [7, 8]), -1)
        tf.identity(table.lookup(v1.placeholder(tf.string, [None], name="x")), name="score")

    assert values_of(result_of(build, {"x": ["b", "c", "a"]})) == [8, -1, 7]


def test_a_graph_that_was_pinned_to_a_device_runs_anywhere() -> None:
    def build() -> None:
        with v1.device("/job:ps/task:3/device:GPU:1"):
            tf.identity(v1.placeholder(tf.float32, [None], name="x"), name="score")

    assert values_of(result_of(build, {"x": ["1"]})) == [1.0]


def named(name: str, tensor: tf.SparseTensor | tf.RaggedTensor) -> None:
    """As `model freeze` names its parts."""
    if isinstance(tensor, tf.SparseTensor):
        parts = {"indices": tensor.indices, "values": tensor.values, "shape": tensor.dense_shape}
    else:
        splits = {f"row_splits_{place}": each for place, each in enumerate(tensor.nested_row_splits)}
        parts = {"flat_values": tensor.flat_values, **splits}
    for part, each in parts.items():
        tf.identity(each, name=f"{name}/{part}")


def test_a_ragged_output_is_a_list_in_each_cell() -> None:
    def build() -> None:
        x = v1.placeholder(tf.string, [None], name="x")
        named("words", tf.strings.split(x))
        named("letters", tf.strings.unicode_split(tf.strings.split(x), "UTF-8"))

    texts = ["one two", "", "drei \u00fcb"]
    result = result_of(build, {"x": texts}, fetches=("words", "letters"))
    found = [json.loads(cell) for cell in values_of(result, "words")]
    assert found == [text.split() for text in texts]
    assert [json.loads(cell) for cell in values_of(result, "letters")] == [list(map(list, words)) for words in found]


def test_a_sparse_output_is_a_list_up_to_its_last_value() -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        named("score", tf.sparse.from_dense(x))

    rows = [["0.1", "0", "3", "0"], ["0", "0", "0", "0"], ["0", "0", "0", "1.5"]]
    assert Signature.of(parse(graph_of(build))).terminal == ("score",)  # as a whole, when nobody says what
    table = {f"x_{place}": [row[place] for row in rows] for place in range(4)}
    assert list(map(bytes, values_of(result_of(build, table)))) == [b"[0.1,0.0,3.0]", b"[]", b"[0.0,0.0,0.0,1.5]"]


def test_an_op_that_gives_a_sparse_tensor_is_fetched_as_one() -> None:
    def build() -> None:
        x = v1.placeholder(tf.string, [None], name="x")
        tf.raw_ops.StringSplitV2(input=x, sep=" ", name="score")

    assert Signature.of(parse(graph_of(build))).terminal == ("score",)
    assert values_of(result_of(build, {"x": ["a b", "", "c"]})) == [b'["a","b"]', b'[""]', b'["c"]']


def test_a_ragged_output_that_has_no_row_a_record_ends_the_job() -> None:
    def build() -> None:
        x = v1.placeholder(tf.string, [None], name="x")
        named("score", tf.strings.split(tf.concat([x, x], 0)))

    with pytest.raises(ModelError, match="not one row each"):
        result_of(build, {"x": ["a b", "c"]})


def test_lists_in_lists_of_free_lengths_are_refused_before_anything_is_enqueued() -> None:
    def build() -> None:
        x = v1.placeholder(tf.int64, [None, None, None], name="x")
        tf.reduce_sum(x, axis=[1, 2], name="score")

    with pytest.raises(GraphError, match="that of what is in it may not"):
        result_of(build, {"x": ["[[1,2],[3,4]]"]}, read(["x=x[]"]))
