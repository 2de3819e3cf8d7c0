"""`model inspect M.pb --for data.csv` prints a command that works as it is."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from tests.support.command import model
from tests.support.farm import Farm
from tests.support.tables import read


def save(path: Path, build: Callable[[], object]) -> Path:
    with v1.Graph().as_default() as graph:
        build()
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def stacked() -> None:
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    keep = v1.placeholder(tf.float32, [], name="keep_prob")
    tf.identity(tf.linalg.matvec(x, tf.constant([1.0, 10.0, 100.0])) * keep, name="score")


def unknown() -> None:
    """An old graph, which says nothing of shapes."""
    tf.reduce_sum(v1.placeholder(tf.float32, None, name="x"), axis=1, name="score")


def texts() -> None:
    tf.strings.length(v1.placeholder(tf.string, [None], name="serving_input"), name="score")


@pytest.mark.parametrize(
    ("build", "table", "words", "scores"),
    [
        (stacked, "id,w0,w1,w2,label\n1,1,2,3,ham\n", ["--feed", "x=w*", "--set", "keep_prob=1"], [321]),
        (stacked, "id,b,a,c,name\n1,1,2,3,z\n", ["--feed", "x=b,a,c", "--set", "keep_prob=1"], [321]),
        (
            stacked,
            'id,bag,name\n1,"[1, 2]",z\n2,"[1, 1, 1]",z\n',
            ["--feed", "x=bag[]", "--set", "keep_prob=1"],
            [21, 111],
        ),
        (unknown, "id,name,b,a\n1,z,1,2\n", ["--feed", "x=b,a"], [3]),
        (texts, "id,lang,Body \n1,de,hello\n", ["--feed", 'serving_input="Body "'], [5]),
        (texts, "id,text\n1,hello\n", [], [5]),
    ],
)
def test_the_command_works_as_it_is(
    farm: Farm,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    build: Callable[[], object],
    table: str,
    words: list[str],
    scores: list[int],
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "m.pb", build)
    (tmp_path / "data.csv").write_text(table)
    run = model(tmp_path, "inspect", "m.pb", "--for", "data.csv")
    assert run.code == 0, run.err
    typed = shlex.split(run.out)
    assert typed == ["producer", "enqueue", "data.csv", "--model", "m.pb", *words]
    assert (run.err != "") == bool(words), "what is a guess is said"
    assert farm.producer(*typed[1:], "--wait").code == 0
    assert [float(row["score"]) for row in read(tmp_path / "data.scores.csv")] == scores


def test_a_cell_that_counts_as_empty_is_no_text_in_a_column_of_numbers(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "m.pb", stacked)
    (tmp_path / "data.csv").write_text("id,b,a,c,name\n1,NULL,2,3,z\n2,1.0,2,3,z\n")
    assert model(tmp_path, "inspect", "m.pb", "--for", "data.csv").code == 1
    (tmp_path / "m.toml").write_text('null = "NULL"\nfill = 0\n')
    run = model(tmp_path, "inspect", "m.pb", "--for", "data.csv")
    assert run.code == 0, run.err
    typed = shlex.split(run.out)
    assert typed[5:] == ["--feed", "x=b,a,c", "--set", "keep_prob=1"]
    assert farm.producer(*typed[1:], "--wait").code == 0
    assert [float(row["score"]) for row in read(tmp_path / "data.scores.csv")] == [320, 321]


def test_what_is_not_found_is_said_and_the_exit_code_is_1(tmp_path: Path) -> None:
    save(tmp_path / "m.pb", stacked)
    (tmp_path / "data.csv").write_text("id,a,b\n1,2,3\n")
    run = model(tmp_path, "inspect", "m.pb", "--for", "data.csv")
    assert run.code == 1
    assert "no column was found for x" in run.err
    assert "the columns are 'id', 'a', 'b'" in run.err


def test_what_feeds_each_input_is_said_in_the_words_to_type(tmp_path: Path) -> None:
    save(tmp_path / "m.pb", stacked)
    found = json.loads(model(tmp_path, "inspect", "m.pb", "--json").out)
    assert found["accepted"]
    assert {each["name"]: each["fed_from"] for each in found["inputs"]} == {
        "x": "the columns x_0 to x_2, or --feed x=A,B,C, f* or COLUMN[]",
        "keep_prob": "--set keep_prob=1",
    }


def test_what_no_column_can_feed_is_not_called_accepted(tmp_path: Path) -> None:
    def build() -> None:
        x = v1.placeholder(tf.variant, [None], name="x")
        tf.raw_ops.TensorListStack(
            input_handle=x[0], element_shape=np.array([2]), element_dtype=tf.float32, name="score"
        )

    save(tmp_path / "m.pb", build)
    found = json.loads(model(tmp_path, "inspect", "m.pb", "--json").out)
    assert not found["accepted"]
    assert "no column can feed the placeholder 'x'" in found["why_not"]
