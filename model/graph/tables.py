"""Lookup tables become part of the frozen graph: their keys and values as constants, and a node that fills them.

A worker runs each InitializeTableV2 of a graph when it opens a session. What fills a table in a stranger's model is not
run: its constants are read, or its vocabulary, which is one of the model's own files.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from graphs import walk
from graphs.inputs import INPUTS
from graphs.names import is_control, node_of
from model.errors import ModelError, reason
from model.graph import foreign, nodes
from model.graph.prune import evaluate
from model.graph.source import Source, variables

TABLE = re.compile(r"(Anonymous)?(Mutable)?(Dense)?HashTable(V2)?")
_NOT_SCALAR = re.compile(r"(Anonymous)?MutableHashTableOfTensors(V2)?")
_FROM_TENSORS = re.compile(r"(InitializeTable|LookupTableImport)(V2)?")
_FROM_FILE = re.compile(r"InitializeTableFromTextFile(V2)?")
_ASSIGNS = frozenset({"Assign", "AssignVariableOp"})
_LOOKUPS = {"LookupTableFind": "LookupTableFindV2", "LookupTableSize": "LookupTableSizeV2"}


class Content(NamedTuple):
    keys: npt.NDArray[Any]  # [n]
    values: npt.NDArray[Any]  # [n]


def fillers(graph_def: v1.GraphDef) -> list[str]:
    """The graph's own nodes that fill a table, outside functions."""
    return [node.name for node in graph_def.node if _FROM_TENSORS.fullmatch(node.op) or _FROM_FILE.fullmatch(node.op)]


def has_tables(graph_def: v1.GraphDef) -> bool:
    """Whether a node, in functions as well, is a lookup table."""
    return any(TABLE.fullmatch(node.op) or _NOT_SCALAR.fullmatch(node.op) for _, node in walk.every(graph_def))


def fill(graph_def: v1.GraphDef, wanted: Sequence[str], source: Source) -> tuple[v1.GraphDef, list[str]]:
    """Return the graph with its tables' contents in it, and the nodes that fill them.

    `graph_def` has, inlined, what `wanted` needs and what fills tables. ModelError if a table that an output needs is
    not filled from constants or the model's own files.
    """
    needed = walk.reached(walk.inputs(graph_def), wanted)
    found: dict[str, list[v1.NodeDef]] = {}  # nodes by the table that they share
    for node in graph_def.node:
        if _NOT_SCALAR.fullmatch(node.op) and node.name in needed:
            raise ModelError(f"the table {node.name!r} ({node.op}) has rows as values, which cannot be frozen")
        if TABLE.fullmatch(node.op):
            found.setdefault(node.attr["shared_name"].s.decode() or f"/{node.name}", []).append(node)
    kept = {key: group for key, group in found.items() if any(node.name in needed for node in group)}
    if not kept:
        return graph_def, []
    contents = _contents(_with_values(graph_def, source), kept, source)
    new = []
    for key, group in kept.items():
        group = [node for node in group if node.name in needed]
        for node in group:
            _become_static(node, group[0].name)
        new.append(_initialise(graph_def, group[0], contents[key]))
    for node in graph_def.node:
        if node.name in needed:
            node.op = _LOOKUPS.get(node.op, node.op)
    return graph_def, new


def _with_values(graph_def: v1.GraphDef, source: Source) -> v1.GraphDef:
    """A copy in which what fills a table reads no variable: TensorFlow 2 keeps the name of an asset in one."""
    result = v1.GraphDef()
    result.CopyFrom(graph_def)
    known = {node.name: node for node in result.node}
    assigned = {_handle(node.input[0], known): node.input[1] for node in result.node if node.op in _ASSIGNS}
    for node in result.node:
        for position in reversed([n for n, name in enumerate(node.input) if is_control(name)]):
            del node.input[position]  # an order among things that have no effect is none
        if node.op == "ReadVariableOp" and _handle(node.input[0], known) in assigned:
            name, dtype, value = node.name, node.attr["dtype"].type, assigned[_handle(node.input[0], known)]
            node.Clear()
            node.name, node.op = name, "Identity"
            node.attr["T"].type = dtype
            node.input.append(value)
        elif node.name in source.assets:
            name = node.name
            node.Clear()
            node.name, node.op = name, "Const"
            node.attr["dtype"].type = tf.string.as_datatype_enum
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(str(source.assets[name]).encode()))
    return result


def _become_static(node: v1.NodeDef, shared_name: str) -> None:
    name, key, value = node.name, node.attr["key_dtype"].type, node.attr["value_dtype"].type
    node.Clear()
    node.name, node.op = name, "HashTableV2"
    node.attr["key_dtype"].type, node.attr["value_dtype"].type = key, value
    node.attr["shared_name"].s = shared_name.encode()


