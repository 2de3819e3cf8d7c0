"""Looking at a stranger's graph before anything of it runs: its restore op, its initialisers, and what is asked for."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.protobuf import meta_graph_pb2

from graphs import foreign
from graphs.verdict import Refusal
from model.errors import ModelError
from model.graph.registry import op_list

_ASSETS = "saved_model_assets"


def refuse_unsafe_loading(meta_graph: v1.MetaGraphDef) -> None:
    """Raise ModelError if bringing its values back could do more than that: see `graphs.foreign`."""
    files = [each.filename for each in assets(meta_graph)]
    roots = foreign.initialisers(meta_graph)
    why = (
        foreign.restore_refusal(meta_graph)
        or foreign.fill_refusal(meta_graph.graph_def, roots, op_list())
        or next(filter(None, map(foreign.asset_refusal, files)), None)
    )
    if why:
        raise ModelError(why)


def assets(meta_graph: v1.MetaGraphDef) -> list[meta_graph_pb2.AssetFileDef]:
    """The files that come with a SavedModel: as the loaders do, from the field, or from TensorFlow 1's collection."""
    if meta_graph.asset_file_def:
        return list(meta_graph.asset_file_def)
    found = []
    if _ASSETS in meta_graph.collection_def:
        for each in meta_graph.collection_def[_ASSETS].any_list.value:
            asset = meta_graph_pb2.AssetFileDef()
            each.Unpack(asset)
            found.append(asset)
    return found


def refuse_unsafe_part(graph_def: Any, names: Iterable[str]) -> None:
    """Raise ModelError if what the nodes or tensors `names` run could do more than compute and read variables."""
    for refusal in foreign.part_refusals(graph_def, names, op_list()):
        raise ModelError(refusal.text)


def refuse_unsafe_run(graph: tf.Graph, operations: Iterable[tf.Operation]) -> None:
    """`refuse_unsafe_part` of an imported graph, before these operations run."""
    refuse_unsafe_part(graph.as_graph_def(), [operation.name for operation in operations])


def refuse_unsafe_import(graph_def: Any) -> None:
    """Raise ModelError if TensorFlow, which infers shapes when it imports a graph, may run what a worker refuses.

    It computes constants for that, of ops that its registry calls stateless, as it does `ReadFile`.
    """
    for refusal in part_refusals(graph_def, [node.name for node in graph_def.node]):
        traits = op_list().traits_of(refusal.op)
        if traits is None or not traits.is_stateful:
            raise ModelError(refusal.text)


def part_refusals(graph_def: Any, names: Iterable[str]) -> list[Refusal]:
    """What a worker would refuse of the part that these nodes or tensors need, yet to be frozen."""
    return foreign.part_refusals(graph_def, names, op_list())
