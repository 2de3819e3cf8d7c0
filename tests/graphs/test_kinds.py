"""What is no graph is named for what it is, by its content and not its name, with the way out."""

import json
import pickle
import zipfile
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.compat import v1

from graphs import kinds
from graphs.errors import GraphError
from producer.graph import read_graph
from tests.support import ROOT


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kinds")
    with zipfile.ZipFile(folder / "m.keras", "w") as archive:
        for part in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(part, "{}")
    (folder / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(2000) + b"model_config" + bytes(100))
    (folder / "m.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3" + b"\x00" * 90)
    # ir_version 8, producer_name "pytorch", as onnx.proto has them
    (folder / "m.onnx").write_bytes(b"\x08\x08\x12\x07pytorch\x1a\x032.0:\x00")
    with zipfile.ZipFile(folder / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", pickle.dumps([1]))
        archive.writestr("m/version", "3\n")
    (folder / "m.pkl").write_bytes(pickle.dumps({"a": 1}))
    with zipfile.ZipFile(folder / "m.zip", "w") as archive:
        archive.writestr("model/saved_model.pb", json.dumps([]))
    (folder / "m.pbtxt").write_text('node {\n  name: "x"\n  op: "Placeholder"\n}\n')
    return folder


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("m.keras", "is a Keras 3 model"),
        ("m.h5", "is a Keras model in HDF5"),
        ("m.tflite", "is a TensorFlow Lite model"),
        ("m.onnx", "is an ONNX model"),
        ("m.pt", "is a PyTorch model"),
        ("m.pkl", "is a Python pickle"),
        ("m.zip", "is a zip archive"),
        ("m.pbtxt", "model freeze m.pbtxt --output m.pb"),
    ],
)
def test_it_is_named_for_what_it_is_whatever_it_is_called(files: Path, tmp_path: Path, name: str, said: str) -> None:
    for path in (files / name, tmp_path / "m.pb"):
        path.write_bytes((files / name).read_bytes())
        with pytest.raises(GraphError, match="no frozen graph") as caught:
            read_graph(path)
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_graph_is_none_of_them(tmp_path: Path) -> None:
    assert kinds.of(ROOT / "data" / "spam.pb") is None
    assert kinds.of(tmp_path / "nowhere") is None
    for name in ("", "x", "PK", "a" * 120):
        with v1.Graph().as_default() as graph:
            v1.placeholder(tf.float32, name=name or "node")
        path = tmp_path / "g.pb"
        path.write_bytes(graph.as_graph_def().SerializeToString())
        assert kinds.of(path) is None
