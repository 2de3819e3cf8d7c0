"""Freezing: the frozen file says what the restored checkpoint says, to the last bit, and holds nothing else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from model.checkpoints import checkpoint, saving
from model.graph import freeze, frozen
from tests.model.conftest import run_frozen
from tests.support.model_room import complaint, model, succeed

ROWS = np.random.RandomState(0).randn(1000, 16).astype(np.float32)


def variable(name: str, *shape: int, resource: bool = True) -> tf.Variable:
    start = v1.random_normal_initializer(seed=len(name))
    return v1.get_variable(name, shape, initializer=start, use_resource=resource)


def scaled(x: tf.Tensor) -> tf.Tensor:
    """(x * k) * 1.1: given k as a constant, TensorFlow would multiply the constants first."""
    return tf.reduce_sum(((x * variable("k")) * 1.1 + variable("offset")) + 0.7, axis=1)


def layers(x: tf.Tensor) -> tf.Tensor:
    hidden = tf.nn.relu(tf.nn.bias_add(tf.matmul(x, variable("w", 16, 8, resource=False)), variable("wb", 8)))
    return tf.squeeze(tf.matmul(hidden * 0.3, variable("out", 8, 1)), 1)


def in_functions(x: tf.Tensor) -> tf.Tensor:
    weights = variable("w", 16)
    table = variable("rows", 4, 16)

    @tf.function
    def inner(x: tf.Tensor) -> tf.Tensor:
        return x * weights + tf.gather(table, tf.cast(tf.abs(x[:, 0]), tf.int32) % 4)

    @tf.function
    def outer(x: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(inner(x), axis=1)

    return outer(x)


def with_control_flow(x: tf.Tensor) -> tf.Tensor:
    weights = variable("w", 16)
    chosen = tf.cond(tf.reduce_sum(x) > 0, lambda: x * weights, lambda: x - weights)
    loop = tf.while_loop(lambda i, _: i < 3, lambda i, total: (i + 1, total + chosen * 0.3), [0, chosen])
    return tf.reduce_sum(loop[1], axis=1)


@pytest.mark.parametrize("build", [scaled, layers, in_functions, with_control_flow])
def test_frozen_scores_are_those_of_the_restored_checkpoint_to_the_last_bit(
    build: Callable[[tf.Tensor], tf.Tensor], tmp_path: Path
) -> None:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        tf.identity(build(v1.placeholder(tf.float32, [None, 16], name="x")), name="score")
        session.run(v1.global_variables_initializer())
        saving.save(session, tmp_path, 1)
    with checkpoint.restored(checkpoint.find(tmp_path)) as session:
        expected = session.run("score:0", {"x:0": ROWS})
    succeed("freeze", tmp_path, "--output", tmp_path / "m.pb")
    np.testing.assert_array_equal(run_frozen(tmp_path / "m.pb", "score:0", {"x:0": ROWS}), expected)
    assert frozen.refusals(frozen.parse((tmp_path / "m.pb").read_bytes())) == []


@pytest.mark.parametrize("resource", [True, False])
def test_a_frozen_variable_keeps_its_name(resource: bool, tmp_path: Path) -> None:
    """`session.run("b:0")` and `get_tensor_by_name("b:0")` are in people's scripts."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        b = v1.get_variable("b", initializer=[1, 2], use_resource=resource)
        tf.add(v1.placeholder(tf.int32, name="x"), b, name="score")
        session.run(v1.global_variables_initializer())
        content = freeze.freeze(session)
    loaded = frozen.load(content)
    assert loaded.get_operation_by_name("b").type == "Const"
    with v1.Session(graph=loaded) as session:
        assert session.run("b:0").tolist() == [1, 2]
        assert session.run(loaded.get_tensor_by_name("b:0")).tolist() == [1, 2]
    assert [each.op.name for each in frozen.placeholders(loaded)] == ["x"]
    assert [each.op.name for each in frozen.terminal_tensors(loaded)] == ["score"]


