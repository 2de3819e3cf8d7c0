"""SavedModels, v1's and TF2's: which graph and which signature are meant."""

from collections.abc import Sequence
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow.compat import v1
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from model.errors import ModelError

FILE = "saved_model.pb"
_DEFAULT_TAG = "serve"
_DEFAULT_SIGNATURE = "serving_default"


def directory(place: Path) -> Path | None:
    """The directory of the SavedModel that `place` is, or whose saved_model.pb it is; None if it is none."""
    if (place / FILE).is_file():
        return place
    return place.parent if place.name == FILE and place.is_file() else None


def meta_graph(path: Path, tags: Sequence[str] = ()) -> v1.MetaGraphDef:
    """The graph tagged `tags`: by default serve, or the only one there is. Raises ModelError if there is none such."""
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((path / FILE).read_bytes())
    except OSError as error:
        raise ModelError(f"cannot read {path / FILE}: {error.strerror}") from None
    except DecodeError:
        raise ModelError(f"cannot read {path / FILE}: it is torn, or no SavedModel") from None
    found = [sorted(each.meta_info_def.tags) for each in saved.meta_graphs]
    wanted = sorted(tags) or (found[0] if len(found) == 1 else [_DEFAULT_TAG])
    if wanted not in found:
        there = "; ".join(" ".join(f"--tag {tag}" for tag in each) or "no tag" for each in found) or "none"
        raise ModelError(f"{path} has no graph tagged {', '.join(wanted)}; it has: {there}")
    return saved.meta_graphs[found.index(wanted)]


def signature_of(path: Path, meta_graph: v1.MetaGraphDef, wanted: str | None) -> tuple[dict[str, str], dict[str, str]]:
    """The inputs and outputs, {name: tensor}, of the signature `wanted`: by default serving_default, or the only one.
    Both are empty if there is none. A sparse input has three tensors, NAME/indices, NAME/values and NAME/shape."""
    found = {key: each for key, each in meta_graph.signature_def.items() if not key.startswith("__saved_model")}
    if wanted is None:
        wanted = next(iter(found)) if len(found) == 1 else _DEFAULT_SIGNATURE
        if wanted not in found:
            return {}, {}
    if wanted not in found:
        raise ModelError(f"{path} has no signature {wanted!r}; it has: {', '.join(sorted(found)) or 'none'}")
    inputs, outputs = (
        {name: tensor for key, info in sorted(part.items()) for name, tensor in _tensors(key, info, wanted).items()}
        for part in (found[wanted].inputs, found[wanted].outputs)
    )
    return inputs, outputs


def _tensors(name: str, info: meta_graph_pb2.TensorInfo, signature: str) -> dict[str, str]:
    if info.name:
        return {name: info.name}
    sparse = info.coo_sparse
    if sparse.values_tensor_name:
        return {
            f"{name}/indices": sparse.indices_tensor_name,
            f"{name}/values": sparse.values_tensor_name,
            f"{name}/shape": sparse.dense_shape_tensor_name,
        }
    raise ModelError(f"{name!r} of the signature {signature!r} is no dense or sparse tensor: freeze a node with --node")
