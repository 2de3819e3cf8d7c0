"""What a file is that is no graph of TensorFlow's: named by its first bytes, with the way out."""

import re
import zipfile
from pathlib import Path
from typing import NamedTuple

_NODE = re.compile(rb"\s*(#[^\n]*\s+)*(node|library|versions)\s*:?\s*\{")


class Kind(NamedTuple):
    """`name` and `way_out` complete the sentence "FILE is NAME: WAY_OUT"."""

    name: str
    way_out: str

    def said_of(self, path: Path) -> str:
        return f"{path} is {self.name}, no frozen graph: {self.way_out.replace('FILE', path.stem)}"


_EXPORT = "load it where it was made, and tf.saved_model.save(model, 'saved_model'); then model freeze saved_model"
_KERAS_H5 = Kind("a Keras model in HDF5", f"keras.models.load_model reads it; {_EXPORT}")
_H5 = Kind("an HDF5 file", f"if a Keras model made it, build that and load_weights; {_EXPORT}")
_KERAS = Kind("a Keras 3 model", f"keras.models.load_model reads it; {_EXPORT}")
_TORCH = Kind("a PyTorch model", "Nightshift runs TensorFlow graphs; convert it by way of ONNX to a SavedModel")
_TFLITE = Kind("a TensorFlow Lite model", "freeze what it was converted from: its SavedModel or checkpoint")
_ONNX = Kind("an ONNX model", "onnx2tf or onnx-tf makes a SavedModel of it; then model freeze saved_model")
_PICKLE = Kind("a Python pickle", "it is not read, because reading one can run anything; export a SavedModel")
_ZIP = Kind("a zip archive", "unpack it first")
_GZIP = Kind("a gzip archive", "unpack it first")
TEXT = Kind("a graph as text", "model freeze FILE.pbtxt --output FILE.pb makes a frozen graph of it")
_MAGIC = 4096  # bytes that are looked at


def of(path: Path) -> Kind | None:
    """What the file at `path` is; None if it may be a graph, or is no file."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(_MAGIC)
    if _NODE.match(head):
        return TEXT
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        with path.open("rb") as file:
            return _KERAS_H5 if b"model_config" in file.read(1 << 20) else _H5
    if head.startswith(b"PK\x03\x04"):
        return _of_zip(path)
    if head[4:8] == b"TFL3":
        return _TFLITE
    if head.startswith(b"\x1f\x8b"):
        return _GZIP
    if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        return _TORCH if path.suffix in (".pt", ".pth") or b"torch" in head else _PICKLE
    if _is_onnx(head):
        return _ONNX
    return None


def _of_zip(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return _ZIP
    if "config.json" in names and any(name.endswith(".h5") for name in names):
        return _KERAS
    if any(name.endswith(("/data.pkl", "/version", "constants.pkl")) for name in names):
        return _TORCH
    return _ZIP


def _is_onnx(head: bytes) -> bool:
    """A ModelProto begins with its ir_version, a small number, and then names who made it, or has its graph."""
    return len(head) > 4 and head[0] == 0x08 and 1 <= head[1] < 32 and head[2] in (0x12, 0x1A, 0x3A, 0x42)
