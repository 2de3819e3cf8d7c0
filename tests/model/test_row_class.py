"""What the ops of a graph tell of how it treats rows: nothing that is not so."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.compat import v1

from model.graph import frozen, row_class
from tests.model.conftest import ROOT
from tests.model.test_inspect import inspect
from tests.support.model_room import succeed

Build = Callable[[tf.Tensor], tf.Tensor]


def graph_of(build: Build, dtype: tf.DType = tf.float32, shape: Sequence[int | None] | None = (None,)) -> tf.Graph:
    with v1.Graph().as_default() as graph:
        tf.identity(build(v1.placeholder(dtype, shape, name="x")), name="score")
    return frozen.load(graph.as_graph_def().SerializeToString())


def judge(
    build: Build, dtype: tf.DType = tf.float32, shape: Sequence[int | None] | None = (None,)
) -> row_class.RowVerdict:
    return row_class.judge(graph_of(build, dtype, shape), ["score"])


EXACT: dict[str, tuple[Build, tf.DType, tuple[int | None, ...]]] = {
    "arithmetic": (lambda x: x * 2.0 + 1.0 - tf.square(x) / 3.0, tf.float32, (None,)),
    "each column": (lambda x: x * tf.constant([1.0, 2.0, 3.0]), tf.float32, (None, 3)),
    "columns summed": (lambda x: tf.reduce_sum(x, 1), tf.int32, (None, 3)),
    "columns sorted out": (lambda x: tf.stack([x[:, 2], x[:, 0]], axis=1), tf.float32, (None, 3)),
    "text": (lambda x: tf.strings.to_hash_bucket_fast(tf.strings.lower(x), 10), tf.string, (None,)),
    "an embedding": (lambda x: tf.gather(tf.constant([[1.0, 2.0], [3.0, 4.0]]), x), tf.int32, (None,)),
    "turned": (lambda x: tf.reshape(tf.transpose(x, [0, 2, 1]), [-1, 6]), tf.float32, (None, 2, 3)),
    "joined": (lambda x: tf.concat([x, x[:, :1]], axis=-1), tf.float32, (None, 3)),
    "clipped": (lambda x: tf.clip_by_value(x, -3.0, 3.0), tf.float32, (None,)),
    "one hot": (lambda x: tf.one_hot(x, 4), tf.int32, (None,)),
    "one column of more": (lambda x: tf.squeeze(tf.expand_dims(x, 1), [1]), tf.float32, (None,)),
}
UNDECIDED: dict[str, tuple[Build, tf.DType, tuple[int | None, ...] | None]] = {
    "mean": (lambda x: x - tf.reduce_mean(x), tf.float32, (None,)),
    "mean in a function": (lambda x: tf.function(lambda y: y - tf.reduce_mean(y))(x), tf.float32, (None,)),
    "as many numbers as records": (lambda x: x + tf.constant([1.0, 2.0, 3.0]), tf.float32, (None,)),
    "all pairs": (lambda x: x[:, None] - x[None, :], tf.float32, (None,)),
    "rows meet columns": (lambda x: x + x[:, 0], tf.float32, (None, 3)),
    "rows into columns": (lambda x: tf.reshape(x, [-1, 2]), tf.float32, (None, 3)),
    "first axis summed": (lambda x: x - tf.reduce_sum(x, -2, keepdims=True), tf.int32, (None, 3)),
    "axes turned": (lambda x: tf.transpose(tf.cumsum(tf.transpose(x), 1)), tf.int32, (None, 3)),
    "every second": (lambda x: tf.repeat(x[::2], 2)[: tf.size(x)], tf.int32, (None,)),
    "backwards": (lambda x: x[::-1], tf.int32, (None,)),
    "a table of rows": (lambda x: tf.gather(x, tf.argsort(x)), tf.int32, (None,)),
    "a row in all": (lambda x: tf.concat([x[:1], x[1:]], 0), tf.int32, (None,)),
    "a shape that is not told": (lambda x: x + 1.0, tf.float32, None),
    "a fixed number of records": (lambda x: x + 1.0, tf.float32, (8,)),
    "batch norm in training": (
        lambda x: v1.nn.fused_batch_norm(x, tf.ones([3]), tf.zeros([3]), is_training=True)[0],
        tf.float32,
        (None, 2, 2, 3),
    ),
    "squeezed": (lambda x: tf.squeeze(x), tf.float32, (None, 1)),
    "by number": (lambda x: x * tf.cast(tf.shape(x)[0], tf.float32), tf.float32, (None,)),
}


@pytest.mark.parametrize("name", EXACT)
def test_what_takes_each_row_by_itself_is_exact(name: str) -> None:
    build, dtype, shape = EXACT[name]
    verdict = judge(build, dtype, shape)
    assert (verdict.row_class, verdict.by_rows) == ("exact", True), verdict


@pytest.mark.parametrize("name", UNDECIDED)
def test_what_may_mix_rows_is_not_decided(name: str) -> None:
    build, dtype, shape = UNDECIDED[name]
    verdict = judge(build, dtype, shape)
    assert (verdict.row_class, verdict.by_rows) == (None, False), verdict


@pytest.mark.parametrize(
    "build",
    [tf.exp, tf.sigmoid, tf.nn.relu, lambda x: 1.0 / tf.sqrt(x), lambda x: tf.maximum(x, 0.0), lambda x: x**1.5],
)
def test_what_may_round_differently_is_never_called_exact(build: Build) -> None:
    verdict = judge(build)
    assert (verdict.row_class, verdict.best, verdict.by_rows) == (None, "rounding", True)


@pytest.mark.parametrize("dtype", [tf.int8, tf.uint8, tf.int16, tf.uint16, tf.uint32])
def test_a_cast_whose_numbers_may_not_fit_proves_nothing(dtype: tf.DType) -> None:
    """300.0 as a uint8 is 44 or 255, by where in the tensor it stands."""
    for build in (lambda x: tf.cast(x, dtype), lambda x: tf.function(lambda y: tf.cast(y, dtype))(x)):
        verdict = judge(build)
        assert (verdict.row_class, verdict.best, verdict.by_rows) == (None, "rounding", False)
    assert judge(lambda x: tf.cast(x, tf.int32)).row_class == "exact"


def test_a_network_goes_row_by_row() -> None:
    def network(x: tf.Tensor) -> tf.Tensor:
        inner = tf.nn.relu(tf.nn.bias_add(tf.matmul(x, tf.ones([4, 8])), tf.ones([8])))
        return tf.nn.softmax(tf.matmul(inner, tf.ones([8, 3])))

    verdict = judge(network, shape=(None, 4))
    assert (verdict.row_class, verdict.best, verdict.by_rows) == (None, "rounding", True)


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (lambda x: x + tf.random.uniform([]), "draws random numbers (RandomUniform)"),
        (lambda x: tf.random.shuffle(x), "draws random numbers (RandomShuffle)"),
        (lambda x: tf.function(lambda y: y * tf.random.normal([]))(x), "draws random numbers (RandomStandardNormal)"),
        (lambda x: tf.cond(x[0] > 0, lambda: x, lambda: x + tf.random.uniform([])), "draws random numbers"),
        (lambda x: tf.cast(x, tf.float64) + tf.timestamp(), "reads the clock (Timestamp)"),
    ],
)
def test_chance_and_the_clock_mix_at_once(build: Build, why: str) -> None:
    verdict = judge(build)
    assert verdict.row_class == "mixing"
    assert why in verdict.text


def test_what_is_not_fetched_does_not_matter() -> None:
    with v1.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None], name="x")
        tf.multiply(x, 2.0, name="score")
        tf.add(x, tf.random.uniform([]), name="noise")
    assert row_class.judge(graph, ["score"]).row_class == "exact"
    assert row_class.judge(graph, ["score", "noise:0"]).row_class == "mixing"


def test_the_spam_model_may_be_found_exact(shipped_graph: tf.Graph) -> None:
    """Its weights are whole numbers: only the cumulative sum over all n-grams hides that rows don't mix."""
    verdict = row_class.judge(shipped_graph, ["score"])
    assert (verdict.row_class, verdict.best) == (None, "exact")


