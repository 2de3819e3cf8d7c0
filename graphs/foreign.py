"""What of a stranger's model may run while it is read: a plain Saver's restore op, and initialisers that fill tables.

A checkpoint's or a SavedModel's graph comes with ops that bring its values back. They are ops like any other, so they
could do anything; these rules say which are what TensorFlow itself writes. What nothing runs may stay as it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphs import ops, walk
from graphs.messages import GraphDef, NodeDef
from graphs.names import is_control, node_of
from graphs.verdict import OpList, Refusal, refusals

MetaGraphDef = Any

_RESTORES = re.compile(r"Restore(V2|Slice)?")
# What a Saver of either TensorFlow writes around them.
_AROUND = re.compile(
    r"NoOp|Const|Placeholder(WithDefault)?|Identity(N)?|Reshape|Cast|Pack|Unpack|Split|Slice|StringJoin|ShardedFilename"
    r"|Assign(VariableOp)?|VarHandleOp|Variable(V2)?|ReadVariableOp|DisableCopyOnRead|(Stateful)?PartitionedCall"
    r"|(Anonymous)?(Mutable(Dense)?)?HashTable(OfTensors)?(V2)?|LookupTableImport(V2)?"
)
_FORWARDS = re.compile(r"Identity|PlaceholderWithDefault")
_FILLS = re.compile(r"InitializeTableFromTextFile(V2)?")
_INIT_COLLECTIONS = ("saved_model_main_op", "legacy_init_op", "saved_model_init_op")
_INIT_SIGNATURE = "__saved_model_init_op"


def restore_refusal(meta_graph: MetaGraphDef) -> str | None:
    """Say in one line why the graph's restore op is not a plain Saver's; None if it is, or if there is none."""
    saver = meta_graph.saver_def
    if not saver.restore_op_name:
        return None
    graph_def = meta_graph.graph_def
    filename = node_of(saver.filename_tensor_name)
    part = walk.needed_by(graph_def, [saver.restore_op_name])
    for where, nodes in _bodies(part):
        known = {node.name: node for node in nodes}
        functions = {function.signature.name for function in graph_def.library.function}
        for node in nodes:
            named = walk.called(where, node)
            if _RESTORES.fullmatch(node.op):
                source = _origin(node.input[0], known) if node.input else ""
                if source in known and source != filename if not where else source in known:
                    return f"refused: its restore op reads another file than the checkpoint, in the node {named!r}"
            elif node.op in ops.CALLS and not where:
                texts = [_origin(each, known) for each in node.input if not is_control(each)]
                if any(known[text].op == "Const" and text != filename for text in texts if text in known):
                    return f"refused: its restore op names a file of its own, in the node {named!r}"
            elif not _AROUND.fullmatch(node.op) and node.op not in functions:
                return f"refused: its restore op is not a plain Saver's: the node {named!r} is the op {node.op}"
    return None


def initialisers(meta_graph: MetaGraphDef) -> list[str]:
    """The nodes that a loader of SavedModels runs after restoring the variables, and TensorFlow 1's table fillers."""
    found: list[str] = []
    for key in (*_INIT_COLLECTIONS, "table_initializer"):
        if key in meta_graph.collection_def:
            found += [node_of(name) for name in meta_graph.collection_def[key].node_list.value]
    if _INIT_SIGNATURE in meta_graph.signature_def:
        found += [node_of(each.name) for each in meta_graph.signature_def[_INIT_SIGNATURE].outputs.values()]
    return list(dict.fromkeys(found))


def fill_refusal(graph_def: GraphDef, roots: Iterable[str], available: OpList) -> str | None:
    """Say why what the nodes `roots` run does more than compute, set variables and fill tables; None if it does not."""
    for refusal in part_refusals(graph_def, roots, available):
        if not _FILLS.fullmatch(refusal.op):
            return f"{refusal.text} (and its initialiser would run it)"
    return None


def part_refusals(graph_def: GraphDef, roots: Iterable[str], available: OpList) -> list[Refusal]:
    """What a worker would refuse of the part of a graph, yet to be frozen, that the nodes `roots` run."""
    part = walk.needed_by(graph_def, roots)
    extracted = type(graph_def)()
    extracted.node.extend(part.nodes)
    extracted.library.function.extend(part.functions)
    return refusals(extracted, available, to_freeze=True)


def asset_refusal(filename: str) -> str | None:
    """Say why an asset's name could lead out of the model's directory; None if it is a plain one."""
    plain = filename and not filename.startswith(("/", "\\")) and "\0" not in filename and ":" not in filename
    if plain and not any(each in ("..", "") for each in re.split(r"[/\\]", filename)):
        return None
    return f"refused: the asset {filename!r} is not a name inside the model's directory"


def _bodies(part: walk.Part) -> Iterator[tuple[str, list[NodeDef]]]:
    yield "", part.nodes
    for function in part.functions:
        yield function.signature.name, list(function.node_def)


def _origin(source: str, known: Mapping[str, NodeDef]) -> str:
    """The node that a tensor comes from, through those that hand it on."""
    name = node_of(source)
    seen: set[str] = set()
    while name in known and _FORWARDS.fullmatch(known[name].op) and name not in seen and known[name].input:
        seen.add(name)
        following = node_of(known[name].input[0])
        if known[name].op == "PlaceholderWithDefault" and _ends(following, known):
            return name  # a Saver's own: what it is fed is the checkpoint's name
        name = following
    return name


def _ends(name: str, known: Mapping[str, NodeDef]) -> bool:
    return name in known and known[name].op in ("Const", "PlaceholderWithDefault")
