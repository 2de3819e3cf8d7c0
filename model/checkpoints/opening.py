"""Opening what is to be frozen: a checkpoint, a SavedModel or a graph in a file, looked at and not run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.compat import v1

from graphs import foreign as rules
from graphs import kinds, messages
from graphs.names import node_of
from model.checkpoints import checkpoint, pairs, saved_model
from model.checkpoints.pairs import Entry
from model.errors import ModelError
from model.graph import foreign
from model.graph.source import Input, LackingError, Source, Values, no_values

_DATA = Path("variables", "variables")


def from_checkpoint(prefix: str) -> Source:
    """Open a checkpoint with its graph. ModelError if a file is missing or torn, or it is unsafe."""
    meta_graph = checkpoint.meta(prefix)
    foreign.refuse_unsafe_loading(meta_graph)
    directory = Path(prefix).parent
    try:
        reader = tf.train.load_checkpoint(prefix)
    except checkpoint.UNREADABLE as error:
        raise ModelError(f"cannot restore {prefix}: {error}; {checkpoint.advice(directory, prefix)}") from None

    def torn() -> str:
        return f"cannot restore {prefix}: {checkpoint.fault(prefix)}; {checkpoint.advice(directory, prefix)}"

    return _stored(meta_graph, prefix, reader, torn, {}, {}, {}, _beside(directory))


def from_saved_model(directory: Path, tags: Sequence[str] = (), signature: str | None = None) -> Source:
    """Open a SavedModel of either TensorFlow: see `saved_model.choose`. ModelError as `from_checkpoint`."""
    meta_graph = saved_model.choose(directory, tags)
    foreign.refuse_unsafe_loading(meta_graph)
    inputs, outputs = saved_model.signature(directory, meta_graph, signature)
    data = directory / _DATA
    reader = checkpoint.read(str(data)) if Path(f"{data}.index").is_file() else None
    assets = {}
    for each in foreign.assets(meta_graph):
        assets[node_of(each.tensor_info.name)] = _asset(directory / "assets", each.filename)

    def torn() -> str:
        return f"cannot load the SavedModel {directory}: {checkpoint.fault(str(data))}"

    return _stored(meta_graph, str(data), reader, torn, inputs, outputs, assets, None)


def from_file(path: Path) -> Source:
    """Open a GraphDef, in binary or as text (.pbtxt)."""
    try:
        content = path.read_bytes()
        graph_def = (
            text_format.Parse(content.decode(), v1.GraphDef())
            if kinds.of(path) is kinds.TEXT
            else v1.GraphDef.FromString(content)
        )
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    except Exception as error:  # protobuf's parsers raise different ones
        raise ModelError(f"cannot read the graph {path}: its bytes are no GraphDef ({error})") from None
    if not messages.is_graph(graph_def):
        raise ModelError(f"cannot read the graph {path}: its bytes are no GraphDef with nodes")
    return Source(graph_def, no_values, {}, {}, asset=_beside(path.parent))


def _stored(
    meta_graph: v1.MetaGraphDef,
    prefix: str,
    reader: Any,
    torn: Callable[[], str],
    inputs: dict[str, Input],
    outputs: dict[str, str],
    assets: dict[str, Path],
    asset: Callable[[str], Path] | None,
) -> Source:
    def value(key: str, part: str = "") -> npt.NDArray[Any]:
        try:
            found = _part(prefix, key, part, reader) if part else reader.get_tensor(key)
        except checkpoint.UNREADABLE:
            raise ModelError(torn()) from None
        return np.array(found, dtype=object) if isinstance(found, bytes) else np.asarray(found)

    objects = value(pairs.OBJECTS).item() if reader is not None and reader.has_tensor(pairs.OBJECTS) else None
    found = pairs.of(meta_graph, objects) if reader is not None else pairs.Pairs({}, {})

    def values(nodes: Sequence[v1.NodeDef]) -> Values:
        result = {}
        for node in nodes:
            entry = found.variables.get(node.name) or Entry(node.attr["shared_name"].s.decode() or node.name)
            if reader is None or not reader.has_tensor(entry.key):
                raise LackingError(node.name)
            result[node.name] = _as_declared(value(entry.key, entry.part), node)
        return result

    def tables(node: v1.NodeDef) -> tuple[npt.NDArray[Any], npt.NDArray[Any]] | None:
        keys = found.tables.get(node.name)
        return None if keys is None else (value(keys[0]), value(keys[1]))

    return Source(meta_graph.graph_def, values, inputs, outputs, rules.initialisers(meta_graph), assets, asset, tables)


def _part(prefix: str, key: str, part: str, reader: Any) -> npt.NDArray[Any]:
    """A slice of a partitioned variable: '8 4 0,4:-' is rows 0 to 3 of an [8, 4] matrix. TensorFlow joins it."""
    dtype = reader.get_variable_to_dtype_map()[key]
    with v1.Graph().as_default(), v1.Session() as session:
        read = tf.raw_ops.RestoreV2(prefix=prefix, tensor_names=[key], shape_and_slices=[part], dtypes=[dtype])
        return np.asarray(session.run(read[0]))


def _as_declared(value: npt.NDArray[Any], node: v1.NodeDef) -> npt.NDArray[Any]:
    dtype, shape = tf.as_dtype(node.attr["dtype"].type), tf.TensorShape(node.attr["shape"].shape)
    if dtype != tf.string and value.dtype != dtype.as_numpy_dtype:
        value = value.astype(dtype.as_numpy_dtype)
    if not shape.is_compatible_with(value.shape):
        if not shape.is_fully_defined() or shape.num_elements() != value.size:
            raise ModelError(
                f"the variable {node.name!r} is {shape} in the graph and {list(value.shape)} in the checkpoint"
            )
        value = value.reshape(shape.as_list())
    return value


def _asset(directory: Path, name: str) -> Path:
    path = directory / name
    if path.is_symlink() or not path.is_file() or path.resolve().parent != path.parent.resolve():
        raise ModelError(f"its asset {path} is no file of its own")
    return path


def _beside(directory: Path) -> Callable[[str], Path]:
    """Vocabularies of a checkpoint: it names them as they lay where it was trained; they have to lie beside it."""

    def find(name: str) -> Path:
        path = directory / Path(name).name
        if path.is_symlink() or not path.is_file():
            raise ModelError(f"a table is filled from the file {name!r}: lay it beside the model, as {path}")
        return path

    return find
