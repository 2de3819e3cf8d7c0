"""How a model treats rows is found out, and what a worker then does with them never shows in the scores."""

from collections.abc import Callable, Sequence
from random import Random

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.compat import v1

from model.graph.row_class import RowClass
from tests.worker.graphs import Build, batches_of, directly, job_of, records_of, scores_of, serialised, session_of
from worker.score import TELLING, Scorer, score

RANDOM = np.random.default_rng(15)
REPEATED = np.repeat(RANDOM.normal(size=700), 3)[RANDOM.permutation(2_100)].astype(np.float32)
REPEATED[1_500] = 5.0  # not in the first micro-batch


def hidden(mix: Build) -> Build:
    return lambda x: tf.function(lambda y: tf.function(mix)(y + 0.0))(x)


def looped(x: tf.Tensor) -> tf.Tensor:
    return tf.while_loop(lambda step, _: step < 3, lambda step, y: (step + 1, y - tf.reduce_mean(y) / 2), (0, x))[1]


def by_statistic(x: tf.Tensor) -> tf.Tensor:
    """One row in all is so large."""
    return tf.cond(tf.reduce_max(x) > 4.5, lambda: x * 2.0, lambda: x)


def from_512_on(x: tf.Tensor) -> tf.Tensor:
    return tf.cond(tf.size(x) >= 512, lambda: x - tf.reduce_mean(x), lambda: x)


def batch_norm(x: tf.Tensor) -> tf.Tensor:
    image = tf.reshape(x, [-1, 1, 1, 1])
    normal = v1.nn.fused_batch_norm(image, tf.ones([1]), tf.zeros([1]), is_training=True)[0]
    return tf.reshape(normal, [-1])


def segments(x: tf.Tensor) -> tf.Tensor:
    """Rows of one sign share their sum."""
    sign = tf.cast(x > 0, tf.int32)
    return tf.gather(tf.math.unsorted_segment_sum(x, sign, 2), sign)


def dense(x: tf.Tensor) -> tf.Tensor:
    weights = tf.constant(np.random.default_rng(1).normal(size=(1, 33)), tf.float32)
    more = tf.constant(np.random.default_rng(2).normal(size=(33, 5)), tf.float32)
    return tf.matmul(tf.nn.relu(tf.matmul(x[:, None], weights)), more)


def grouped_tables(x: tf.Tensor) -> tf.Tensor:
    """Exact, by way of all rows at once: as the spam model sums its n-grams."""
    running = tf.cumsum(tf.cast(x * 1000, tf.int64), exclusive=True)
    return tf.cast(tf.cumsum(tf.cast(x * 1000, tf.int64)) - running, tf.float32)


MIXING: dict[str, Build] = {
    "mean": lambda x: x - tf.reduce_mean(x),
    "variance": lambda x: x / tf.math.reduce_std(x),
    "batch norm in training": batch_norm,
    "cumsum": tf.cumsum,
    "reverse": lambda x: tf.reverse(x, [0]),
    "sort": tf.sort,
    "rank of a row": lambda x: tf.argsort(tf.argsort(x)),
    "shift": lambda x: tf.roll(x, 1, 0),
    "softmax of rows": lambda x: tf.nn.softmax(x, 0),
    "unique": lambda x: tf.unique(x).idx,
    "segment sum": segments,
    "top of rows": lambda x: tf.tile(tf.math.top_k(x, 1).values, tf.shape(x)),
    "argmax of rows": lambda x: tf.cast(tf.equal(tf.range(tf.size(x)), tf.argmax(x, 0, tf.int32)), tf.float32),
    "row number": lambda x: x + tf.cast(tf.range(tf.size(x)), tf.float32),
    "row count": lambda x: x * tf.cast(tf.size(x), tf.float32),
    "first row": lambda x: x - x[0],
    "table of rows": lambda x: tf.reduce_max(tf.abs(x[:, None] - x[None, :]), axis=1),
    "random by row, without state": lambda x: x + tf.random.stateless_uniform(tf.shape(x), [1, 2]),
    "random": lambda x: x + tf.random.uniform([]),
    "clock": lambda x: tf.cast(tf.cast(x, tf.float64) + tf.timestamp(), tf.float32),
    "in a function": hidden(lambda x: x - tf.reduce_mean(x)),
    "random in a function": hidden(lambda x: x * tf.random.normal([])),
    "in a loop": looped,
    "statistic of the batch": by_statistic,
    "only of many rows": from_512_on,
    "neighbour": lambda x: tf.where(tf.equal(x, tf.concat([[0.0], x[:-1]], 0)), x + 1.0, x),
}
ROUNDING: dict[str, Build] = {
    "exp": tf.exp,
    "sigmoid": tf.sigmoid,
    "dense": dense,
    "softmax of a row's own": lambda x: tf.nn.softmax(dense(x)),
    "in a function": hidden(tf.sigmoid),
}
EXACT: dict[str, Build] = {
    "arithmetic": lambda x: (x * 1.5 + 0.25) / 3.0 - tf.square(x),
    "whole numbers": lambda x: tf.cast(x * 100, tf.int32) // 7,
    "chosen": lambda x: tf.where(x > 0, x, -x),
    "of all rows at once": grouped_tables,
    "in a function": hidden(lambda x: x * 2.0),
    "a table": lambda x: tf.gather(tf.constant([0.5, 1.5]), tf.cast(x > 0, tf.int32)),
    "as text": lambda x: tf.strings.as_string(tf.cast(x * 10, tf.int32)),
}
ALL: dict[str, tuple[Build, RowClass]] = {
    **{f"mixing: {name}": (build, "mixing") for name, build in MIXING.items()},
    **{f"rounding: {name}": (build, "rounding") for name, build in ROUNDING.items()},
    **{f"exact: {name}": (build, "exact") for name, build in EXACT.items()},
}
UNREPEATABLE = {"mixing: random", "mixing: clock", "mixing: random in a function"}


