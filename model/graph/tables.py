"""Lookup tables: what fills them when a program starts becomes constants of the frozen graph.

Nothing of the stranger's graph runs for it but what its keys and values are made of, and that is looked at before: a
file is only read if it is one of the model's own assets.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from graphs import ops
from graphs.names import is_control, node_of
from graphs.parts import needed_by
from model.errors import ModelError
from model.graph import frozen

_TABLES = ("HashTable", "HashTableV2", "MutableHashTable", "MutableHashTableV2")
_FROM_FILE = ("InitializeTableFromTextFile", "InitializeTableFromTextFileV2")
_LARGEST = 1 << 28  # bytes of a vocabulary
Values = npt.NDArray[np.generic]


class Content(NamedTuple):
    """A table's keys and values, [N] each."""

    keys: Values
    values: Values


def tables(graph_def: v1.GraphDef) -> list[v1.NodeDef]:
    """The nodes that are lookup tables whose content may become constant."""
    return [node for node in graph_def.node if node.op in _TABLES]


def contents(
    graph_def: v1.GraphDef,
    wanted: Iterable[v1.NodeDef],
    assets: Mapping[str, Path],
    saved: Callable[[v1.NodeDef], Content | None],
) -> dict[str, Content]:
    """What is in each of the `wanted` tables, by its node, as the nodes of `graph_def` would fill it.

    `assets` are the model's own files by the constant nodes that name them; `saved` is what a checkpoint has of a
    table. Raises ModelError for one that nothing fills, or in another way.
    """
    nodes = {node.name: node for node in graph_def.node}
    fills: dict[str, v1.NodeDef] = {}
    for node in graph_def.node:
        if ops.TABLE_FILLS.fullmatch(node.op) or node.op in _FROM_FILE:
            table = _origin(node.input[0], nodes)
            if table is not None:
                fills.setdefault(_identity(table), node)
    found = {}
    for table in wanted:
        fill = fills.get(_identity(table))
        content = saved(table) if fill is None else None
        if content is None and fill is None:
            raise ModelError(f"nothing in the model fills the lookup table {table.name!r} that its outputs need")
        if content is None and fill is not None:
            content = _read(table, fill, nodes, assets) if fill.op in _FROM_FILE else _compute(graph_def, fill)
        assert content is not None  # noqa: S101 -- one of the above
        found[table.name] = content
    return found


def attach(graph_def: v1.GraphDef, content: Mapping[str, Content]) -> None:
    """Fills the graph's tables from constants: a worker runs what is added here once, when it opens the model."""
    nodes = {node.name: node for node in graph_def.node}
    for name, (keys, values) in content.items():
        table = nodes[name]
        is_reference = table.op in ("HashTable", "MutableHashTable")
        table.op = "HashTable" if is_reference else "HashTableV2"
        for attr in ("value_shape", "container"):
            table.attr.pop(attr, None)
        table.attr["shared_name"].s = name.encode()  # made when a program ran: it would differ each time
        table.attr["use_node_name_sharing"].b = False
        for part, array in (("keys", keys), ("values", values)):
            made = graph_def.node.add(name=f"{name}/{part}", op="Const")
            proto = tf.make_tensor_proto(array)
            made.attr["dtype"].type = proto.dtype
            made.attr["value"].tensor.CopyFrom(proto)
        fill = graph_def.node.add(
            name=f"{name}/fill",
            op="InitializeTable" if is_reference else "InitializeTableV2",
            input=[name, f"{name}/keys", f"{name}/values"],
        )
        fill.attr["Tkey"].type = table.attr["key_dtype"].type
        fill.attr["Tval"].type = table.attr["value_dtype"].type


def fill(session: v1.Session, content: Mapping[str, Content]) -> None:
    """Fills the tables of a session's graph, so that it can be compared."""
    with session.graph.as_default():
        for name, (keys, values) in content.items():
            handle = session.graph.get_tensor_by_name(f"{name}:0")
            mutable = handle.op.type.startswith("Mutable")
            if handle.dtype == tf.resource:
                put = tf.raw_ops.LookupTableImportV2 if mutable else tf.raw_ops.InitializeTableV2
            else:
                put = tf.raw_ops.LookupTableImport if mutable else tf.raw_ops.InitializeTable
            session.run(put(table_handle=handle, keys=keys, values=values))


