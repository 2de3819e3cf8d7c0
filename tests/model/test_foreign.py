"""Of a stranger's model nothing runs but what its outputs need, and that is looked at before."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.protobuf import saved_model_pb2

from model.checkpoints import saving
from tests.model.conftest import complaint, model, run_frozen, succeed


def trained() -> v1.Session:
    """A session on score = x * w."""
    session = v1.Session(graph=v1.Graph())
    with session.graph.as_default():
        x = v1.placeholder(tf.float32, [None], name="x")
        tf.multiply(x, v1.get_variable("w", initializer=2.0), name="score")
        v1.global_variables_initializer().run(session=session)
    return session


def doctored_restore(place: Path, target: Path) -> Path:
    """A checkpoint whose restore op waits for a WriteFile."""
    with trained() as session:
        prefix = saving.save(session, place, 1)
    path = Path(f"{prefix}.meta")
    meta_graph = v1.MetaGraphDef.FromString(path.read_bytes())
    with v1.Graph().as_default() as graph:
        v1.import_graph_def(meta_graph.graph_def, name="")
        write = tf.io.write_file(str(target), "written", name="harmless")
        graph.get_operation_by_name(meta_graph.saver_def.restore_op_name)._add_control_input(write)
        meta_graph.graph_def.CopyFrom(graph.as_graph_def())
    path.write_bytes(meta_graph.SerializeToString())
    return place


def writing_init(place: Path, target: Path) -> Path:
    """A SavedModel of TensorFlow 1 whose main op writes."""
    with trained() as session, session.graph.as_default() as graph:
        x, score = graph.get_tensor_by_name("x:0"), graph.get_tensor_by_name("score:0")
        builder = v1.saved_model.Builder(str(place))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            {"serving_default": v1.saved_model.predict_signature_def({"x": x}, {"score": score})},
            main_op=tf.io.write_file(str(target), "written"),
        )
        builder.save()
    return place


class Calls(tf.Module):
    """A module of TensorFlow 2 whose scores come from a function that also writes."""

    def __init__(self, target: Path) -> None:
        super().__init__()
        self.w = tf.Variable(2.0)
        self.target = str(target)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def __call__(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        tf.io.write_file(self.target, "written")
        return {"score": x * self.w}


def writing_function(place: Path, target: Path) -> Path:
    module = Calls(target)
    tf.saved_model.save(module, str(place), signatures=module.__call__)
    return place


@pytest.mark.parametrize("build", [doctored_restore, writing_init])
def test_what_would_write_when_it_is_restored_is_never_run(build: Callable[[Path, Path], Path], tmp_path: Path) -> None:
    """Neither the model's own restore op nor its init op is needed for its scores."""
    target = tmp_path / "written"
    place = build(tmp_path / "theirs", target)
    target.unlink(missing_ok=True)  # what the building of it wrote
    succeed("freeze", place, "--output", tmp_path / "m.pb")
    assert run_frozen(tmp_path / "m.pb", "score:0", {"x:0": [3.0]}).tolist() == [6.0]
    succeed("inspect", place)
    if build is doctored_restore:
        assert succeed("restore", place, "--feed", "x=1", "--fetch", "score") == "score  [2.0]\n"
        succeed("restore", place, "--variables", "w")
    assert not target.exists()


def test_what_would_write_when_it_scores_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "written"
    place = writing_function(tmp_path / "theirs", target)
    target.unlink(missing_ok=True)
    assert "WriteFile" in complaint("freeze", place, "--output", tmp_path / "m.pb")
    model("inspect", place)
    assert not target.exists()
    assert not (tmp_path / "m.pb").exists()


def test_an_initialiser_that_would_write_is_refused_before_it_runs(tmp_path: Path) -> None:
    target = tmp_path / "written"
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        with tf.control_dependencies([tf.io.write_file(str(target), "written")]):
            initial = tf.constant(2.0) + 0.0
        v1.get_variable("v", initializer=initial)
        w = v1.get_variable("w", initializer=2.0)
        session.run(w.initializer)
        saving.save(session, tmp_path / "theirs", 1, saving.Policy(variables=["w"]))
    assert "WriteFile" in complaint("restore", tmp_path / "theirs", "--variables", "w")
    assert not target.exists()


def test_what_is_fetched_is_looked_at_as_well(tmp_path: Path) -> None:
    target = tmp_path / "written"
    with trained() as session:
        with session.graph.as_default(), tf.control_dependencies([tf.io.write_file(str(target), "written")]):
            tf.identity(session.graph.get_tensor_by_name("score:0"), name="other")
        saving.save(session, tmp_path / "theirs", 1)
    assert "WriteFile" in complaint("restore", tmp_path / "theirs", "--feed", "x=1", "--fetch", "other")
    assert not target.exists()
    assert succeed("restore", tmp_path / "theirs", "--feed", "x=1", "--fetch", "score") == "score  [2.0]\n"


def test_a_checkpoint_that_names_another_file_is_read_where_it_lies(tmp_path: Path) -> None:
    with trained() as session:
        path = Path(f"{saving.save(session, tmp_path / 'theirs', 1)}.meta")
    meta_graph = v1.MetaGraphDef.FromString(path.read_bytes())
    [restoring] = [node for node in meta_graph.graph_def.node if node.op == "RestoreV2"]
    other = meta_graph.graph_def.node.add(name="other", op="Const")
    other.attr["dtype"].type = tf.string.as_datatype_enum
    other.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(b"/somewhere/else"))
    restoring.input[0] = "other"
    path.write_bytes(meta_graph.SerializeToString())
    assert succeed("restore", tmp_path / "theirs", "--fetch", "w") == "w  2.0\n"


def test_a_vocabulary_that_is_no_asset_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one\ntwo\n")
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        initialiser = tf.lookup.TextFileInitializer(
            str(secret), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        )
        table = v1.lookup.StaticHashTable(initialiser, -1)
        w = v1.get_variable("w", initializer=np.int64(2))
        tf.add(table.lookup(v1.placeholder(tf.string, [None], name="text")), w, name="score")
        session.run(w.initializer)
        saving.save(session, tmp_path / "theirs", 1)
    said = complaint("freeze", tmp_path / "theirs", "--output", tmp_path / "m.pb")
    assert "filled from a file that is none of the model's assets" in said


def test_an_asset_outside_the_model_is_refused(tmp_path: Path) -> None:
    place = writing_function(tmp_path / "theirs", tmp_path / "written")
    saved = saved_model_pb2.SavedModel.FromString((place / "saved_model.pb").read_bytes())
    saved.meta_graphs[0].asset_file_def.add(filename="../../secret")
    (place / "saved_model.pb").write_bytes(saved.SerializeToString())
    assert "is no plain file name" in complaint("freeze", place, "--output", tmp_path / "m.pb")
