"""Looking at a model before trusting it: frozen files, checkpoints, SavedModels, whole, torn and hostile."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.compat import v1

from model import inspection
from model.errors import ModelError
from model.graph import frozen, nodes
from tests.model.conftest import ROOT
from tests.support.model_room import complaint, succeed


def inspect(*arguments: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(succeed("inspect", *arguments, "--json"))
    return found


def write(path: Path, graph: tf.Graph) -> Path:
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel of TensorFlow 2, whose nodes and files have names that nobody chose."""
    module = tf.Module()
    module.w = tf.Variable([2.0, 3.0])
    double = tf.function(lambda x: {"y": x * module.w})
    signature = double.get_concrete_function(tf.TensorSpec([None, 2], tf.float32, name="x"))
    path = tmp_path_factory.mktemp("saved") / "model"
    tf.saved_model.save(module, str(path), signatures=signature)
    return path


def test_a_frozen_file_says_how_large_it_is_and_that_a_worker_takes_it(shipped: bytes) -> None:
    found = inspect(ROOT / "data" / "spam.pb")
    assert (found["kind"], found["accepted"], found["why_not"], found["freeze"]) == ("frozen graph", True, None, None)
    assert found["sha256"] == hashlib.sha256(shipped).hexdigest()
    assert {"name": "weights_fixed", "dtype": "int32", "shape": [2**16], "parameters": 2**16, "bytes": 2**18} in found[
        "values"
    ]
    assert found["parameters"] == sum(each["parameters"] for each in found["values"])
    assert sum(found["ops"].values()) == found["nodes"]


def test_people_are_shown_the_largest_first() -> None:
    printed = succeed("inspect", ROOT / "data" / "spam.pb")
    assert f"accepted by a worker with TensorFlow {tf.__version__}" in printed
    assert printed.index("weights_fixed") < printed.index("more: --json")
    assert "more: --json has all" in printed


def test_a_refused_graph_is_read_and_never_imported(tmp_path: Path) -> None:
    """To import this one fails: nothing here may try. What to feed and fetch is in the nodes themselves."""
    with v1.Graph().as_default() as graph:
        name = v1.placeholder(tf.string, [], name="name")
        v1.identity(v1.read_file(name), name="content")
    graph_def = graph.as_graph_def()
    graph_def.node.add(name="broken", op="Neg", input=["nowhere"])
    path = tmp_path / "bad.pb"
    path.write_bytes(graph_def.SerializeToString())

    found = inspect(path)
    assert (found["accepted"], found["why_not"]) == (False, "it has ops that a worker refuses")
    assert found["placeholders"] == [{"name": "name", "dtype": "string", "shape": []}]
    assert found["outputs"][0] == {"name": "content", "dtype": "string", "shape": None}
    assert [each["op"] for each in found["refused"]] == ["ReadFile"]


def test_what_only_some_workers_accept_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with v1.Graph().as_default() as graph:
        v1.identity(v1.read_file(v1.placeholder(tf.string, [], name="name")), name="content")
    path = write(tmp_path / "spy.pb", graph)
    plain = inspect(path)
    assert (plain["accepted"], [each["op"] for each in plain["refused"]], plain["allowed"]) == (False, ["ReadFile"], [])
    monkeypatch.setenv("NIGHTSHIFT_ALLOW_OPS", "ReadFile,Print")
    found = inspect(path)
    assert (found["accepted"], found["refused"], found["allowed"]) == (True, [], plain["refused"])
    only = "only where NIGHTSHIFT_ALLOW_OPS has it: ReadFile is the op ReadFile, which reads or writes files"
    assert only in succeed("inspect", path)


def test_a_graph_that_cannot_be_imported_is_not_accepted(tmp_path: Path) -> None:
    path = tmp_path / "dangling.pb"
    path.write_bytes(v1.GraphDef(node=[v1.NodeDef(name="a", op="Neg", input=["nowhere"])]).SerializeToString())
    found = inspect(path)
    assert not found["accepted"]
    assert "cannot import the graph" in found["why_not"]


def test_a_name_in_a_graph_cannot_repaint_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "evil.pb"
    path.write_bytes(v1.GraphDef(node=[v1.NodeDef(name="\x1b[2Jaccepted", op="ReadFile")]).SerializeToString())
    assert r"refused: \x1b[2Jaccepted is the op ReadFile" in succeed("inspect", path)


def test_nodes_alone_tell_what_an_import_tells(shipped_graph: tf.Graph) -> None:
    """Without an import fewer shapes are known, but no other nodes and no other dtypes."""
    with v1.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None], name="x")
        v1.placeholder_with_default(1.0, [], name="unused_default")
        parts = tf.split(tf.multiply(x, 2.0), [1, -1], name="parts")
        tf.add(parts[0], 1.0, name="first")
        tf.group(x, name="no_outputs")
        tf.unique(x, name="two_outputs")
        tf.cast(x, tf.float16, name="half")
        tf.py_function(lambda each: each, [x], tf.int8, name="python")
        tf.function(lambda each: each > 0)(x)
    for each in (graph, shipped_graph):
        graph_def = each.as_graph_def()
        imported = [(tensor.op.name, tensor.dtype.name) for tensor in frozen.terminal_tensors(each)]
        assert [(found.name, found.dtype) for found in nodes.outputs(graph_def)] == imported
        fed = [(tensor.op.name, tensor.dtype.name) for tensor in frozen.placeholders(each)]
        assert [(found.name, found.dtype) for found in nodes.placeholders(graph_def)] == fed


