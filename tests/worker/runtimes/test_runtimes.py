"""What every runtime has to do, whatever runs its models: the next one joins RUNTIMES."""

import gc
import weakref
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from model.errors import ModelError
from tests.worker.graphs import batches_of, job_of, serialised
from tests.worker.runtimes.toys import HEAD, Multiplying
from worker import models
from worker.runtimes import registry
from worker.runtimes.runtime import FeedError, Model, RowError, Runtime
from worker.runtimes.tensorflow import TensorFlow
from worker.score import score


def doubling_graph() -> bytes:
    def build(x: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([tf.debugging.assert_non_negative(x, message="below zero")]):
            return x * 2.0

    return serialised(build)


class Case(NamedTuple):
    """A runtime, and a model of it: float32 `x` of shape [rows] to `score`, twice as much; it fails below zero."""

    runtime: Runtime
    model: Callable[[], bytes]
    broken: bytes  # no model


RUNTIMES = {
    "tensorflow": Case(TensorFlow(), doubling_graph, b"\xff no graph"),
    "toy": Case(Multiplying(), lambda: HEAD + b"2", HEAD + b"two"),
}


@pytest.fixture(params=RUNTIMES)
def case(request: pytest.FixtureRequest) -> Case:
    return RUNTIMES[request.param]


@pytest.fixture
def opened(case: Case) -> Model:
    assert case.runtime.reads(case.model())
    return case.runtime.open(case.model(), threads=1)


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_arrays_go_in_and_out_in_the_order_that_was_asked_for(opened: Model) -> None:
    run = opened.prepare(("x",), ("score",))
    for values in ((1.5,), (0.0, 2.0, 3.5), ()):
        [scores] = run([floats(*values)])
        assert scores.dtype == np.float32
        assert scores.tolist() == [2 * value for value in values]


def test_a_row_that_the_model_cannot_bear_is_told_from_arrays_that_it_does_not_take(opened: Model) -> None:
    """The first costs a record, the second ends the job."""
    run = opened.prepare(("x",), ("score",))
    with pytest.raises(RowError, match="below zero") as caught:
        run([floats(1, -1)])
    assert "\n" not in str(caught.value)
    for wrong in (np.array([1.0]), floats(1, 2).reshape(1, 2)):
        with pytest.raises(FeedError):
            run([wrong])
    assert run([floats(4)])[0].tolist() == [8], "it goes on afterwards"


def test_an_output_that_is_not_there_is_the_models_fault(opened: Model) -> None:
    with pytest.raises(ModelError):
        opened.prepare(("x",), ("nobody",))


def test_what_is_no_model_is_refused(case: Case) -> None:
    with pytest.raises(ModelError):
        case.runtime.open(case.broken, threads=1)


def test_it_says_what_it_knows_of_rows(opened: Model) -> None:
    verdict = opened.judge_rows(("score",))
    assert verdict.row_class in (None, "exact", "rounding", "mixing")


def test_a_model_that_is_dropped_is_gone_at_once(case: Case) -> None:
    """A worker keeps few models open; what made room for another must not stay until the garbage collector comes."""
    gc.disable()
    try:
        opened = case.runtime.open(case.model(), threads=1)
        run = opened.prepare(("x",), ("score",))
        run([floats(1)])
        opened.judge_rows(("score",))
        dropped = weakref.ref(opened)
        del opened, run
        assert dropped() is None
    finally:
        gc.enable()


def test_it_has_a_name_and_a_version(case: Case) -> None:
    assert case.runtime.name.isidentifier()
    assert case.runtime.version()


@pytest.fixture
def registered(case: Case, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setattr(registry, "RUNTIMES", [case.runtime, *registry.RUNTIMES])
    return case


def test_a_batch_is_scored_by_the_runtime_that_reads_its_model(registered: Case) -> None:
    """A record that it can't bear, and a cell that is no number, are one reject each."""
    data = registered.model()
    sha256 = models.hashlib.sha256(data).hexdigest()
    opened = models.open_model(sha256, data, 1)
    assert opened.runtime is registered.runtime
    result = score(opened.model, job_of(), batches_of([b"1", b"-3", b"", b"2.5"]), row_class="exact")
    assert result.columns["score"].to_pylist() == [2.0, 5.0]
    assert [(reject.row, reject.code) for reject in result.rejects] == [(1, "model_error"), (2, "empty_cell")]


def test_a_model_stays_open_for_the_next_batch(registered: Case) -> None:
    data = registered.model()
    sha256 = models.hashlib.sha256(data).hexdigest()
    fetched: list[str] = []

    def fetch(name: str) -> models.Delivered:
        fetched.append(name)
        return models.Delivered(data, "")

    kept = models.Models(fetch, threads=1)
    first, again = kept.open(sha256), kept.open(sha256)
    assert first is again
    assert fetched == [sha256]
    assert first.model.prepare(("x",), ("score",)) is not None
