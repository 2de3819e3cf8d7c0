"""SavedModels of either TensorFlow, from elsewhere, become one frozen file with the names of their signature."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from tests.model.conftest import run_frozen
from tests.support.model_room import complaint, succeed

TEXTS = [b"abc", b"", b"x" * 300]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A v1 SavedModel: the tags serve and train, two signatures, and names inside that nobody would choose."""
    path = tmp_path_factory.mktemp("first") / "exported"
    builder = v1.saved_model.Builder(str(path))
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        text = v1.placeholder(tf.string, [None], name="Placeholder_3")
        table = v1.get_variable("emb", [256], initializer=v1.random_normal_initializer(seed=1))
        length = tf.identity(tf.strings.length(text), name="score")  # the name of something else
        logits = tf.multiply(tf.gather(table, length % 256), 1.1, name="dense/BiasAdd")
        session.run(v1.global_variables_initializer())
        info = v1.saved_model.build_tensor_info
        signatures = {
            "serving_default": v1.saved_model.build_signature_def({"text": info(text)}, {"score": info(logits)}),
            "lengths": v1.saved_model.build_signature_def({"text": info(text)}, {"length": info(length)}),
        }
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=signatures)
        builder.add_meta_graph(["train"])
        builder.save()
        np.save(path / "expected.npy", session.run(logits, {text: TEXTS}))
    return path


class Module(tf.Module):
    """A TF2 model without Keras."""

    def __init__(self) -> None:
        super().__init__()
        self.table = tf.Variable(tf.random.stateless_normal([256, 4], [1, 2]), name="emb")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def __call__(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.gather(self.table, tf.strings.length(text) % 256)
        score = tf.sigmoid(tf.reduce_sum(rows * 1.1, axis=1))
        return {"score": score, "spam": score > 0.5}


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("second") / "exported"
    module = Module()
    tf.saved_model.save(module, str(path), signatures=module.__call__)
    np.save(path / "expected.npy", module(tf.constant(TEXTS))["score"].numpy())
    return path


@pytest.mark.parametrize("version", ["first", "second"])
def test_its_inputs_and_outputs_are_called_as_in_its_signature(
    version: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """So that the columns of a file can be named after them."""
    path: Path = request.getfixturevalue(version)
    succeed("freeze", path, "--output", tmp_path / "m.pb")
    expected = np.load(path / "expected.npy")
    np.testing.assert_array_equal(run_frozen(tmp_path / "m.pb", "score:0", {"text:0": TEXTS}), expected)
    shown = succeed("inspect", tmp_path / "m.pb")
    assert "the column text, or --feed text=COLUMN" in shown
    assert {line.split()[1] for line in shown.splitlines() if line.startswith("output ")} <= {"score", "spam"}
    assert "refused" not in shown
    succeed("freeze", path / "saved_model.pb", "--output", tmp_path / "same.pb")
    assert (tmp_path / "same.pb").read_bytes() == (tmp_path / "m.pb").read_bytes()


def test_several_outputs_of_a_signature(second: Path, tmp_path: Path) -> None:
    succeed("freeze", second, "--output", tmp_path / "m.pb")
    scores = np.load(second / "expected.npy")
    assert run_frozen(tmp_path / "m.pb", "spam:0", {"text:0": TEXTS}).tolist() == (scores > 0.5).tolist()


def test_another_signature_or_a_node_of_the_graph(first: Path, tmp_path: Path) -> None:
    succeed("freeze", first, "--output", tmp_path / "m.pb", "--signature", "lengths")
    assert run_frozen(tmp_path / "m.pb", "length:0", {"text:0": TEXTS}).tolist() == [3, 0, 300]
    succeed("freeze", first, "--output", tmp_path / "m.pb", "--node", "dense/BiasAdd,score")
    found = run_frozen(tmp_path / "m.pb", "dense/BiasAdd:0", {"Placeholder_3:0": TEXTS})
    np.testing.assert_array_equal(found, np.load(first / "expected.npy"))
    succeed("freeze", first, "--output", tmp_path / "m.pb", "--tag", "train", "--node", "score")


def test_what_is_not_there_is_said_with_what_is(first: Path, tmp_path: Path) -> None:
    freeze = ("freeze", first, "--output", tmp_path / "m.pb")
    assert complaint(*freeze, "--tag", "gpu").endswith("has no graph tagged gpu; it has: --tag serve; --tag train")
    assert complaint(*freeze, "--signature", "x").endswith("no signature 'x'; it has: lengths, serving_default")
    assert "--signature or --node" in complaint(*freeze, "--tag", "train")


def test_a_torn_saved_model_is_one_line(second: Path, tmp_path: Path) -> None:
    for name in ("saved_model.pb", "variables/variables.data-00000-of-00001"):
        copy = tmp_path / name.split("/")[0]
        (copy / "variables").mkdir(parents=True)
        for part in ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"):
            content = (second / part).read_bytes()
            (copy / part).write_bytes(content[: len(content) // 2] if part == name else content)
        assert complaint("freeze", copy, "--output", tmp_path / "m.pb").startswith("model: cannot ")
