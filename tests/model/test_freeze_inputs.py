"""What a frozen graph is fed: a signature's inputs wherever they are, where it is cut, and what is set for good."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.compat import v1

from graphs.messages import parse
from graphs.signature import Signature
from graphs.words import NOTHING
from model.checkpoints import saving
from tests.model.conftest import run_frozen
from tests.support.model_room import complaint, model, succeed

ROWS = np.random.RandomState(0).rand(20, 4).astype(np.float32)


def nodes(path: Path) -> dict[str, str]:
    return {node.name: node.op for node in v1.GraphDef.FromString(path.read_bytes()).node}


class Scaled(tf.Module):
    @tf.function
    def score(self, x: tf.Tensor, scale: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"score": x * scale}


def test_an_input_with_a_default_is_fed_or_keeps_it(tmp_path: Path) -> None:
    """`f(x, scale=tf.constant([1.]))`: the default was baked in, and the column ignored."""
    session = v1.Session(graph=v1.Graph())
    with session, session.graph.as_default():
        x = v1.placeholder(tf.float32, [None], name="Placeholder_7")
        scale = v1.placeholder_with_default([2.0], [None], name="default_of_scale")
        signature = v1.saved_model.predict_signature_def({"x": x, "scale": scale}, {"score": x * scale})
        builder = v1.saved_model.Builder(str(tmp_path / "theirs"))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    found = nodes(tmp_path / "m.pb")
    assert found["x"] == "Placeholder"
    assert found["scale"] == "PlaceholderWithDefault"
    assert run_frozen(tmp_path / "m.pb", "score:0", {"x:0": [1, 2]}).tolist() == [2, 4]
    assert run_frozen(tmp_path / "m.pb", "score:0", {"x:0": [1, 2], "scale:0": [5]}).tolist() == [5, 10]


def test_an_input_in_the_middle_of_the_graph_becomes_a_placeholder(tmp_path: Path) -> None:
    session = v1.Session(graph=v1.Graph())
    with session, session.graph.as_default():
        serialized = v1.placeholder(tf.string, name="tf_example")
        x = tf.identity(v1.parse_example(serialized, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"], name="x")
        y = tf.add(x * 0.5, 2.0, name="y")
        builder = v1.saved_model.Builder(str(tmp_path / "theirs"))
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert nodes(tmp_path / "m.pb")["x"] == "Placeholder"
    assert "tf_example" not in nodes(tmp_path / "m.pb")
    assert run_frozen(tmp_path / "m.pb", "y:0", {"x:0": [[4]]}).tolist() == [[4]]


def test_a_sparse_input_is_three_placeholders(tmp_path: Path) -> None:
    session = v1.Session(graph=v1.Graph())
    with session, session.graph.as_default():
        words = v1.sparse_placeholder(tf.float32, [None, 4], name="words")
        score = v1.sparse_reduce_sum(words, 1)
        info = v1.saved_model.build_tensor_info
        signature = v1.saved_model.build_signature_def({"bag": info(words)}, {"score": info(score)})
        builder = v1.saved_model.Builder(str(tmp_path / "theirs"))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    fed = {"bag/indices:0": [[0, 1], [1, 3]], "bag/values:0": [2, 3], "bag/shape:0": [2, 4]}
    assert run_frozen(tmp_path / "m.pb", "score:0", fed).tolist() == [2, 3]


def test_sparse_and_ragged_outputs_are_scored_as_lists(tmp_path: Path) -> None:
    """A signature's output may be several tensors; the frozen file has their parts under its name."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        text = v1.placeholder(tf.string, [None], name="Placeholder")
        words = tf.strings.split(text)
        info = v1.saved_model.build_tensor_info
        outputs = {"words": info(words), "bag": info(tf.strings.length(words).to_sparse())}
        signature = v1.saved_model.build_signature_def({"text": info(text)}, outputs)
        builder = v1.saved_model.Builder(str(tmp_path / "theirs"))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    found = Signature.of(parse((tmp_path / "m.pb").read_bytes()))
    assert {fetch.tensor: fetch.form for fetch in found.fetches(NOTHING)} == {"words": "ragged", "bag": "sparse"}
    fed = {"text:0": [b"one two", b"", b"three"]}
    assert run_frozen(tmp_path / "m.pb", "words/row_splits_0:0", fed).tolist() == [0, 2, 2, 3]
    assert run_frozen(tmp_path / "m.pb", "bag/values:0", fed).tolist() == [3, 3, 5]
    shown = json.loads(succeed("inspect", tmp_path / "m.pb", "--json"))
    outputs = {each["name"]: (each["dtype"], each["shape"]) for each in shown["outputs"]}
    assert outputs == {"words": ("string", [-1, -1]), "bag": ("int32", [-1, -1])}