def noting(noted: list[RowClass]) -> Callable[[RowClass], RowClass]:
    def note(found: RowClass) -> RowClass:
        noted.append(found)
        return found

    return note


def cells_of(values: Sequence[float]) -> list[bytes]:
    return [repr(float(value)).encode() for value in values]


@pytest.mark.parametrize("name", ALL)
def test_its_class_is_found_and_the_scores_are_those_of_the_whole_micro_batch(name: str) -> None:
    build, expected = ALL[name]
    batches = batches_of(cells_of(REPEATED))
    session = session_of(serialised(build))
    noted: list[RowClass] = []
    result = score(session, job_of(), batches, note=noting(noted))
    assert noted == [expected]
    if name in UNREPEATABLE:
        return
    sizes = [records.num_rows for records in batches]
    parts = np.split(REPEATED, np.cumsum(sizes)[:-1])
    whole = np.concatenate([directly(session, part) for part in parts])
    assert scores_of(result).tolist() == whole.tolist(), "also where it rounds: nothing was merged, nothing failed"


@pytest.mark.parametrize("name", [name for name, (_, kind) in ALL.items() if kind == "mixing"])
@pytest.mark.parametrize("values", [[0.1, 0.9, 0.9], [5.0, 1.0, 2.0, 2.0, -4.0], [1.0, 2.0]])
def test_a_few_rows_never_make_a_mixing_graph_exact(name: str, values: list[float]) -> None:
    """That it mixes may not show on them; then that is for them no matter."""
    session = session_of(serialised(ALL[name][0]))
    noted: list[RowClass] = []
    result = score(session, job_of(), batches_of(cells_of(values)), note=noting(noted))
    if name not in UNREPEATABLE:
        whole = directly(session, np.array(values, np.float32))
        assert scores_of(result).tolist() == whole.tolist()
        hidden_from = {"mixing: only of many rows", "mixing: statistic of the batch"}
        assert noted == ["mixing"] or name in hidden_from or values == [1.0, 2.0]


@pytest.mark.parametrize("values", [[0.5], [0.5] * 100])
def test_what_can_not_tell_claims_nothing(values: list[float]) -> None:
    for name, build in {**MIXING, **EXACT}.items():
        session = session_of(serialised(build))
        noted: list[RowClass] = []
        score(
            session,
            job_of(),
            batches_of(cells_of(values)),
            note=noting(noted),
        )
        by_ops = Scorer(session, job_of()).verdict.row_class
        assert noted == ([by_ops] if by_ops else []), name


def test_rows_that_go_through_by_themselves_round_at_most_even_where_one_row_can_not_tell() -> None:
    session = session_of(serialised(tf.sigmoid))
    assert Scorer(session, job_of()).classify([records_of([b"1.5"])]) == "rounding"


def test_what_is_noted_holds() -> None:
    """Another worker was first, and found otherwise."""
    session = session_of(serialised(EXACT["of all rows at once"]))
    seen: list[int] = []
    scorer = Scorer(session, job_of(), "rounding")
    run = scorer._run
    scorer._run = lambda arrays: seen.append(len(arrays[0])) or run(arrays)
    scorer.score(records_of([b"1", b"1", b"2"]))
    assert seen == [3], "equal rows are merged only where the model is exact"


