"""NIGHTSHIFT_ALLOW_OPS has a worker accept an op that others refuse; whoever enqueues hears of it."""

from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.compat import v1

from model.graph.registry import op_list
from tests.support.command import producer
from tests.support.farm import Farm
from tests.support.tables import read


@pytest.fixture
def spy(tmp_path: Path) -> Path:
    with v1.Graph().as_default() as graph:
        name = v1.placeholder(tf.string, [None], name="name")
        tf.map_fn(tf.io.read_file, name, name="content")
    path = tmp_path / "spy.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "hello.txt").write_text("hello")
    path = tmp_path / "names.csv"
    path.write_text(f"name\n{tmp_path / 'hello.txt'}\n")
    return path


def test_a_model_that_no_worker_accepts_is_not_enqueued_and_one_that_some_accept_is(
    farm: Farm, spy: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = farm.ledger.job_ids()
    run = farm.producer("enqueue", table, "--model", spy)
    assert (run.code, farm.ledger.job_ids()) == (1, jobs)
    assert "is the op ReadFile, which reads or writes files" in run.err
    monkeypatch.setenv("NIGHTSHIFT_ALLOW_OPS", "ReadFile")
    farm.ledger.presence.greet("elsewhere:1:1", op_list=op_list().text)
    try:
        run = farm.producer("enqueue", table, "--model", spy, "--wait")
    finally:
        farm.ledger.presence.leave("elsewhere:1:1")
    assert "only elsewhere:1:1 accepts it (NIGHTSHIFT_ALLOW_OPS), and the other workers may fail the job" in run.err
    assert "elsewhere:1:1 has that of TensorFlow" in run.err
    assert run.code == 1, "a worker that does not accept it refuses it itself"
    assert "refused: node" in run.err


@pytest.mark.slow
def test_a_worker_that_is_told_to_accept_an_op_scores_with_it(
    spy: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("enqueue", table, "--model", spy, "--wait", "--workers", "1")
    run = producer(tmp_path, *words)
    assert run.code == 1
    assert "is the op ReadFile, which reads or writes files" in run.err
    assert producer(tmp_path, "status").out == "no jobs yet\n"
    monkeypatch.setenv("NIGHTSHIFT_ALLOW_OPS", "ReadFile")
    monkeypatch.setenv("NIGHTSHIFT_CAGE", "off")  # in it the op is accepted, and reads nothing
    run = producer(tmp_path, *words)
    assert run.code == 0, run.err
    [row] = read(tmp_path / "names.scores.csv")
    assert "hello" in row.values()
    log = (tmp_path / ".nightshift" / "worker.log").read_text()
    assert "accepts the op ReadFile, which reads or writes files (NIGHTSHIFT_ALLOW_OPS)" in log
