"""After freezing, the file and what it was made of compute the same records; beyond the bound there is no file."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from model.checkpoints import opening, saving
from model.errors import ModelError
from model.graph import compare, freeze
from tests.support.model_room import complaint, model


def checkpoint(place: Path, weight: float, name: str = "w") -> str:
    """score = [x * w, x]."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, [None], "x")
        tf.stack([x * v1.get_variable(name, initializer=weight), x], 1, name="score")
        session.run(v1.global_variables_initializer())
        return saving.save(session, place, 1)


@pytest.mark.parametrize(
    ("weight", "said"),
    [(1.0 + 1e-3, "differs from the original by"), (1.0 - 2e-6, "the largest of a row of 'score' is another one")],
)
def test_other_scores_are_an_error(weight: float, said: str, tmp_path: Path) -> None:
    ours = opening.from_checkpoint(checkpoint(tmp_path / "ours", 1.0 + 2e-6))
    theirs = opening.from_checkpoint(checkpoint(tmp_path / "theirs", weight))
    made = freeze.convert(theirs, {"score": "score"})
    assert compare.compare(made, theirs).difference == 0
    with pytest.raises(ModelError, match=said):
        compare.compare(made, ours)


def test_scores_that_differ_a_little_are_said_to(tmp_path: Path) -> None:
    ours = opening.from_checkpoint(checkpoint(tmp_path / "ours", 1.1))
    theirs = opening.from_checkpoint(checkpoint(tmp_path / "theirs", 1.1 + 1e-6))
    outcome = compare.compare(freeze.convert(theirs, {"score": "score"}), ours)
    assert outcome.records == 16
    assert outcome.difference is not None
    assert 1e-7 < outcome.difference < 2e-6
    assert "differs by at most" in outcome.text


def test_records_on_which_both_fail_do_not_count(tmp_path: Path) -> None:
    """None of the made-up texts is a JPEG."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        image = v1.placeholder(tf.string, [], "image")
        weight = v1.get_variable("w", initializer=2.0)
        tf.multiply(tf.reduce_mean(tf.cast(tf.io.decode_jpeg(image), tf.float32)), weight, name="score")
        session.run(v1.global_variables_initializer())
        saving.save(session, tmp_path / "theirs", 1)
    result = model("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert result.exit_code == 0, result.output
    assert result.stderr == "not compared with the original: no made-up record can be computed\n"


def test_given_records_are_compared_where_made_up_ones_cannot_be(tmp_path: Path) -> None:
    """Pictures from a file, as TensorFlow Serving would take them; fewer than eight prove too little."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        image = v1.placeholder(tf.string, [None], "image")
        scale = v1.placeholder(tf.float32, [], "scale")
        weight = v1.get_variable("w", initializer=2.0)
        means = tf.map_fn(lambda each: tf.reduce_mean(tf.cast(tf.io.decode_jpeg(each), tf.float32)), image, tf.float32)
        tf.multiply(means * scale, weight, name="score")
        pictures = [tf.io.encode_jpeg(tf.fill([4, 4, 1], tf.constant(9 * n, tf.uint8))) for n in range(9)]
        encoded = session.run(pictures)
        session.run(v1.global_variables_initializer())
        saving.save(session, tmp_path / "theirs", 1)
    lines = [json.dumps({"image": {"b64": base64.b64encode(each).decode()}, "scale": 0.5}) for each in encoded]
    sample = tmp_path / "sample.jsonl"
    for kept, said in (
        (lines, "compared with the original on 9 given records: is the same to the last bit"),
        (lines[:3], "not compared with the original: only 3 given records can be computed"),
    ):
        sample.write_text("\n".join(kept))
        result = model("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb", "--sample", sample)
        assert (result.exit_code, result.stderr) == (0, f"{said}\n")
    (tmp_path / "m.pb").unlink()
    for text, said in (
        ("[1]", "sample.jsonl, line 1: a JSON object with a value an input is wanted"),
        ("[" * 100_000, "sample.jsonl, line 1: a JSON object with a value an input is wanted"),
        ("\n", "sample.jsonl has no records"),
        (lines[0] + '\n{"scale": 1}', "its record 2 has no value for the input 'image'"),
        ('{"image": ["a"], "scale": 1}', "the input 'image' has the shape (None,), and is given [1, 1]"),
        ('{"image": "a", "scale": "x"}', "what its records have for the input 'scale' is not float32"),
    ):
        sample.write_text(text)
        assert said in complaint("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb", "--sample", sample)
        assert not (tmp_path / "m.pb").exists()


def test_random_outputs_are_not_compared(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, [None, 8], "x")
        tf.reduce_sum(v1.nn.dropout(x * v1.get_variable("w", initializer=2.0), keep_prob=0.5), 1, name="score")
        session.run(v1.global_variables_initializer())
        saving.save(session, tmp_path / "theirs", 1)
    result = model("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert result.stderr == "not compared with the original: its outputs are random\n"


def test_examples_are_made_up_as_the_graph_parses_them(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        features = {
            "amount": tf.io.FixedLenFeature([2], tf.float32),
            "age": tf.io.FixedLenFeature([], tf.int64, 30),
            "words": tf.io.VarLenFeature(tf.string),
        }
        parsed = v1.parse_example(v1.placeholder(tf.string, [None], "examples"), features)
        total = tf.reduce_sum(parsed["amount"], 1) + tf.cast(parsed["age"], tf.float32)
        tf.multiply(total, v1.get_variable("w", initializer=2.0), name="score")
        session.run(v1.global_variables_initializer())
        saving.save(session, tmp_path / "theirs", 1)
    result = model("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert result.stderr.startswith("compared with the original on 16 made-up records"), result.output


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    said = complaint("freeze", tmp_path / "model.h5", "--output", tmp_path / "m.pb")
    assert "is an HDF5 file, no frozen graph: " in said
    (tmp_path / "model.pb").write_bytes(np.arange(100, dtype=np.uint8).tobytes())
    assert "its bytes are no GraphDef" in complaint("freeze", tmp_path / "model.pb", "--output", tmp_path / "m.pb")