def failing(mix: bool) -> bytes:
    """Fails on a 7."""

    def build(x: tf.Tensor) -> tf.Tensor:
        number = tf.cast(x, tf.int32)
        quotient = tf.cast(6 // tf.where(tf.equal(number, 7), 0, 1), tf.float32)
        return x + 0.0 * quotient - (tf.reduce_mean(x) if mix else 0.0)

    return serialised(build)


def test_a_record_that_fails_costs_its_own_row_where_rows_do_not_mix() -> None:
    values = [*range(100, 1_100), 7, *range(2_000, 3_000)]
    result = score(session_of(failing(mix=False)), job_of(), batches_of(cells_of(values)))
    assert [(reject.row, reject.code) for reject in result.rejects] == [(1_000, "model_error")]
    assert scores_of(result).tolist() == [value for value in values if value != 7]


def test_a_micro_batch_that_fails_is_rejected_whole_where_rows_mix() -> None:
    """Its halves would get scores, but not those that it has."""
    values = [*range(100, 1_100), 7, *range(2_000, 3_000)]
    batches = batches_of([*cells_of(values[:-1]), b"no number"])
    session = session_of(failing(mix=True))
    result = score(session, job_of(), batches)
    first, second = (records.num_rows for records in batches)
    assert [reject.row for reject in result.rejects] == [*range(first), len(values) - 1] or [
        reject.row for reject in result.rejects
    ] == list(range(first, first + second))
    assert {reject.code for reject in result.rejects} == {"model_error", "bad_value"}
    detail = next(reject.detail for reject in result.rejects if reject.code == "model_error")
    assert "division by zero" in detail
    assert "scored together, which one it was can't be told: the model mixes rows" in detail
    assert result.scored + len(result.rejects) == len(values)


def test_one_failing_micro_batch_of_a_mixing_model_does_not_end_its_job() -> None:
    """A file's last batch may be one micro-batch, and one record its end."""
    values = [*range(100, 100 + TELLING), 7]
    result = score(session_of(failing(mix=True)), job_of(), batches_of(cells_of(values)), row_class="mixing")
    assert (result.scored, len(result.rejects)) == (0, len(values))


def test_a_sample_with_records_that_fail_tells_by_the_others() -> None:
    values = [7 if number % 90 == 50 else number + 100 for number in range(1_000)]
    for mix, expected in ((False, "exact"), (True, "mixing")):
        noted: list[RowClass] = []
        score(
            session_of(failing(mix)),
            job_of(),
            batches_of(cells_of(values)),
            note=noting(noted),
        )
        assert noted[0] == expected or (not mix and noted == ["rounding"])


BY_ROW: dict[str, Build] = {
    "double": lambda x: x * 2.0,
    "shifted": lambda x: x + 1.0,
    "square": tf.square,
    "sigmoid": tf.sigmoid,
    "whole": lambda x: tf.floor(x),
    "absolute": tf.abs,
    "chosen": lambda x: tf.where(x > 0.5, x, 1.0 - x),
    "function": hidden(lambda x: x - 0.5),
    "table": lambda x: tf.gather(tf.constant([0.25, 0.5, 4.0]), tf.cast(tf.clip_by_value(x, 0, 2), tf.int32)),
    "there and back": lambda x: tf.reverse(tf.reverse(x, [0]), [0]),
}
BY_ALL: dict[str, Build] = {
    name: build for name, build in MIXING.items() if f"mixing: {name}" not in UNREPEATABLE and "random" not in name
}
BY_ALL["rank of a row"] = lambda x: tf.cast(tf.argsort(tf.argsort(x)), tf.float32)
BY_ALL["unique"] = lambda x: tf.cast(tf.unique(x).idx, tf.float32)
step = st.sampled_from([*BY_ROW, *BY_ALL])
numbers = st.lists(st.sampled_from([-2.5, -1.0, 0.0, 0.125, 0.9, 1.0, 3.5, 7.0]), min_size=2, max_size=40)


@settings(max_examples=12, derandomize=True)
@given(st.lists(step, min_size=1, max_size=4), numbers, st.randoms(use_true_random=False))
def test_no_composed_graph_whose_rows_mix_is_called_exact(
    steps: list[str], values: list[float], random: Random
) -> None:
    """The judge is the graph itself: whenever a part of the rows, in any order, has other bits, it is not exact. That a
    sample takes a coarse mixing graph for one that rounds can't be excluded: on few rows a floor of means may agree."""

    def build(x: tf.Tensor) -> tf.Tensor:
        for name in steps:
            x = {**BY_ROW, **BY_ALL}[name](x)
        return x

    session = session_of(serialised(build))
    scorer = Scorer(session, job_of())
    found = scorer.classify([records_of(cells_of(values))])
    fed = np.array(values, np.float32)
    whole = directly(session, fed)
    if not any(name in BY_ALL for name in steps):
        assert found != "mixing" or not np.isfinite(whole).all()
    for _ in range(30):
        rows = random.choices(range(len(fed)), k=random.randint(1, len(fed)))
        part = directly(session, fed[rows])
        if found == "exact":
            assert part.tobytes() == whole[rows].tobytes() or same(part, whole[rows])


def same(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))


def test_a_text_that_is_not_utf8_and_makes_the_graph_fail_is_a_reject_alone() -> None:
    """TensorFlow's message quotes the text, and Python can't decode it: that says nothing against the model."""
    session = session_of(serialised(lambda x: tf.strings.to_number(x), tf.string))
    result = score(session, job_of("string"), batches_of([b"1", b"caf\xe9", b"3"]), row_class="exact")
    assert [(reject.row, reject.code) for reject in result.rejects] == [(1, "model_error")]
    assert "caf\\xe9" in result.rejects[0].detail
    assert list(scores_of(result)) == [1.0, 3.0]
