"""Compiles a policy into a frozen graph: the model as it is, the rules beside it, and three outputs."""

from collections.abc import Collection
from typing import NamedTuple

import tensorflow as tf
from tensorflow.compat import v1

from graphs import ops
from graphs.names import renamed
from graphs.walk import inputs, reached
from model.errors import ModelError
from model.graph import frozen
from model.graph.text_and_score import score_output, string_inputs, text_input
from model.rules import stored
from model.rules.deciding import decide
from model.rules.joining import Group
from model.rules.matching import hits
from model.rules.policy import TEXT, Policy
from model.rules.reading import OUTPUTS

_MODEL = "model"  # what of the model's nodes has a name of ours is called so, and then as before


class Guarded(NamedTuple):
    """A model with rules. `score` and `text` are the bare model's tensors in it."""

    content: bytes
    text: str
    score: str


def compile(
    data: bytes, policy: Policy, groups: Collection[Group], text: str | None = None, score: str | None = None
) -> Guarded:
    """Return the serialised graph with the outputs `score`, `verdict` and `rule`.

    `text` is the placeholder of the texts, or the only one of strings; `score` the node of probabilities, or the only
    output. The same arguments give the same bytes. Raises ModelError if there is no such node, the graph has rules
    already, or a worker would refuse it.
    """
    graph_def = frozen.parse(data)
    frozen.refuse_unsafe(graph_def)
    if any(node.name.startswith(f"{stored.ROOM}/") for node in graph_def.node):
        raise ModelError(f"the graph has nodes in {stored.ROOM!r} already: take the model without any rules")
    with v1.Graph().as_default() as graph:
        v1.import_graph_def(graph_def, name="")
        shared = string_inputs(graph)
        text_name, score_name = text_input(graph, text), score_output(graph, score)
    columns = [name for name in policy.columns if name not in shared]
    names = _make_room(graph_def, {*OUTPUTS, *columns} - {text_name})
    text_name, score_name = names.get(text_name, text_name), names.get(score_name, score_name)
    with v1.Graph().as_default() as graph:
        v1.import_graph_def(graph_def, name="")
        _build(graph, policy, list(groups), text_name, score_name)
    result = _without_idle(graph.as_graph_def(), {node.name for node in graph_def.node})
    result.versions.producer = max(graph_def.versions.producer, result.versions.producer)
    content: bytes = result.SerializeToString(deterministic=True)
    frozen.load(content)
    return Guarded(content, f"{text_name}:0", f"{score_name}:0")


def _build(graph: tf.Graph, policy: Policy, groups: list[Group], text: str, score: str) -> None:
    columns = {TEXT: frozen.tensor(graph, text)}
    for name in policy.columns:
        known = name in {operation.name for operation in graph.get_operations()}
        columns[name] = frozen.tensor(graph, name) if known else v1.placeholder(tf.string, [None], name=name)
    for tensor in columns.values():
        tensor.set_shape([None])
    bare = frozen.tensor(graph, score)
    with v1.name_scope(f"{stored.ROOM}/"):
        stored.keep(policy)
        flat = bare if bare.shape.rank == 1 else tf.reshape(bare, [-1])
        found = hits(columns, policy, groups) if groups or policy.has_senders else None
        decision = decide(flat, found, policy)
    for name, tensor in zip(OUTPUTS, decision, strict=True):
        tf.identity(tensor, name=name)


def _without_idle(graph_def: v1.GraphDef, kept: Collection[str]) -> v1.GraphDef:
    """Leave out what of the rules no output needs, lest it counts as one: but for the policy, and what fills tables."""
    fills = [node.name for node in graph_def.node if ops.TABLE_FILLS.fullmatch(node.op)]
    needed = reached(inputs(graph_def), [*kept, *OUTPUTS, *fills, stored.NODE])
    result = v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    result.node.extend(node for node in graph_def.node if node.name in needed)
    return result


def _make_room(graph_def: v1.GraphDef, taken: Collection[str]) -> dict[str, str]:
    """Rename the model's nodes that are called as ours are to be; the new names by the old."""
    known = {node.name for node in graph_def.node}

    def free(name: str) -> str:
        return name if name not in known else free(f"{name}_")

    names = {name: free(f"{_MODEL}/{name}") for name in taken if name in known}
    for node in graph_def.node:
        sources = [renamed(source, names) for source in node.input]
        del node.input[:]
        node.input.extend(sources)
        node.name = names.get(node.name, node.name)
    return names