def test_a_checkpoint_says_how_to_make_it_scoreable(trained_checkpoint: str) -> None:
    folder = Path(trained_checkpoint).parent
    found = inspect(folder)
    assert (found["kind"], found["tensorflow"], found["accepted"]) == ("checkpoint", tf.__version__, False)
    assert found["freeze"] == f"model freeze {folder} --output frozen.pb"
    assert "text" in [each["name"] for each in found["placeholders"]]
    assert found["outputs"][0]["name"] == "score"
    assert found["trainable"] == 2**16 + 1
    assert found["refused"] == []  # training's own nodes read and write files; they are not frozen
    assert inspect(trained_checkpoint)["sha256"] == found["sha256"]
    assert f"to make it scoreable: {found['freeze']}" in succeed("inspect", folder)


def test_the_command_it_names_works(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = inspect(saved)
    succeed(*found["freeze"].split()[1:])
    made = inspect("frozen.pb")
    assert made["accepted"]
    assert made["placeholders"] == found["placeholders"] == [{"name": "x", "dtype": "float32", "shape": [-1, 2]}]
    assert [each["name"] for each in made["outputs"]] == [each["name"] for each in found["outputs"]] == ["y"]


def test_a_digest_is_what_sha256sum_says(saved: Path) -> None:
    """(cd DIR && sha256sum FILES | sha256sum), so that a digest can be checked where there is no Nightshift."""
    found = inspect(saved)
    lines = [f"{hashlib.sha256((saved / name).read_bytes()).hexdigest()}  {name}\n" for name in found["files"]]
    assert found["files"] == sorted(found["files"])
    assert found["sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert inspect(saved / "saved_model.pb")["sha256"] == found["sha256"]


def test_a_saved_model_that_reads_files_is_known_before_it_is_frozen(tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        name = v1.placeholder(tf.string, [], name="name")
        signature = v1.saved_model.predict_signature_def({"name": name}, {"content": v1.read_file(name)})
        builder = v1.saved_model.Builder(str(tmp_path / "saved"))
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    found = inspect(tmp_path / "saved")
    assert [each["op"] for each in found["refused"]] == ["ReadFile"]
    assert found["freeze"] is None


def test_values_of_tensorflow_2_have_no_graph_to_freeze(tmp_path: Path) -> None:
    prefix = tf.train.Checkpoint(w=tf.Variable([1.0, 2.0])).write(str(tmp_path / "values"))
    found = inspect(prefix)
    assert (found["parameters"], found["nodes"], found["freeze"]) == (2, 0, None)
    assert found["why_not"].startswith("it has values but no graph")


@pytest.mark.parametrize("suffix", [".meta", ".index", ".data-00000-of-00001"])
def test_a_torn_checkpoint_is_one_line(trained_checkpoint: str, tmp_path: Path, suffix: str) -> None:
    for part in (".meta", ".index", ".data-00000-of-00001"):
        shutil.copy(trained_checkpoint + part, tmp_path / f"model.ckpt-1{part}")
    torn = tmp_path / f"model.ckpt-1{suffix}"
    content = bytearray(torn.read_bytes())
    content[len(content) // 2 :] = b""
    torn.write_bytes(content)
    assert "model.ckpt-1" in complaint("inspect", tmp_path / "model.ckpt-1")


def test_a_flipped_bit_in_a_value_is_found(trained_checkpoint: str, tmp_path: Path) -> None:
    """The index and the sizes are right; only the checksum knows."""
    for part in (".meta", ".index", ".data-00000-of-00001"):
        shutil.copy(trained_checkpoint + part, tmp_path / f"model.ckpt-1{part}")
    data = tmp_path / "model.ckpt-1.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    assert "is torn" in complaint("inspect", tmp_path / "model.ckpt-1")


@pytest.mark.parametrize("damage", ["saved_model.pb", "variables/variables.index", "variables"])
def test_a_torn_saved_model_is_one_line(saved: Path, tmp_path: Path, damage: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(saved, copy)
    if (copy / damage).is_dir():
        shutil.rmtree(copy / damage)
    else:
        (copy / damage).write_bytes((copy / damage).read_bytes()[:-20])
    assert str(copy) in complaint("inspect", copy)


def test_what_is_no_model_is_one_line(tmp_path: Path) -> None:
    assert "no checkpoint in" in complaint("inspect", tmp_path)
    with pytest.raises(ModelError, match="cannot read"):
        inspection.inspect_path(tmp_path / "absent.pb")
