"""Models with variables, as they lie on disk: checkpoints and SavedModels, read whole but not imported."""

import hashlib
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.framework import variable_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from graphs.names import node_of
from model.checkpoints import checkpoint, saved_model
from model.errors import ModelError
from model.graph import nodes, suggest
from model.graph.nodes import TensorInfo, Values

_DATA = Path("variables", "variables")
_DEFAULT_SIGNATURE = "serving_default"
_OBJECTS = "_CHECKPOINTABLE_OBJECT_GRAPH"  # TensorFlow 2's note of which Python object a value belongs to


class Stored(NamedTuple):
    """A checkpoint or a SavedModel. `meta_graph` is None for a checkpoint of TensorFlow 2, which has no graph."""

    kind: str
    directory: Path  # that `files` are in
    files: list[Path]
    variables: list[Values]
    meta_graph: v1.MetaGraphDef | None


def is_stored(place: Path) -> bool:
    """Whether `place` is a directory, a checkpoint's prefix or a file of either, rather than a frozen graph."""
    is_part = re.fullmatch(r".+\.(index|meta|data-\d{5}-of-\d{5})", place.name) is not None
    return place.is_dir() or is_part or place.name == saved_model.FILE or checkpoint.exists(str(place))


def read(place: Path) -> Stored:
    """Read a SavedModel (its directory, or the file in it) or a checkpoint (see `checkpoint.find`).

    Every value is read, and its checksum compared. ModelError if a file is missing or torn.
    """
    directory = saved_model.directory(place)
    if directory is not None:
        return _saved_model(directory)
    prefix = checkpoint.find(place)
    variables = _variables(prefix)
    has_graph = all(variable.name != _OBJECTS for variable in checkpoint.variables(prefix))
    parts = sorted(Path(prefix).parent.glob(f"{_escaped(Path(prefix).name)}.*"))
    files = [path for path in parts if re.fullmatch(r"\.(index|meta|data-.*)", path.name[len(Path(prefix).name) :])]
    if Path(prefix).is_file():  # TensorFlow's first format has its values in the file that is called as the prefix
        files.append(Path(prefix))
    return Stored("checkpoint", Path(prefix).parent, files, variables, checkpoint.meta(prefix) if has_graph else None)


def names(found: Stored) -> list[str]:
    """The files' names in their directory, sorted."""
    return sorted(path.relative_to(found.directory).as_posix() for path in found.files)


def digest(found: Stored) -> str:
    """The sha256 of the text that `sha256sum` prints for the files, by name.

    A shell says the same: (cd DIRECTORY && sha256sum FILES | sha256sum).
    """
    lines = []
    for name in names(found):
        with (found.directory / name).open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def placeholders(found: Stored) -> list[TensorInfo]:
    """What to feed: a signature's inputs, called as they will be once frozen; else the graph's placeholders."""
    if found.meta_graph is None:
        return []
    signature = _signature(found.meta_graph)
    return _infos(signature[1].inputs) if signature else nodes.placeholders(found.meta_graph.graph_def)


def outputs(found: Stored) -> list[TensorInfo]:
    """What to fetch: a signature's outputs, else the nodes that end a path from a placeholder, but for training's."""
    if found.meta_graph is None:
        return []
    signature = _signature(found.meta_graph)
    return _infos(signature[1].outputs) if signature else _ends(found.meta_graph.graph_def)


def frozen_part(found: Stored) -> v1.GraphDef:
    """The nodes that freezing would keep: those that the outputs need."""
    if found.meta_graph is None:
        return v1.GraphDef()
    graph_def, signature = found.meta_graph.graph_def, _signature(found.meta_graph)
    infos = signature[1].outputs.values() if signature else _ends(graph_def)
    return nodes.extract(graph_def, [each.name for each in infos])


def freeze_command(found: Stored, place: Path) -> str | None:
    """The command that makes a worker's model of what is at `place`; None if there is nothing to fetch."""
    fetched = outputs(found)
    if found.meta_graph is None or not fetched:
        return None
    signature = _signature(found.meta_graph)
    if signature:
        choice = [] if signature[0] == _DEFAULT_SIGNATURE else ["--signature", signature[0]]
    else:
        choice = [] if any(each.name == "score" for each in fetched) else ["--node", fetched[0].name]
    return shlex.join(["model", "freeze", str(place), "--output", "frozen.pb", *choice])


def trainable(found: Stored) -> int | None:
    """How many parameters training adjusts; None if the graph does not say."""
    if found.meta_graph is None:
        return None
    named = set()
    for content in found.meta_graph.collection_def[v1.GraphKeys.TRAINABLE_VARIABLES].bytes_list.value:
        variable = variable_pb2.VariableDef()
        variable.ParseFromString(content)
        named.add(node_of(variable.variable_name))
    return sum(each.parameters for each in found.variables if each.name in named) if named else None


def _saved_model(directory: Path) -> Stored:
    path = directory / saved_model.FILE
    parsed = saved_model_pb2.SavedModel()
    try:
        parsed.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf's C++ and Python parsers raise different ones
        raise ModelError(f"cannot read the SavedModel {path}: it is torn ({error})") from None
    if not any(each.graph_def.node for each in parsed.meta_graphs):
        raise ModelError(f"cannot read the SavedModel {path}: it has no graph")
    serving = [each for each in parsed.meta_graphs if "serve" in each.meta_info_def.tags]
    meta_graph = (serving or list(parsed.meta_graphs))[0]
    has_variables = any(path.name.startswith(_DATA.name) for path in (directory / _DATA.parent).glob("*"))
    if not has_variables and any(node.op == "VarHandleOp" for node in meta_graph.graph_def.node):
        raise ModelError(f"cannot read the SavedModel {directory}: its directory {_DATA.parent} is missing")
    variables = _variables(str(directory / _DATA)) if has_variables else []
    files = [path for path in directory.rglob("*") if path.is_file()]
    return Stored("SavedModel", directory, files, variables, meta_graph)


def _variables(prefix: str) -> list[Values]:
    found = checkpoint.variables(prefix)
    fault = checkpoint.fault(prefix)
    if fault is not None:
        raise ModelError(f"the checkpoint {prefix} is torn: {fault}")
    return [nodes.values(name, tf.as_dtype(dtype), shape) for name, dtype, shape in found if name != _OBJECTS]


def _signature(meta_graph: v1.MetaGraphDef) -> tuple[str, meta_graph_pb2.SignatureDef] | None:
    """The signature that freezing takes, or the first by name if it must be told which; None without any."""
    found = {key: each for key, each in meta_graph.signature_def.items() if not key.startswith("__saved_model")}
    key = _DEFAULT_SIGNATURE if _DEFAULT_SIGNATURE in found else min(found, default=None)
    return None if key is None else (key, found[key])


def _infos(tensors: Mapping[str, meta_graph_pb2.TensorInfo]) -> list[TensorInfo]:
    return [
        TensorInfo(name, nodes.dtype(each.dtype).name, nodes.shape(each.tensor_shape))
        for name, each in sorted(tensors.items())
    ]


def _ends(graph_def: v1.GraphDef) -> list[TensorInfo]:
    """What `model freeze` would take, or suggest."""
    known = {node.name: node for node in graph_def.node}
    names = ["score"] if "score" in known else suggest.outputs(graph_def)
    return [nodes.output(graph_def, known[name]) for name in names]


def _escaped(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)
