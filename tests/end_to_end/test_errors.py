"""What goes wrong is one clear line on stderr and an exit code, before anything is enqueued where that can be known."""

import time
from pathlib import Path

import pytest

from tests.support.checkout import MESSAGES
from tests.support.farm import Farm


@pytest.fixture
def points(tmp_path: Path) -> Path:
    path = tmp_path / "points.csv"
    path.write_text("x,y\n1,2\n")
    return path


def complaint(farm: Farm, *words: object, code: int = 1) -> str:
    """The one line on stderr; nothing on stdout, and no new job."""
    jobs = farm.ledger.job_ids()
    run = farm.producer(*words)
    assert run.code == code
    assert run.out == ""
    assert farm.ledger.job_ids() == jobs
    [line] = run.err.splitlines()
    return line


def frozen(path: Path, build: str) -> Path:
    """Writes the graph that a line of tf.compat.v1 code builds."""
    import tensorflow as tf

    graph = tf.compat.v1.Graph()
    with graph.as_default():
        exec(build, {"tf": tf, "v1": tf.compat.v1})  # noqa: S102 -- our own lines, below
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def test_a_file_that_is_not_there(farm: Farm, tmp_path: Path) -> None:
    assert "No such file" in complaint(farm, "enqueue", tmp_path / "no.csv")


def test_an_empty_file(farm: Farm, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    assert "empty, not even a header" in complaint(farm, "enqueue", tmp_path / "empty.csv")


def test_a_missing_column(farm: Farm, points: Path) -> None:
    line = complaint(farm, "enqueue", points)
    assert line.endswith(
        "no column 'text' to feed the graph's placeholder 'text' (--feed text=COLUMN); its columns: 'x', 'y'"
    )
    assert "no column 'z'" in complaint(farm, "enqueue", MESSAGES, "--keep", "z")
    assert "no column 'z'" in complaint(farm, "enqueue", MESSAGES, "--id", "z")


def test_a_file_that_is_no_graph(farm: Farm, points: Path) -> None:
    assert "is no frozen graph" in complaint(farm, "enqueue", MESSAGES, "--model", points)
    assert "No such file" in complaint(farm, "enqueue", MESSAGES, "--model", points.with_name("no.pb"))
    assert "model freeze" in complaint(farm, "enqueue", MESSAGES, "--model", points.parent)


def test_a_graph_that_is_not_frozen(farm: Farm, points: Path, tmp_path: Path) -> None:
    build = "tf.add(v1.placeholder(tf.int32, name='x'), v1.get_variable('b', initializer=tf.constant(1)), name='z')"
    line = complaint(farm, "enqueue", points, "--model", frozen(tmp_path / "loose.pb", build))
    assert "has the variable 'b', so it is not frozen" in line


def test_a_graph_with_nothing_to_feed(farm: Farm, points: Path, tmp_path: Path) -> None:
    model = frozen(tmp_path / "constant.pb", "tf.identity(tf.constant([1.0]), name='z')")
    assert "has nothing to feed" in complaint(farm, "enqueue", points, "--model", model)


def test_a_node_to_fetch_that_is_not_there(farm: Farm, points: Path, xy_model: Path) -> None:
    line = complaint(farm, "enqueue", points, "--model", xy_model, "--fetch", "nonsense")
    assert "no node 'nonsense'; its terminal nodes: op_to_store" in line


def test_a_placeholder_that_no_column_can_feed(farm: Farm, points: Path, tmp_path: Path) -> None:
    for shape in ("[None, 3, 2]", "[8, 4]"):
        model = frozen(tmp_path / "m.pb", f"tf.identity(v1.placeholder(tf.float32, {shape}, name='w'), name='z')")
        assert "placeholder 'w'" in complaint(farm, "enqueue", points, "--model", model)


def test_an_output_that_is_not_one_row_a_record_fails_the_job_within_seconds(
    farm: Farm, points: Path, tmp_path: Path
) -> None:
    points.write_text("x\n1\n2\n")
    model = frozen(
        tmp_path / "sum.pb", "tf.reduce_logsumexp(v1.placeholder(tf.float32, [None], name='x'), name='total')"
    )
    began = time.monotonic()
    run = farm.producer("enqueue", points, "--model", model, "--wait")
    assert run.code == 1
    assert "output 'total' has the shape []" in run.err
    assert time.monotonic() - began < 15
    assert not list(tmp_path.glob("*partial")) + list(tmp_path.glob("*.scores*"))


def test_a_graph_that_reads_files_is_refused_by_the_workers(farm: Farm, points: Path, tmp_path: Path) -> None:
    points.write_text("text\n/etc/passwd\n")
    model = frozen(tmp_path / "spy.pb", "tf.map_fn(tf.io.read_file, v1.placeholder(tf.string, [None], name='text'))")
    run = farm.producer("enqueue", points, "--model", model, "--wait")
    assert run.code == 1
    assert "ReadFile" in run.err
    assert len(run.err.splitlines()) == 1


def test_usage(farm: Farm) -> None:
    for words in (
        ("enqueue",),
        ("enqueue", MESSAGES, "--nonsense"),
        ("enqueue", MESSAGES, "--deadline", "25:00"),
        ("enqueue", MESSAGES, "--max-rejects", "x"),
    ):
        assert farm.producer(*words).code == 2


def test_output_that_cannot_be_written(farm: Farm, points: Path, xy_model: Path, tmp_path: Path) -> None:
    words = ("enqueue", points, "--model", xy_model, "--output")
    assert "is no directory" in complaint(farm, *words, tmp_path / "no" / "out.csv")
    assert "is the input" in complaint(farm, *words, points)


def test_a_server_that_is_not_there_and_a_password_that_stays_secret(tmp_path: Path, farm: Farm) -> None:
    import os
    import subprocess
    import sys

    run = subprocess.run(
        [str(Path(sys.executable).parent / "producer"), "status"],
        env={**os.environ, "REDIS_URL": "redis://user:hunter2@127.0.0.1:1/0"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "no answer from redis://127.0.0.1:1/0" in run.stderr
    assert "hunter2" not in run.stderr
    assert len(run.stderr.splitlines()) == 1