@pytest.fixture
def two_headed(tmp_path: Path) -> Path:
    """A trained graph with the outputs `score` and `language`, summaries, dropout and an optimiser's slots."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        keep = v1.placeholder_with_default(1.0, [], name="keep_prob")
        w, z = variable("w", 4, 1), variable("z", 4, 2)
        score = tf.identity(tf.squeeze(tf.matmul(v1.nn.dropout(x, keep_prob=keep), w), 1), name="score")
        tf.argmax(tf.matmul(x, z), axis=1, name="language")
        loss = tf.reduce_mean(tf.square(score - v1.placeholder(tf.float32, [None], name="label")))
        v1.summary.scalar("loss", loss)
        minimise = v1.train.AdamOptimizer().minimize(loss)
        session.run(v1.global_variables_initializer())
        session.run(minimise, {"x:0": np.ones((2, 4)), "label:0": [0, 1]})
        saving.save(session, tmp_path / "run", 7)
    return tmp_path / "run"


def test_what_only_training_needs_is_dropped(two_headed: Path, tmp_path: Path) -> None:
    succeed("freeze", two_headed, "--output", tmp_path / "one.pb")
    nodes = {node.name: node.op for node in v1.GraphDef.FromString((tmp_path / "one.pb").read_bytes()).node}
    assert {"x", "w", "score"} <= nodes.keys()
    assert nodes.keys().isdisjoint({"label", "z", "language", "loss", "w/Adam", "beta1_power", "save/SaveV2"})
    assert not [op for op in nodes.values() if "Apply" in op or "Summary" in op or "Variable" in op]


def test_one_output_or_several(two_headed: Path, tmp_path: Path) -> None:
    for number, words in enumerate((["--node", "score,language"], ["--node", "score", "--node", "language:0"])):
        path = tmp_path / f"{number}.pb"
        succeed("freeze", two_headed, "--output", path, *words)
        outputs = [each.op.name for each in frozen.terminal_tensors(frozen.load(path.read_bytes()))]
        assert outputs == ["score", "language"]


def test_the_only_output_needs_no_name_and_several_are_listed(xy: v1.Session, tmp_path: Path) -> None:
    saving.save(xy, tmp_path / "one", 1)
    succeed("freeze", tmp_path / "one", "--output", tmp_path / "xy.pb")
    with xy.graph.as_default():
        tf.negative(xy.graph.get_tensor_by_name("x:0"), name="other")
    saving.save(xy, tmp_path / "two", 1)
    line = complaint("freeze", tmp_path / "two", "--output", tmp_path / "no.pb")
    assert line.endswith("name its outputs with --node (perhaps op_to_store, other)")
    assert "no node 'nope'" in complaint("freeze", tmp_path / "two", "--output", tmp_path / "no.pb", "--node", "nope")
    assert not (tmp_path / "no.pb").exists()


def test_the_same_checkpoint_freezes_to_the_same_bytes(two_headed: Path, tmp_path: Path) -> None:
    """The model's digest is part of a job's identity."""
    for name in ("a", "b"):
        succeed("freeze", two_headed, "--output", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_variable_that_was_not_saved_is_named(xy: v1.Session, tmp_path: Path) -> None:
    with xy.graph.as_default():
        xy.run(v1.get_variable("c", initializer=2).initializer)
    saving.save(xy, tmp_path, 1, saving.Policy(variables=["c"]))
    assert complaint("freeze", tmp_path, "--output", tmp_path / "x.pb").endswith(
        "op_to_store needs the variable 'b', which the checkpoint lacks"
    )


def test_options_of_the_other_kind_are_wrong_usage(two_headed: Path, tmp_path: Path) -> None:
    assert model("freeze", two_headed, "--output", tmp_path / "x.pb", "--tag", "serve").exit_code == 2
    assert model("freeze", two_headed, "--output", tmp_path / "x.pb", "--node", "a,,b").exit_code == 2
