"""Models whose rows mix, round or do neither, scored by real workers: the scores are the graph's."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.command import producer
from tests.support.farm import Farm
from tests.support.tables import read


def freeze(path: Path, build: Callable[[Any], Any]) -> Path:
    """The graph `score = build(a)`."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with v1.Graph().as_default() as graph:
        tf.identity(build(v1.placeholder(tf.float32, [None], name="a")), name="score")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def centred(a: Any) -> Any:
    import tensorflow as tf

    return a - tf.reduce_mean(a)


def wave(a: Any) -> Any:
    import tensorflow as tf

    return tf.sigmoid(a)


def rows_of(farm: Farm, folder: Path, name: str, model: Path, values: list[str], *words: object) -> dict[str, Any]:
    path = folder / f"{name}.csv"
    path.write_text("a\n" + "".join(f"{value}\n" for value in values))
    run = farm.producer("enqueue", path, "--model", model, "--wait", "--json", *words)
    assert run.code in (0, 3), run.err
    receipt: dict[str, Any] = json.loads(run.out)
    return receipt


def test_a_mean_over_the_rows_is_what_the_graph_gives_and_the_receipt_says_that_rows_mix(tmp_path: Path) -> None:
    """Equal rows were merged once, and -0.4, 0.4, 0.4 came out. With the embedded server, as one would try it."""
    freeze(tmp_path / "mean.pb", centred)
    (tmp_path / "a.csv").write_text("a\n0.1\n0.9\n0.9\n")
    run = producer(tmp_path, "enqueue", "a.csv", "--model", "mean.pb", "--workers", "1")
    assert run.code == 0, run.err
    scores = [float(row["score"]) for row in read(tmp_path / "a.scores.csv")]
    np.testing.assert_allclose(scores, [-0.533333, 0.266667, 0.266667], atol=1e-5)
    written = json.loads((tmp_path / "a.scores.receipt.json").read_text())
    assert written["receipt"]["rows"] == "mixing"
    assert set(written["versions"]) == {"nightshift", "python", "pyarrow", "tensorflow"}
    printed = " ".join(run.out.split() + run.err.split())
    assert "rows mixing: a score depends on the records scored with it" in printed


@pytest.mark.parametrize(
    ("build", "rows"),
    [
        (centred, "mixing"),
        pytest.param(wave, "rounding", marks=pytest.mark.slow),
        pytest.param(lambda a: a * 0.5, "exact", marks=pytest.mark.slow),
    ],
)
def test_every_worker_does_as_the_first_found(
    farm: Farm, tmp_path: Path, build: Callable[[Any], Any], rows: str
) -> None:
    """Many small batches on two processes, with repeats in each, and one large one: the same bytes."""
    model = freeze(tmp_path / "model.pb", build)
    values = [repr(value) for value in np.random.default_rng(4).normal(size=400).repeat(20).round(5).tolist()]
    receipts = [
        rows_of(farm, tmp_path, "small", model, values, "--batch-bytes", 2_000),
        rows_of(farm, tmp_path, "large", model, values, "--batch-bytes", 10_000_000),
    ]
    assert [receipt["rows"] for receipt in receipts] == [rows, rows]
    assert receipts[0]["batches"] > receipts[1]["batches"] == 1
    small, large = ((tmp_path / f"{name}.scores.csv").read_bytes() for name in ("small", "large"))
    assert small == large


def test_a_mixing_model_that_fails_on_a_record_rejects_those_scored_with_it(farm: Farm, tmp_path: Path) -> None:
    import tensorflow as tf

    def build(a: Any) -> Any:
        one = 6 // tf.where(tf.equal(tf.cast(a, tf.int32), 7), 0, 1)
        return centred(a) + 0.0 * tf.cast(one, tf.float32)

    values = [str(number) for number in [*range(1_000, 2_000), 7, *range(2_000, 3_000)]]
    receipt = rows_of(farm, tmp_path, "fails", freeze(tmp_path / "fails.pb", build), values)
    assert (receipt["rows"], receipt["agrees"], list(receipt["codes"])) == ("mixing", True, ["model_error"])
    assert receipt["rejected"] in (1_000, 1_001)
    rejects = read(tmp_path / "fails.scores.rejects.csv")
    assert "division by zero" in rejects[0]["detail"]
    assert "which one it was can't be told: the model mixes rows" in rejects[0]["detail"]
