"""A stranger's model is looked at before anything of it runs: three that would write a file, and don't."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.protobuf import saved_model_pb2

from model.checkpoints import saving
from tests.support.model_room import complaint, model, succeed


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


@pytest.mark.parametrize("build", [doctored_restore, writing_init, writing_function])
def test_a_model_that_would_write_a_file_is_refused_and_writes_none(
    build: Callable[[Path, Path], Path], tmp_path: Path
) -> None:
    target = tmp_path / "written"
    place = build(tmp_path / "theirs", target)
    target.unlink(missing_ok=True)  # what the building of it wrote
    said = complaint("freeze", place, "--output", tmp_path / "m.pb")
    assert "WriteFile" in said
    model("inspect", place)
    if build is doctored_restore:
        assert "WriteFile" in complaint("restore", place, "--feed", "x=1", "--fetch", "score")
        assert "WriteFile" in complaint("restore", place, "--variables", "w")
    assert not target.exists()
    assert not (tmp_path / "m.pb").exists()


def test_what_is_fetched_is_looked_at_as_well(tmp_path: Path) -> None:
    target = tmp_path / "written"
    with trained() as session:
        with session.graph.as_default(), tf.control_dependencies([tf.io.write_file(str(target), "written")]):
            tf.identity(session.graph.get_tensor_by_name("score:0"), name="other")
        saving.save(session, tmp_path / "theirs", 1)
    assert "WriteFile" in complaint("restore", tmp_path / "theirs", "--feed", "x=1", "--fetch", "other")
    assert not target.exists()
    assert succeed("restore", tmp_path / "theirs", "--feed", "x=1", "--fetch", "score") == "score  [2.0]\n"


def test_a_checkpoint_that_reads_another_file_is_refused(tmp_path: Path) -> None:
    with trained() as session:
        path = Path(f"{saving.save(session, tmp_path / 'theirs', 1)}.meta")
    meta_graph = v1.MetaGraphDef.FromString(path.read_bytes())
    [restoring] = [node for node in meta_graph.graph_def.node if node.op == "RestoreV2"]
    other = meta_graph.graph_def.node.add(name="other", op="Const")
    other.attr["dtype"].type = tf.string.as_datatype_enum
    other.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(b"/somewhere/else"))
    restoring.input[0] = "other"
    path.write_bytes(meta_graph.SerializeToString())
    assert "reads another file than the checkpoint" in complaint("restore", tmp_path / "theirs", "--fetch", "w")


def test_an_asset_outside_the_model_is_refused(tmp_path: Path) -> None:
    place = writing_function(tmp_path / "theirs", tmp_path / "written")
    saved = saved_model_pb2.SavedModel.FromString((place / "saved_model.pb").read_bytes())
    saved.meta_graphs[0].asset_file_def.add(filename="../../secret")
    (place / "saved_model.pb").write_bytes(saved.SerializeToString())
    assert "is not a name inside the model's directory" in complaint("freeze", place, "--output", tmp_path / "m.pb")


def test_a_predicate_that_would_write_is_not_computed(tmp_path: Path) -> None:
    """A branch whose predicate is constant is chosen while freezing, and the predicate may call a function."""
    target = tmp_path / "written"

    @tf.function
    def writing() -> tf.Tensor:
        with tf.control_dependencies([tf.io.write_file(str(target), "written")]):
            return tf.constant(True)

    with v1.Graph().as_default() as graph:
        function = writing.get_concrete_function()
        x = v1.placeholder(tf.float32, [None], "x")
        chosen = tf.raw_ops.StatelessIf(
            cond=tf.constant(1), input=[], Tout=[tf.bool], then_branch=function, else_branch=function
        )
        v1.disable_control_flow_v2()
        tf.identity(v1.cond(chosen[0], lambda: x * 2.0, lambda: x), name="score")
        v1.enable_control_flow_v2()
    (tmp_path / "a.pb").write_bytes(graph.as_graph_def().SerializeToString())
    assert "WriteFile" in complaint("freeze", tmp_path / "a.pb", "--output", tmp_path / "m.pb")
    assert not target.exists()


def test_a_file_is_not_read_to_infer_a_shape(tmp_path: Path) -> None:
    """TensorFlow does so when it imports a graph."""
    with v1.Graph().as_default() as graph:
        shape = tf.io.decode_raw(tf.io.read_file(v1.placeholder_with_default(b"/dev/zero", [])), tf.int32)
        tf.reshape(v1.placeholder(tf.float32, [None], "x"), shape, name="score")
    (tmp_path / "a.pb").write_bytes(graph.as_graph_def().SerializeToString())
    assert "ReadFile" in complaint("freeze", tmp_path / "a.pb", "--output", tmp_path / "m.pb")