def test_inspect_says_it(tmp_path: Path) -> None:
    for build, said in (
        (lambda x: x * 2.0, "exact: its ops take each row by itself"),
        (lambda x: x + tf.random.uniform([]), "mixing: it draws random numbers (RandomUniform)"),
        (lambda x: x - tf.reduce_mean(x), "decided when scored: Mean may mix rows, and Mean may round differently"),
    ):
        path = tmp_path / "model.pb"
        path.write_bytes(graph_of(build).as_graph_def().SerializeToString())
        assert f"rows: {said}\n" in succeed("inspect", path)
        assert inspect(path)["rows"] == said
    assert "rows: decided when scored" in succeed("inspect", ROOT / "data" / "spam.pb")


OPS: dict[str, Build] = {
    "double": lambda x: x * 2,
    "columns": lambda x: x + tf.constant([1, 2, 3]),
    "its sum": lambda x: x - tf.reduce_sum(x, 1, keepdims=True),
    "all sum": lambda x: x - tf.reduce_sum(x, 0, keepdims=True),
    "turned": lambda x: tf.transpose(tf.transpose(x) * 2),
    "backwards": lambda x: tf.reverse(x, [0]),
    "columns backwards": lambda x: tf.reverse(x, [1]),
    "running": lambda x: tf.cumsum(x, 0),
    "columns running": lambda x: tf.cumsum(x, 1),
    "cut": lambda x: tf.concat([x[:, 1:], x[:, :1]], 1),
    "rolled": lambda x: tf.concat([x[1:], x[:1]], 0),
    "table": lambda x: tf.gather(tf.constant([3, 1, 2]), tf.abs(x) % 3),
    "own table": lambda x: tf.gather(x, tf.abs(x[:, 0]) % tf.shape(x)[0]),
    "sorted": lambda x: tf.sort(x, 0),
    "top": lambda x: tf.math.top_k(x, 3).values,
    "reshaped": lambda x: tf.reshape(tf.reshape(x, [-1, 3, 1]), [-1, 3]),
    "mask": lambda x: tf.where(x > 2, x, -x),
    "broadcast": lambda x: x + tf.reduce_max(x),
    "stack": lambda x: tf.stack(tf.unstack(x, num=3, axis=1)[::-1], axis=1),
    "split": lambda x: tf.concat(tf.split(x, 3, axis=1)[::-1], axis=1),
}


@settings(max_examples=80)
@given(st.lists(st.sampled_from(sorted(OPS)), min_size=1, max_size=6), st.integers(2, 9), st.integers(0, 999))
def test_no_composed_graph_is_called_exact_whose_rows_depend_on_each_other(
    names: list[str], rows: int, seed: int
) -> None:
    def build(x: tf.Tensor) -> tf.Tensor:
        for name in names:
            x = OPS[name](x)
        return x

    graph = graph_of(build, tf.int32, (None, 3))
    verdict = row_class.judge(graph, ["score"])
    with v1.Session(graph=graph) as session:
        fed = np.random.default_rng(seed).integers(-9, 9, (rows, 3)).astype(np.int32)

        def run(values: Any) -> Any:
            return session.run("score:0", {"x:0": values})

        mixes = any((run(fed[row : row + 1]) != run(fed)[row]).any() for row in range(rows))
    assert not (mixes and verdict.by_rows), names
    innocent = {
        "double",
        "columns",
        "its sum",
        "columns backwards",
        "columns running",
        "cut",
        "table",
        "top",
        "reshaped",
    }
    assert verdict.row_class == "exact" or not set(names) <= innocent, "it would be a pity"