def _identity(table: v1.NodeDef) -> str:
    """Nodes with the same shared name are one table."""
    shared = table.attr["shared_name"].s.decode("utf-8", "surrogateescape") if "shared_name" in table.attr else ""
    return f"shared {shared}" if shared else f"node {table.name}"


def _origin(source: str, nodes: Mapping[str, v1.NodeDef]) -> v1.NodeDef | None:
    """The table that a handle comes from."""
    node = nodes.get(node_of(source))
    while node is not None and node.op in ("Identity", "RefIdentity"):
        node = nodes.get(node_of(node.input[0]))
    return node if node is not None and node.op in _TABLES else None


def _compute(graph_def: v1.GraphDef, fill: v1.NodeDef) -> Content:
    """Runs what its keys and values are made of, if that is nothing that a worker would refuse."""
    sources = [source for source in fill.input if not is_control(source)][1:]
    part = needed_by(graph_def, sources)
    behind = v1.GraphDef(versions=graph_def.versions)
    behind.node.extend(part.nodes)
    behind.library.function.extend(part.functions)
    for refusal in frozen.refusals(behind):
        raise ModelError(f"what fills a lookup table is {refusal.text}")
    with v1.Graph().as_default() as graph:
        try:
            v1.import_graph_def(behind, name="")
            with v1.Session(graph=graph) as session:
                keys, values = session.run([graph.get_tensor_by_name(_full(source)) for source in sources])
        except (ValueError, KeyError, tf.errors.OpError) as error:
            reason = str(getattr(error, "message", error)).splitlines()[0]
            raise ModelError(f"the lookup table that {fill.name!r} fills can't be read: {reason}") from None
    return Content(np.asarray(keys).reshape(-1), np.asarray(values).reshape(-1))


def _full(source: str) -> str:
    return source if ":" in source else f"{source}:0"


def _read(table: v1.NodeDef, fill: v1.NodeDef, nodes: Mapping[str, v1.NodeDef], assets: Mapping[str, Path]) -> Content:
    """Reads a vocabulary with TensorFlow's own op, from a file that is known to be the model's."""
    source = nodes.get(node_of(fill.input[1]))
    while source is not None and source.op == "Identity":
        source = nodes.get(node_of(source.input[0]))
    path = assets.get(source.name) if source is not None else None
    if path is None:
        raise ModelError(f"the lookup table {table.name!r} is filled from a file that is none of the model's assets")
    if path.stat().st_size > _LARGEST:
        raise ModelError(f"{path} is too large for a vocabulary: {path.stat().st_size:,} bytes")
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        key_dtype, value_dtype = (tf.as_dtype(table.attr[name].type) for name in ("key_dtype", "value_dtype"))
        handle = tf.raw_ops.HashTableV2(key_dtype=key_dtype, value_dtype=value_dtype)
        options = {name: fill.attr[name].i for name in ("key_index", "value_index") if name in fill.attr}
        for name, default in (("vocab_size", -1), ("offset", 0)):
            options[name] = fill.attr[name].i if name in fill.attr else default
        delimiter = fill.attr["delimiter"].s.decode() if "delimiter" in fill.attr else "\t"
        try:
            session.run(
                tf.raw_ops.InitializeTableFromTextFileV2(
                    table_handle=handle, filename=str(path), delimiter=delimiter, **options
                )
            )
            exported = tf.raw_ops.LookupTableExportV2(table_handle=handle, Tkeys=key_dtype, Tvalues=value_dtype)
            keys, values = session.run(exported)
        except (ValueError, tf.errors.OpError) as error:
            raise ModelError(f"the vocabulary {path} can't be read: {getattr(error, 'message', error)}") from None
    order = np.argsort(values if values.dtype != object else keys, kind="stable")
    return Content(np.asarray(keys)[order], np.asarray(values)[order])