def _initialise(graph_def: v1.GraphDef, table: v1.NodeDef, content: Content) -> str:
    names = {node.name for node in graph_def.node}

    def free(name: str) -> str:
        return name if name not in names else free(f"{name}_")

    sources = [table.name]
    dtypes = table.attr["key_dtype"].type, table.attr["value_dtype"].type
    for what, value, dtype in zip(("keys", "values"), content, dtypes, strict=True):
        constant = graph_def.node.add(name=free(f"{table.name}/{what}"), op="Const")
        constant.attr["dtype"].type = dtype
        constant.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype, value.shape))
        sources.append(constant.name)
    node = graph_def.node.add(name=free(f"{table.name}/initialize"), op="InitializeTableV2", input=sources)
    node.attr["Tkey"].type, node.attr["Tval"].type = dtypes
    return str(node.name)


def _contents(graph_def: v1.GraphDef, tables: Mapping[str, list[v1.NodeDef]], source: Source) -> dict[str, Content]:
    owners = {node.name: key for key, group in tables.items() for node in group}
    known = {node.name: node for node in graph_def.node}
    found: dict[str, Content] = {}
    for node in graph_def.node:
        is_file = _FROM_FILE.fullmatch(node.op) is not None
        if not is_file and not _FROM_TENSORS.fullmatch(node.op):
            continue
        owner = owners.get(_handle(node.input[0], known))
        if owner is None:
            continue
        table = tables[owner][0]
        content = _from_file(graph_def, node, table, source) if is_file else _from_tensors(graph_def, node)
        if owner in found and not _same(found[owner], content):
            raise ModelError(f"the table {table.name!r} is filled by several nodes, {node.name!r} among them")
        found[owner] = content
    for key, group in tables.items():
        for node in group:
            saved = source.tables(node)
            if saved is not None:
                found[key] = Content(*saved)
        if key not in found:
            raise ModelError(f"the table {group[0].name!r} ({group[0].op}) is filled by nothing in the model")
    return found


def _same(one: Content, other: Content) -> bool:
    return all(a.shape == b.shape and bool((a == b).all()) for a, b in zip(one, other, strict=True))


def _handle(tensor: str, known: Mapping[str, v1.NodeDef]) -> str:
    name = node_of(tensor)
    while name in known and known[name].op == "Identity":
        name = node_of(known[name].input[0])
    return name


def _from_tensors(graph_def: v1.GraphDef, node: v1.NodeDef) -> Content:
    keys, values = _constants(graph_def, node, node.input[1:3])
    return Content(keys.reshape(-1), values.reshape(-1))


def _constants(graph_def: v1.GraphDef, node: v1.NodeDef, tensors: Sequence[str]) -> list[npt.NDArray[Any]]:
    part = nodes.extract(graph_def, tensors)
    foreign.refuse_unsafe_part(part, tensors)
    for each in part.node:
        if each.op in INPUTS or TABLE.fullmatch(each.op) or each in variables(part):
            raise ModelError(f"{node.name!r} fills a table from {each.name!r} ({each.op}), and not from constants")
    return evaluate(part, list(tensors))


def _from_file(graph_def: v1.GraphDef, node: v1.NodeDef, table: v1.NodeDef, source: Source) -> Content:
    """Read a vocabulary as TensorFlow does: by itself, in a graph of ours."""
    name = str(_constants(graph_def, node, node.input[1:2])[0].reshape(-1)[0].decode())
    own = {str(path): path for path in source.assets.values()}
    if name in own:
        path = own[name]
    elif source.asset is not None:
        path = source.asset(name)
    else:
        raise ModelError(f"{node.name!r} fills a table from the file {name!r}, which is none of the model's assets")
    key, value = table.attr["key_dtype"].type, table.attr["value_dtype"].type
    options = {each: node.attr[each].i for each in ("key_index", "value_index", "offset")}
    options["vocab_size"] = node.attr["vocab_size"].i or -1
    with v1.Graph().as_default(), v1.Session() as session:
        handle = tf.raw_ops.HashTableV2(key_dtype=key, value_dtype=value)
        delimiter = node.attr["delimiter"].s or b"\t"
        reading = tf.raw_ops.InitializeTableFromTextFileV2(
            table_handle=handle, filename=str(path), delimiter=delimiter, **options
        )
        export = tf.raw_ops.LookupTableExportV2(table_handle=handle, Tkeys=key, Tvalues=value)
        try:
            session.run(reading)
            keys, values = session.run(list(export))
        except tf.errors.OpError as error:
            raise ModelError(f"cannot read the vocabulary {path}: {reason(error)}") from None
    order = np.argsort(keys, kind="stable")  # TensorFlow's own order differs from run to run
    return Content(keys[order], values[order])
