"""Every column of the input comes out beside the scores, as if each had been named."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.compat import v1

import producer
from tests.support.farm import Farm
from tests.support.tables import read


def test_all_columns_are_those_of_keep_in_the_files_order(farm: Farm, tmp_path: Path) -> None:
    path = tmp_path / "night.csv"
    path.write_bytes(b'sent,id,text,,"a, b"\n1,a,hello,x,"y, z"\n2,b,"two\nlines",,caf\xe9\n3,c\n')
    words = "enqueue", path, "--encoding", "utf-8", "--json", "--output"
    one = farm.producer(*words, tmp_path / "one.csv", "--all-columns")
    assert one.code == 0, one.err
    rows = [line.rpartition(b",")[0] for line in (tmp_path / "one.csv").read_bytes().splitlines()]
    assert rows == [b'id,sent,text,,"a, b"', b'a,1,hello,x,"y, z"', b"b,2", b'lines",,caf\xe9']
    # With some of them named as well, it is the same job.
    two = farm.producer(*words, tmp_path / "two.csv", "--all-columns", "--keep", "text,id")
    assert json.loads(two.out)["job"] == json.loads(one.out)["job"]
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_a_name_that_would_be_there_twice_is_an_error_with_a_way_out(farm: Farm, tmp_path: Path) -> None:
    for header, why in (
        ("id,text,score", "the scores file would have two columns named 'score': --fetch NAME=NODE gives"),
        ("record,text,x", "the scores file would have two columns named 'record'"),
        ("id,text,text", "has more than one column 'text'"),
    ):
        path = tmp_path / "night.csv"
        path.write_text(f"{header}\n1,hello,2\n")
        run = farm.producer("enqueue", path, "--wait", "--all-columns")
        assert (run.code, len(run.err.splitlines())) == (1, 1)
        assert why in run.err
    path.write_text("id,text,score\n1,hello,2\n")
    run = farm.producer("enqueue", path, "--wait", "--all-columns", "--fetch", "spam=score")
    assert run.code == 0, run.err
    assert list(read(tmp_path / "night.scores.csv")[0]) == ["id", "text", "score", "spam"]


def test_a_matrix_that_takes_the_name_of_a_column_is_noticed(farm: Farm, tmp_path: Path) -> None:
    """How wide it is, nobody knows before it is scored."""
    with v1.Graph().as_default() as graph:
        tf.identity(tf.stack([v1.placeholder(tf.int32, [None], name="x")] * 2, axis=1), name="m")
    (tmp_path / "m.pb").write_bytes(graph.as_graph_def().SerializeToString())
    (tmp_path / "t.csv").write_text("id,x,m_1\n1,2,3\n")
    run = farm.producer("enqueue", tmp_path / "t.csv", "--model", tmp_path / "m.pb", "--wait", "--all-columns")
    assert run.code == 1
    assert "two columns named 'm_1'" in run.err
    assert not (tmp_path / "t.scores.csv").exists()


def test_a_retry_keeps_them_and_python_takes_the_word(
    farm: Farm, xy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    path = tmp_path / "points.csv"
    path.write_text("id,x,y,note\na,1,2,n\nb,2,3," + "z" * 500 + "\n")
    monkeypatch.setenv("NIGHTSHIFT_MAX_RECORD_BYTES", "400")
    with producer.enqueue(path, model=xy_model, all_columns=True) as job:
        assert job.wait(tmp_path / "out.csv").codes == {"record_too_large": 1}
        assert list(job.scores().columns) == ["id", "x", "y", "note", "op_to_store"]
    run = farm.producer("retry", job.id, NIGHTSHIFT_MAX_RECORD_BYTES="4000")
    assert run.code == 0, run.err
    rows = read(tmp_path / "out.csv")
    assert [(row["id"], row["y"], len(row["note"]), row["op_to_store"]) for row in rows] == [
        ("a", "2", 1, "3"),
        ("b", "3", 500, "7"),
    ]
