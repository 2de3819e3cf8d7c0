"""A model as its authors left it: its graph, and where its values, vocabularies and signature are. Nothing is run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.compat import v1
from tensorflow.core.protobuf import meta_graph_pb2

from graphs import ops
from graphs.messages import is_graph
from graphs.names import node_of
from model.checkpoints import checkpoint, saved_model
from model.checkpoints.places import OBJECTS, Place, places_of_objects, places_of_saver
from model.errors import ModelError

_INIT = "__saved_model_init_op"
_STARTERS = ("saved_model_main_op", "legacy_init_op", "saved_model_init_op", "table_initializer")
_ASSETS = "saved_model_assets"


class Original(NamedTuple):
    """`signature` names tensors, inputs and outputs; `starters` are the nodes that fill tables when a program starts;
    `places` and `tables` say by node where a variable's value or a table's content is in the checkpoint; `assets` are
    the model's own files, by the constants that name them."""

    graph_def: v1.GraphDef
    inputs: dict[str, str]
    outputs: dict[str, str]
    starters: list[str]
    reader: Any  # a CheckpointReader; None for a graph that has no values beside it
    places: dict[str, Place]
    tables: dict[str, str]
    assets: dict[str, Path]


def of_checkpoint(prefix: str) -> Original:
    """Raises ModelError if its graph is missing or torn, or its values can't be read."""
    meta_graph = checkpoint.meta(prefix)
    fault = checkpoint.fault(prefix)
    if fault is not None:
        advice = checkpoint.advice(Path(prefix).parent, prefix)
        raise ModelError(f"cannot restore {prefix}: {' '.join(fault.split())}; {advice}")
    reader = checkpoint.read(prefix)
    graph_def = meta_graph.graph_def
    places = places_of_saver(graph_def)
    return Original(graph_def, {}, {}, _starters(meta_graph), reader, places, {}, {})


def of_saved_model(path: Path, tags: Sequence[str] = (), signature: str | None = None) -> Original:
    """The SavedModel in the directory `path`; `tags` and `signature` as `saved_model.choose` has them."""
    meta_graph = saved_model.meta_graph(path, tags)
    inputs, outputs = saved_model.signature_of(path, meta_graph, signature)
    graph_def = meta_graph.graph_def
    prefix = path / "variables" / "variables"
    has_values = prefix.with_name("variables.index").is_file() or prefix.is_file()
    fault = checkpoint.fault(str(prefix)) if has_values else None
    if fault is not None:
        raise ModelError(f"cannot load the SavedModel {path}: {' '.join(fault.split())}")
    reader = checkpoint.read(str(prefix)) if has_values else None
    places, tables = places_of_saver(graph_def), dict[str, str]()
    if reader is not None and reader.has_tensor(OBJECTS) and meta_graph.HasField("object_graph_def"):
        by_objects, tables = places_of_objects(graph_def, meta_graph.object_graph_def, reader)
        places |= by_objects
    return Original(
        graph_def, inputs, outputs, _starters(meta_graph), reader, places, tables, _assets(path, meta_graph)
    )


def of_graph(path: Path) -> Original:
    """A GraphDef in a `.pb` or `.pbtxt` file. Raises ModelError if it is none."""
    graph_def = v1.GraphDef()
    try:
        data = path.read_bytes()
        if path.suffix in (".pbtxt", ".prototxt"):
            text_format.Parse(data.decode(), graph_def)
        else:
            graph_def.ParseFromString(data)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None
    except (DecodeError, UnicodeDecodeError, text_format.ParseError):
        raise ModelError(f"{path} is no GraphDef") from None
    if not is_graph(graph_def):
        raise ModelError(f"{path} is no GraphDef with nodes")
    return Original(graph_def, {}, {}, [], None, {}, {}, {})


def _starters(meta_graph: v1.MetaGraphDef) -> list[str]:
    """What fills tables, as far as somebody says; and what in the graph itself does."""
    nodes = {node.name for node in meta_graph.graph_def.node}
    found = (
        [tensor.name for tensor in meta_graph.signature_def[_INIT].outputs.values()] if _has_init(meta_graph) else []
    )
    for name in _STARTERS:
        if name in meta_graph.collection_def:
            found += meta_graph.collection_def[name].node_list.value
    found += [node.name for node in meta_graph.graph_def.node if ops.TABLE_FILLS.fullmatch(node.op)]
    found += [node.name for node in meta_graph.graph_def.node if node.op.startswith("InitializeTableFromTextFile")]
    return [name for name in dict.fromkeys(map(node_of, found)) if name in nodes]


def _has_init(meta_graph: v1.MetaGraphDef) -> bool:
    return _INIT in meta_graph.signature_def


def _assets(path: Path, meta_graph: v1.MetaGraphDef) -> dict[str, Path]:
    """The files in the model's own directory of assets. Raises ModelError for a name that leads out of it."""
    listed = list(meta_graph.asset_file_def)
    for packed in meta_graph.collection_def[_ASSETS].any_list.value if _ASSETS in meta_graph.collection_def else ():
        asset = meta_graph_pb2.AssetFileDef()
        packed.Unpack(asset)
        listed.append(asset)
    found = {}
    folder = path / "assets"
    for asset in listed:
        file = folder / asset.filename
        if Path(asset.filename).name != asset.filename or asset.filename in ("", ".", ".."):
            raise ModelError(f"{path}: the asset {asset.filename!r} is no plain file name")
        if file.is_symlink() or folder.is_symlink():
            raise ModelError(f"{file} is a link, and no link is followed")
        if file.is_file():
            found[node_of(asset.tensor_info.name)] = file
    return found
