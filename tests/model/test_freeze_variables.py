"""Variables of every kind become constants: references under a cond, Keras 3's, those of TensorFlow's first format."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from tests.model.conftest import run_frozen
from tests.support.model_room import complaint, succeed

ROWS = np.random.RandomState(0).rand(20, 4).astype(np.float32)


def test_batch_norm_with_references_under_a_cond(branches_of_tensorflow_1: None, tmp_path: Path) -> None:
    """It gave a file that no TensorFlow imports."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, [None, 4], "x")
        training = v1.placeholder_with_default(False, [], "is_training")
        mean = v1.get_variable("mean", initializer=np.arange(4, dtype=np.float32), use_resource=False)
        centre = v1.cond(training, lambda: tf.reduce_mean(x, 0), lambda: mean)
        tf.reduce_sum(x - centre, 1, name="score")
        session.run(v1.global_variables_initializer())
        expected = session.run("score:0", {x: ROWS})
        v1.train.Saver().save(session, str(tmp_path / "theirs" / "model"))
    for words in ([], ["--set", "is_training=false"]):
        succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb", *words)
        np.testing.assert_array_equal(run_frozen(tmp_path / "m.pb", "score:0", {"x:0": ROWS}), expected)


def test_references_in_a_switch_of_tensorflow_1(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        x, flag = v1.placeholder(tf.float32, [None], "x"), v1.placeholder_with_default(True, [], "flag")
        ref = tf.raw_ops.VariableV2(shape=[], dtype=tf.float32, name="w")
        no, yes = tf.raw_ops.RefSwitch(data=ref, pred=flag)
        merged = tf.raw_ops.RefMerge(inputs=[tf.raw_ops.RefIdentity(input=no), tf.raw_ops.RefIdentity(input=yes)])
        tf.multiply(x, merged.output, name="score")
        session.run(tf.raw_ops.Assign(ref=ref, value=3.0))
        filename = v1.placeholder_with_default("model", [], "save/Const")
        saving = tf.raw_ops.SaveV2(prefix=filename, tensor_names=["w"], shape_and_slices=[""], tensors=[ref])
        restored = tf.raw_ops.RestoreV2(prefix=filename, tensor_names=["w"], shape_and_slices=[""], dtypes=[tf.float32])
        restoring = tf.raw_ops.Assign(ref=ref, value=restored[0])
        (tmp_path / "theirs").mkdir()
        prefix = str(tmp_path / "theirs" / "model")
        session.run(saving, {filename: prefix})
        saver_def = v1.train.SaverDef(filename_tensor_name="save/Const:0", restore_op_name=restoring.op.name)
        v1.train.export_meta_graph(f"{prefix}.meta", saver_def=saver_def)
    v1.train.update_checkpoint_state(str(tmp_path / "theirs"), prefix)
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert run_frozen(tmp_path / "m.pb", "score:0", {"x:0": [2]}).tolist() == [6]


@pytest.mark.filterwarnings("ignore")
def test_what_tf_saved_model_save_writes_of_a_keras_3_model(tmp_path: Path) -> None:
    """The loader of TensorFlow 1 leaves its variables without values."""
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input([4]), keras.layers.Dense(3, "relu"), keras.layers.Dense(2, "softmax")])
    tf.saved_model.save(model, str(tmp_path / "theirs"))
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    graph_def = v1.GraphDef.FromString((tmp_path / "m.pb").read_bytes())
    [fed] = [node.name for node in graph_def.node if node.op == "Placeholder"]
    given = run_frozen(tmp_path / "m.pb", "output_0:0", {f"{fed}:0": ROWS})
    np.testing.assert_allclose(given, model(ROWS).numpy(), atol=1e-6)


def test_a_checkpoint_in_the_first_format_and_a_partitioned_variable(tmp_path: Path) -> None:
    for version in (1, 2):
        with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
            rows = v1.get_variable(
                "rows",
                [6, 2],
                partitioner=v1.fixed_size_partitioner(3),
                initializer=v1.random_normal_initializer(seed=version),
            )
            tf.nn.embedding_lookup(tf.convert_to_tensor(rows), v1.placeholder(tf.int64, [None], "id"), name="score")
            session.run(v1.global_variables_initializer())
            place = tmp_path / str(version)
            place.mkdir()
            v1.train.Saver(write_version=version).save(session, str(place / "model.ckpt"))
            expected = session.run("score:0", {"id:0": range(6)})
        succeed("freeze", place, "--output", tmp_path / "m.pb")
        np.testing.assert_array_equal(run_frozen(tmp_path / "m.pb", "score:0", {"id:0": range(6)}), expected)
    succeed("freeze", tmp_path / "1" / "model.ckpt", "--output", tmp_path / "m.pb")


def test_text_of_a_variable_keeps_its_zeros(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        mark = v1.get_variable("mark", initializer=tf.constant(b"a\0\0"))
        tf.strings.length(tf.strings.join([v1.placeholder(tf.string, [], "text"), mark]), name="score")
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "theirs" / "model"))
    succeed("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert run_frozen(tmp_path / "m.pb", "score:0", {"text:0": b"x"}) == 4


def test_suggestions_are_what_predicts(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        x, labels = v1.placeholder(tf.float32, [None, 4], "x"), v1.placeholder(tf.float32, [None], "y")
        logit = tf.squeeze(tf.matmul(x, v1.get_variable("w", [4, 1])), 1)
        tf.sigmoid(logit, name="probability")
        tf.cast(logit > 0, tf.int64, name="predicted")
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logit), name="loss")
        v1.summary.scalar("loss_of_step", loss)
        v1.train.AdamOptimizer().minimize(loss)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "theirs" / "model"))
    said = complaint("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert said.endswith("(perhaps probability, predicted)")
