"""The classic example, x * y + b with the output `op_to_store`, through all that can be done with a model here."""

import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.compat import v1

from model.checkpoints import checkpoint, partial, saving
from tests.model.conftest import run_frozen
from tests.support.model_room import complaint, succeed

FEEDS = {"x:0": [1, 2, 3], "y:0": [10, 20, 30]}


def test_saved_with_a_step_kept_and_partly_saved(xy: v1.Session, tmp_path: Path) -> None:
    writer = saving.Writer(xy, tmp_path / "kept", saving.Policy(keep=2))
    assert [Path(writer.save(step)).name for step in (10, 20, 30)] == [f"model.ckpt-{step}" for step in (10, 20, 30)]
    assert sorted(path.name for path in (tmp_path / "kept").glob("*.index")) == [
        "model.ckpt-20.index",
        "model.ckpt-30.index",
    ]
    with xy.graph.as_default():
        other = v1.get_variable("other", initializer=7)
    xy.run(other.initializer)
    prefix = saving.save(xy, tmp_path / "part", 1, saving.Policy(variables=["b"]))
    assert succeed("restore", prefix).split() == ["variable", "dtype", "shape", "b", "int32", "[]"]
    with checkpoint.imported(prefix) as (session, _):
        rows = partial.restore(session, prefix).rows
    assert [(row.variable, row.restored) for row in rows] == [("b", True), ("other", False)]


def test_restored_where_its_code_is_unknown_with_an_op_on_top(xy: v1.Session, tmp_path: Path) -> None:
    """As with TensorFlow alone: import_meta_graph, latest_checkpoint, tensors by name."""
    saving.save(xy, tmp_path, 1000)
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        saver = v1.train.import_meta_graph(f"{tmp_path}/model.ckpt-1000.meta")
        saver.restore(session, tf.train.latest_checkpoint(str(tmp_path)))
        doubled = graph.get_tensor_by_name("op_to_store:0") * 2
        assert session.run(doubled, FEEDS).tolist() == [22, 82, 182]
    with checkpoint.restored(checkpoint.find(tmp_path)) as session:
        with session.graph.as_default():
            tf.multiply(session.graph.get_tensor_by_name("op_to_store:0"), 2, name="doubled")
        assert session.run("doubled:0", FEEDS).tolist() == [22, 82, 182]
        saving.save(session, tmp_path / "more", 1)
    succeed("freeze", tmp_path / "more", "--output", tmp_path / "doubled.pb")
    assert run_frozen(tmp_path / "doubled.pb", "doubled:0", FEEDS).tolist() == [22, 82, 182]


@pytest.fixture
def frozen_xy(xy: v1.Session, tmp_path: Path) -> Path:
    saving.save(xy, tmp_path / "checkpoints", 1000)
    succeed("freeze", tmp_path / "checkpoints", "--node", "op_to_store", "--output", tmp_path / "xy.pb")
    return tmp_path / "xy.pb"


def test_frozen_from_the_checkpoint_and_inspected(frozen_xy: Path) -> None:
    shown = [line.split() for line in succeed("inspect", frozen_xy).splitlines()]
    for row in (["x", "int32", "unknown"], ["y", "int32", "unknown"], ["output", "op_to_store", "int32"]):
        assert row in [line[:3] for line in shown]
    assert run_frozen(frozen_xy, "op_to_store:0", FEEDS).tolist() == [11, 41, 91]
    assert run_frozen(frozen_xy, "b:0", {}) == 1


def producer(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(Path(sys.executable).parent / "producer"), *words], cwd=folder, capture_output=True, text=True, timeout=120
    )


@pytest.mark.slow
def test_scored_by_the_queue(frozen_xy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a checkpoint in place of the frozen file is answered with the command that freezes it."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    folder = frozen_xy.parent
    (folder / "points.csv").write_text("x,y\n1,10\n2,20\n3,30\n")
    refused = producer(folder, "enqueue", "points.csv", "--model", "checkpoints")
    assert refused.returncode == 1
    assert refused.stderr.endswith("this makes one: model freeze checkpoints --output checkpoints.pb\n")
    run = producer(folder, "enqueue", "points.csv", "--model", "xy.pb", "--workers", "1")
    assert run.returncode == 0, run.stderr
    assert (folder / "points.scores.csv").read_text() == "record,op_to_store\n1,11\n2,41\n3,91\n"
    assert "no checkpoint in" in complaint("restore", folder / "xy.pb")
