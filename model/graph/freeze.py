"""Freezing: variables become constants, what no output needs is dropped, and one `.pb` is the whole model.

Nothing of the graph runs here but what was looked at: constants that decide a branch or fill a table.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tensorflow.compat import v1

from graphs import walk
from graphs.inputs import MAY_BE_FED
from graphs.names import node_of, renamed
from model.errors import ModelError
from model.graph import constants, cut, foreign, frozen, inline, nodes, prune, suggest, tables
from model.graph.source import Input, LackingError, Source, of_session, variables


class Frozen(NamedTuple):
    """A frozen graph, with what it takes to compare it with what it was made of."""

    content: bytes
    original: v1.GraphDef  # the same inputs, the same tensors, but variables, functions and tables as they were
    outputs: dict[str, str]  # the frozen graph's tensor: the original's
    filling: list[str]  # nodes of the original that fill its tables
    set: dict[str, str]  # what placeholders of the original were set to


def freeze(session: v1.Session, outputs: Sequence[str] = ("score",)) -> bytes:
    """Return the serialised GraphDef that computes the nodes `outputs` from the session's variables, as they are now.

    A frozen variable is a constant of its name: `session.run("b:0")` is its value. The bytes are the same for the same
    graph and values. So are the scores, to the last bit, in a session of the same config that is
    `sessions.as_written`. Raises ModelError if a node is absent, or needs what a constant cannot hold.
    """
    return convert(of_session(session), {name: name for name in outputs}).content


def convert(
    source: Source,
    outputs: Mapping[str, str],
    inputs: Mapping[str, Input] | None = None,
    given: Mapping[str, str] | None = None,
) -> Frozen:
    """Freeze what computes `outputs`, {name: tensor}, from `inputs`, {name: tensor}, and the graph's placeholders.

    An input is fed under its name, wherever in the graph it is; an output has its name, or is a node that keeps its
    own. `given` sets placeholders, by the names that they have in the frozen graph.
    """
    graph_def = v1.GraphDef()
    graph_def.CopyFrom(source.graph_def)
    known = {node.name for node in graph_def.node}
    for tensor in outputs.values():
        if node_of(tensor) not in known:
            raise ModelError(
                f"the graph has no node {node_of(tensor)!r} to freeze: name its outputs with --node"
                f"{suggest.said(suggest.outputs(graph_def))}"
            )
    moved = cut.cut(graph_def, inputs or {})
    cut.plain(graph_def)
    outputs = {name: renamed(tensor, moved) for name, tensor in outputs.items()}
    wanted = list(dict.fromkeys(node_of(tensor) for tensor in outputs.values()))
    values = prune.settings(graph_def, given or {})
    part = nodes.extract(graph_def, wanted)
    fillers: list[str] = []
    if tables.has_tables(part):
        loaded = [name for name in source.initialisers if name in known]
        run = walk.reached(walk.inputs(graph_def), loaded)
        fillers = [*loaded, *(name for name in tables.fillers(graph_def) if name not in run)]
        part = nodes.extract(graph_def, [*wanted, *fillers])
    roots = list(dict.fromkeys([*wanted, *fillers]))
    original = v1.GraphDef()
    original.CopyFrom(part)
    foreign.refuse_unsafe_import(part)
    part = inline.inline(inline.imported(part).as_graph_def(), roots)
    cut.plain(part)
    prune.fix(part, values)
    part = prune.prune(part, roots)
    part, filling = tables.fill(part, wanted, source)
    foreign.refuse_unsafe_part(part, [*wanted, *filling])
    result = _needed(part, [*wanted, *filling])
    constants.without_references(result)
    try:
        result = constants.convert(result, source.values(variables(result)))
    except LackingError as lacking:
        name = str(lacking)
        raise ModelError(f"{', '.join(wanted)} needs the variable {name!r}, which the checkpoint lacks") from None
    result = _needed(result, [*wanted, *filling])
    constants.check(result, original)
    _name_outputs(result, outputs)
    _drop_unused_functions(result)
    for node in result.node:
        node.device = ""
        node.attr.pop("_class", None)
    content: bytes = result.SerializeToString(deterministic=True)
    fetched = {name if name != node_of(tensor) else tensor: tensor for name, tensor in outputs.items()}
    return Frozen(content, original, fetched, fillers, dict(given or {}))


def outputs_of(source: Source) -> list[str]:
    """What to freeze when nobody says: `score`, else the only node that ends a path from a placeholder.

    ModelError if there are several, or none.
    """
    if any(node.name == "score" for node in source.graph_def.node):
        return ["score"]
    found = suggest.outputs(source.graph_def)
    if len(found) != 1:
        raise ModelError(f"the graph has no node 'score' to freeze: name its outputs with --node{suggest.said(found)}")
    return found


def _needed(graph_def: v1.GraphDef, outputs: Sequence[str]) -> v1.GraphDef:
    """The nodes that the outputs depend on. The conversion keeps a few more, once functions were inlined."""
    reached = walk.reached(walk.inputs(graph_def), outputs)
    result = v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    result.node.extend(node for node in graph_def.node if node.name in reached)
    return result


def _name_outputs(graph_def: v1.GraphDef, outputs: Mapping[str, str]) -> None:
    """Add a node for each output that is to be called otherwise than the node that computes it."""
    new: dict[str, str] = {}
    names = {node.name: node for node in graph_def.node}
    aliased = {name: tensor for name, tensor in outputs.items() if name not in (tensor, tensor.removesuffix(":0"))}
    for name in aliased:
        if ":" in name:  # somebody's own words: a tensor of a node that keeps its name
            continue
        if name in names:
            if names[name].op in MAY_BE_FED:
                raise ModelError(f"{name!r} is the name of an input and of another output: freeze a node with --node")
            new[name] = f"{name}/inner"
    for entry in graph_def.node:
        entry.name = new.get(entry.name, entry.name)
        for position, origin in enumerate(entry.input):
            entry.input[position] = renamed(origin, new)
    graph = inline.imported(graph_def) if aliased else None
    for name, tensor in aliased.items():
        if ":" not in name and graph is not None:
            origin = renamed(tensor, new)
            dtype = frozen.tensor(graph, origin).dtype.as_datatype_enum
            graph_def.node.add(name=name, op="Identity", input=[origin.removesuffix(":0")]).attr["T"].type = dtype


def _drop_unused_functions(graph_def: v1.GraphDef) -> None:
    """A SavedModel's functions that save and restore, say: a worker would refuse them."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    used = walk.functions_called(graph_def, graph_def.node)
    for name in functions.keys() - used:
        graph_def.library.function.remove(functions[name])
    kept = [each for each in graph_def.library.gradient if each.function_name in used]
    del graph_def.library.gradient[:]
    graph_def.library.gradient.extend(kept)