@pytest.fixture
def with_iterator(branches_of_tensorflow_1: None, tmp_path: Path) -> Path:
    """A checkpoint whose graph reads from an iterator of its own, and has dropout and a switch for training."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        batches = v1.data.make_initializable_iterator(tf.data.Dataset.from_tensor_slices(ROWS).batch(5))
        weights = v1.get_variable("w", [4, 3], initializer=v1.random_normal_initializer(seed=1))
        keep, training = v1.placeholder(tf.float32, [], "keep_prob"), v1.placeholder(tf.bool, [], "is_training")
        moving = v1.get_variable("mean", [4], trainable=False, use_resource=False, initializer=v1.ones_initializer())
        x = batches.get_next()

        def learning() -> tf.Tensor:
            with tf.control_dependencies([v1.assign(moving, tf.reduce_mean(x, 0))]):
                return x - tf.reduce_mean(x, 0)

        centred = v1.cond(training, learning, lambda: x - moving)
        tf.nn.softmax(tf.matmul(v1.nn.dropout(centred, keep_prob=keep), weights), name="probabilities")
        session.run(v1.global_variables_initializer())
        saving.save(session, tmp_path / "theirs", 1)
        np.save(tmp_path / "expected.npy", session.run("probabilities:0", {x: ROWS, keep: 1.0, training: False}))
    return tmp_path / "theirs"


def test_an_iterator_is_cut_off_and_a_training_branch_set_away(with_iterator: Path, tmp_path: Path) -> None:
    words = ("--node", "probabilities", "--input", "IteratorGetNext", "--set", "keep_prob=1")
    output = ("--output", tmp_path / "m.pb")
    said = model("freeze", with_iterator, *output, *words, "--set", "is_training=false")
    assert said.exit_code == 0, said.output
    assert said.stderr.startswith("compared with the original on 16 made-up records")
    found = nodes(tmp_path / "m.pb")
    assert found["IteratorGetNext"] == "Placeholder"
    assert not {"Switch", "Merge", "Assign"} & {op.removeprefix("Ref") for op in found.values()}
    given = run_frozen(tmp_path / "m.pb", "probabilities:0", {"IteratorGetNext:0": ROWS})
    np.testing.assert_allclose(given, np.load(tmp_path / "expected.npy"), atol=1e-6)
    # Without --set, the branch that trains would have to stay, and says how it need not.
    assert "--set is_training=false" in complaint("freeze", with_iterator, *output, *words)


def test_what_cannot_be_set_or_cut_is_named(with_iterator: Path, tmp_path: Path) -> None:
    words = ("freeze", with_iterator, "--output", tmp_path / "n.pb", "--node", "probabilities")
    assert "has no tensor 'nope' to make an input of" in complaint(*words, "--input", "nope")
    assert "has no placeholder of this name" in complaint(*words, "--set", "nope=1")
    assert "'many' is no float32" in complaint(*words, "--set", "keep_prob=many")
    assert not (tmp_path / "n.pb").exists()


def test_a_frozen_graph_is_cut_and_set_as_well_in_binary_or_text(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph:
        x, scale = v1.placeholder(tf.float32, [None], "x"), v1.placeholder(tf.float32, [], "scale")
        tf.multiply(x + 1.0, scale, name="score")
    (tmp_path / "a.pb").write_bytes(graph.as_graph_def().SerializeToString())
    (tmp_path / "a.pbtxt").write_text(text_format.MessageToString(graph.as_graph_def()))
    for name in ("a.pb", "a.pbtxt"):
        succeed("freeze", tmp_path / name, "--output", tmp_path / "m.pb", "--set", "scale=3", "--input", "add")
        assert run_frozen(tmp_path / "m.pb", "score:0", {"add:0": [2]}).tolist() == [6]


def test_a_branch_in_a_function_is_set_away(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph:
        x, training = v1.placeholder(tf.float32, [None], "x"), v1.placeholder(tf.bool, [], "training")
        tf.identity(tf.cond(training, lambda: x * 2.0, lambda: x + 1.0), name="score")
    (tmp_path / "a.pb").write_bytes(graph.as_graph_def().SerializeToString())
    succeed("freeze", tmp_path / "a.pb", "--output", tmp_path / "m.pb", "--set", "training=false")
    assert not {"If", "StatelessIf"} & set(nodes(tmp_path / "m.pb").values())
    assert run_frozen(tmp_path / "m.pb", "score:0", {"x:0": [4]}).tolist() == [5]
