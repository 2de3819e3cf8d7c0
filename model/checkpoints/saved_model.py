"""SavedModels, v1's and TF2's: which graph and signature are meant. Nothing is loaded."""

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.compat import v1
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2, struct_pb2

from model.errors import ModelError
from model.graph.source import Input

FILE = "saved_model.pb"
_DEFAULT_TAG = "serve"
_DEFAULT_SIGNATURE = "serving_default"


def directory(place: Path) -> Path | None:
    """The directory of the SavedModel that `place` is, or whose saved_model.pb it is; None if it is none."""
    if (place / FILE).is_file():
        return place
    return place.parent if place.name == FILE and place.is_file() else None


def choose(path: Path, tags: Sequence[str] = ()) -> v1.MetaGraphDef:
    """The graph with these tags, by default serve's or the only one. ModelError if there is none, or it is torn."""
    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString((path / FILE).read_bytes())
    except DecodeError:
        raise ModelError(f"cannot read {path / FILE}: it is torn, or no SavedModel") from None
    found = [sorted(each.meta_info_def.tags) for each in saved.meta_graphs]
    wanted = sorted(tags) or (found[0] if len(found) == 1 else [_DEFAULT_TAG])
    if wanted not in found:
        there = "; ".join(" ".join(f"--tag {tag}" for tag in each) or "no tag" for each in found) or "none"
        raise ModelError(f"{path} has no graph tagged {', '.join(wanted)}; it has: {there}")
    return saved.meta_graphs[found.index(wanted)]


def signature(
    path: Path, meta_graph: v1.MetaGraphDef, wanted: str | None = None
) -> tuple[dict[str, Input], dict[str, str]]:
    """The inputs and outputs of a signature, by default serving_default or the only one; {} and {} without any.

    A sparse NAME is three tensors, NAME/indices, NAME/values and NAME/shape; a ragged one NAME/flat_values and
    NAME/row_splits_0, of more dimensions also NAME/row_splits_1 and so on. ModelError if there is no such signature.
    """
    found = {key: each for key, each in meta_graph.signature_def.items() if not key.startswith("__saved_model")}
    if wanted is None:
        wanted = next(iter(found)) if len(found) == 1 else _DEFAULT_SIGNATURE
        if wanted not in found:
            return {}, {}
    if wanted not in found:
        raise ModelError(f"{path} has no signature {wanted!r}; it has: {', '.join(sorted(found)) or 'none'}")
    inputs, outputs = ({}, {})
    for name in sorted(found[wanted].inputs):
        inputs.update(_tensors(name, found[wanted].inputs[name], wanted))
    for name in sorted(found[wanted].outputs):
        outputs.update(_tensors(name, found[wanted].outputs[name], wanted))
    return inputs, {name: each.tensor for name, each in outputs.items()}


def _tensors(name: str, info: meta_graph_pb2.TensorInfo, wanted: str) -> dict[str, Input]:
    kind = info.WhichOneof("encoding")
    if kind == "coo_sparse":
        sparse, rank = info.coo_sparse, tf.TensorShape(info.tensor_shape).rank
        long = tf.int64.as_datatype_enum
        return {
            f"{name}/indices": Input(sparse.indices_tensor_name, long, tf.TensorShape([None, rank]).as_proto()),
            f"{name}/values": Input(sparse.values_tensor_name, info.dtype, tf.TensorShape([None]).as_proto()),
            f"{name}/shape": Input(sparse.dense_shape_tensor_name, long, tf.TensorShape([rank]).as_proto()),
        }
    components = [each.name for each in info.composite_tensor.components]
    if info.composite_tensor.type_spec.type_spec_class == struct_pb2.TypeSpecProto.RAGGED_TENSOR_SPEC:
        splits = {f"{name}/row_splits_{number}": Input(each) for number, each in enumerate(components[1:])}
        return {f"{name}/flat_values": Input(components[0]), **splits}
    if kind != "name" or not info.name:
        raise ModelError(f"{name!r} of the signature {wanted!r} is not one dense tensor: freeze a node with --node")
    return {name: Input(info.name, info.dtype, info.tensor_shape)}
