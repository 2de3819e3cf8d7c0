"""Freezing: variables become constants, what no output needs is dropped, and one `.pb` is the whole model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt
import tensorflow as tf
from tensorflow.compat import v1

from graphs import ops, parts
from graphs.names import node_of, short
from model import sessions
from model.checkpoints.original import Original
from model.checkpoints.values import table, values
from model.errors import ModelError
from model.graph import branches, cut, frozen, inline, nodes, tables
from model.graph.tables import Content


class Unfrozen(NamedTuple):
    """The part of a model that its outputs need, with variables: what its frozen file is made from, and compared to."""

    graph_def: v1.GraphDef
    outputs: list[str]
    values: dict[str, npt.NDArray[Any]]  # of the variables, by node
    tables: dict[str, Content]  # by node


def prepare(
    original: Original,
    outputs: Sequence[str] = (),
    *,
    inputs: Sequence[str] = (),
    constants: Mapping[str, str] | None = None,
) -> Unfrozen:
    """The part that the nodes `outputs` need, by default those of the signature, or what `outputs_of` suggests.

    `inputs` are tensors at which the graph is cut, and `constants` values of placeholders. Before anything of it runs,
    it is known to have no op that a worker would refuse. Raises ModelError for a node that is not there, and for what
    a frozen graph cannot have.
    """
    graph_def = v1.GraphDef()
    graph_def.CopyFrom(original.graph_def)
    for _, node in parts.every(graph_def):
        node.device = ""
        node.attr.pop("_class", None)  # it was placed beside what may be gone
    named = {} if outputs else original.outputs
    entries = dict({} if outputs else original.inputs)
    entries |= {_name_of(tensor): tensor for tensor in inputs}
    wanted = list(named) or [short(name) for name in outputs] or _suggested(graph_def, entries)
    _check_there(graph_def, [*named.values(), *([] if named else wanted)])
    _name_outputs(graph_def, named)
    cut.cut(graph_def, _needed_entries(graph_def, wanted, entries))
    called = {node_of(tensor): name for name, tensor in original.inputs.items()} if not outputs else {}
    cut.fix(graph_def, {called.get(name, name): value for name, value in (constants or {}).items()})
    starters = [name for name in original.starters if any(name == node.name for node in graph_def.node)]
    part = nodes.extract(graph_def, wanted)
    _refuse(part)
    if inline.calls(nodes.extract(graph_def, [*wanted, *starters])) or _has_tables(part):
        both = nodes.extract(graph_def, [*wanted, *starters])
        if inline.calls(both):
            both = inline.inline(both, [*wanted, *starters])
        branches.prune(both)
        part = nodes.extract(both, wanted)
        _refuse(part)
        content = tables.contents(
            both, tables.tables(part), original.assets, lambda node: table(node, original.tables, original.reader)
        )
    else:
        branches.prune(part)
        part = nodes.extract(part, wanted)
        content = {}
    _check_writes(part)
    return Unfrozen(part, wanted, values(part.node, original.places, original.reader), content)


def freeze_part(unfrozen: Unfrozen) -> bytes:
    """The serialised GraphDef that computes the outputs. The bytes are the same for the same graph and values."""
    with session_of(unfrozen) as session:
        return freeze(session, unfrozen.outputs, unfrozen.tables)


def session_of(unfrozen: Unfrozen) -> v1.Session:
    """A session on the part, with the variables' values and the tables' content; to be closed."""
    with v1.Graph().as_default() as graph:
        try:
            v1.import_graph_def(unfrozen.graph_def, name="")
            handles = {name: graph.get_tensor_by_name(f"{name}:0") for name in unfrozen.values}
            feeds = {name: v1.placeholder(value.dtype) for name, value in unfrozen.values.items()}
            puts = [_put(handles[name], feeds[name]) for name in unfrozen.values]
            _add_reads(graph, handles)
        except (ValueError, KeyError, TypeError, tf.errors.OpError) as error:
            reason = str(getattr(error, "message", error)).splitlines()[0]
            raise ModelError(f"TensorFlow {tf.__version__} cannot import the graph: {reason}") from None
    config = sessions.as_written()
    config.allow_soft_placement = True
    session = v1.Session(graph=graph, config=config)
    try:
        for put, (name, value) in zip(puts, unfrozen.values.items(), strict=True):
            session.run(put, {feeds[name]: value})
        tables.fill(session, unfrozen.tables)
    except (ValueError, tf.errors.OpError) as error:
        session.close()
        reason = str(getattr(error, "message", error)).splitlines()[0]
        raise ModelError(f"a value of the model does not fit its graph: {reason}") from None
    return session


def freeze(
    session: v1.Session, outputs: Sequence[str] = ("score",), content: Mapping[str, Content] | None = None
) -> bytes:
    """Return the serialised GraphDef that computes the nodes `outputs` from the session's variables, as they are now.

    `content` is what is in its lookup tables, by their nodes. A frozen variable is a constant of its name:
    `session.run("b:0")` is its value. The bytes are the same for the same graph and values. So are the scores, to the
    last bit, in a session of the same config that is `sessions.as_written`. Raises ModelError if a node is absent, or
    needs what a constant cannot hold.
    """
    graph_def = session.graph.as_graph_def()
    _check_there(graph_def, outputs)
    try:
        constant = v1.graph_util.convert_variables_to_constants(session, graph_def, list(outputs))
    except tf.errors.FailedPreconditionError:
        raise ModelError(f"{', '.join(outputs)} needs {_lacking(session, outputs)}, which has no value") from None
    except (ValueError, tf.errors.OpError) as error:
        reason = str(getattr(error, "message", error)).splitlines()[0]
        raise ModelError(f"a variable cannot become a constant: {reason}") from None
    result = _needed(constant, outputs)
    _dereference(result)
    _check(result, content or {})
    for node in result.node:
        node.device = ""  # where it was trained says nothing about where it will run
        node.attr.pop("_class", None)  # nor does what it was placed beside
    tables.attach(result, content or {})
    _drop_unused_functions(result)
    data: bytes = result.SerializeToString(deterministic=True)
    return data


def _name_of(tensor: str) -> str:
    """What a cut tensor's placeholder is called: as its node."""
    name = short(tensor)
    return name.replace(":", "_")


def _suggested(graph_def: v1.GraphDef, entries: Mapping[str, str]) -> list[str]:
    from model.graph.outputs import outputs_of

    return outputs_of(graph_def, [node_of(tensor) for tensor in entries.values()])


def _check_there(graph_def: v1.GraphDef, tensors: Iterable[str]) -> None:
    known = {node.name for node in graph_def.node}
    for tensor in tensors:
        if node_of(tensor) not in known:
            from model.graph.outputs import hint

            raise ModelError(
                f"the graph has no node {node_of(tensor)!r} to freeze: name its outputs with --node{hint(graph_def)}"
            )


def _name_outputs(graph_def: v1.GraphDef, named: Mapping[str, str]) -> None:
    """Gives the outputs, {name: tensor}, their names, as nodes of their own."""
    taken = {node.name for node in graph_def.node}
    renames = {name: f"{name}/inner" for name, tensor in named.items() if name in taken and name != short(tensor)}
    cut.rename(graph_def, renames)
    for name, tensor in named.items():
        node = node_of(tensor)
        source = renames.get(node, node) + tensor.removeprefix(node)
        if name != short(source):
            dtype = cut.infer(graph_def, [source])[0]
            graph_def.node.add(name=name, op="Identity", input=[source]).attr["T"].type = dtype.as_datatype_enum


def _needed_entries(graph_def: v1.GraphDef, wanted: Sequence[str], entries: Mapping[str, str]) -> dict[str, str]:
    """Those entries that an output needs: another may be where TensorFlow can't infer a shape."""
    reached = parts.reached(parts.inputs(graph_def), wanted)
    return {name: tensor for name, tensor in entries.items() if node_of(tensor) in reached}


def _refuse(part: v1.GraphDef) -> None:
    files = [each for each in frozen.refusals(part, to_freeze=True) if not each.op.startswith("MutableHashTable")]
    for refusal in files:
        raise ModelError(f"{refusal.text}; --node or --input leaves it out, if the outputs can do without it")


def _has_tables(part: v1.GraphDef) -> bool:
    return bool(tables.tables(part))


def _check_writes(part: v1.GraphDef) -> None:
    for node in part.node:
        if node.op.startswith("Assign") or node.op.startswith("Scatter"):
            switches = [each.name for each in part.node if each.op.startswith("Placeholder") and _is_bool(each)]
            hint = f": --set {switches[0]}=false" if switches else ""
            raise ModelError(
                f"the outputs write a variable while they predict (node {node.name!r}, {node.op}), as in training{hint}"
            )


def _is_bool(node: v1.NodeDef) -> bool:
    return bool(node.attr["dtype"].type == tf.bool.as_datatype_enum)


def _add_reads(graph: tf.Graph, handles: Mapping[str, tf.Tensor]) -> None:
    """What `convert_variables_to_constants` fetches of a resource, by a name that TensorFlow 1 gave it."""
    known = {operation.name for operation in graph.get_operations()}
    for name, handle in handles.items():
        read = f"{name}/Read/ReadVariableOp"
        if handle.dtype == tf.resource and read not in known:
            tf.raw_ops.ReadVariableOp(resource=handle, dtype=handle.op.get_attr("dtype"), name=read)


def _put(handle: tf.Tensor, value: tf.Tensor) -> tf.Operation:
    if handle.dtype == tf.resource:
        return tf.raw_ops.AssignVariableOp(resource=handle, value=value)
    return tf.raw_ops.Assign(ref=handle, value=value, validate_shape=False).op


def _dereference(graph_def: v1.GraphDef) -> None:
    """What handed on a variable hands on a constant."""
    for node in graph_def.node:
        if node.op.startswith("Ref") and node.op.removeprefix("Ref") in (
            "Switch", "Merge", "Enter", "Exit", "NextIteration", "Identity", "Select",
        ):  # fmt: skip
            node.op = node.op.removeprefix("Ref")


def _needed(graph_def: v1.GraphDef, outputs: Sequence[str]) -> v1.GraphDef:
    """The nodes that the outputs depend on. The conversion keeps a few more, once functions were inlined."""
    reached = parts.reached(parts.inputs(graph_def), outputs)
    result = v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    result.node.extend(node for node in graph_def.node if node.name in reached)
    return result


def _lacking(session: v1.Session, outputs: Sequence[str]) -> str:
    needed = v1.graph_util.extract_sub_graph(session.graph.as_graph_def(), list(outputs))
    with session.graph.as_default():
        empty = {name.decode() for name in session.run(v1.report_uninitialized_variables())}
    names = [node.name for node in needed.node if node.op in ops.VARIABLES and node.name in empty]
    return f"the variable {names[0]!r}" if names else "a variable"


def _check(graph_def: v1.GraphDef, content: Mapping[str, Content]) -> None:
    for node in graph_def.node:
        if "HashTable" in node.op and node.name not in content:
            raise ModelError(
                f"the node {node.name!r} is a lookup table ({node.op}) whose content is not known: freeze a node that "
                "does not need it"
            )
        if node.op in ops.VARIABLES:
            raise ModelError(f"the variable {node.name!r} cannot become a constant: its use by {node.op} is not known")


def _drop_unused_functions(graph_def: v1.GraphDef) -> None:
    """A SavedModel's functions that save and restore, say: a worker would refuse them."""
    functions = {function.signature.name: function for function in graph_def.library.function}
    used = parts.functions_called(graph_def, graph_def.node)
    for name in functions.keys() - used:
        graph_def.library.function.remove(functions[name])
    kept = [each for each in graph_def.library.gradient if each.function_name in used]
    del graph_def.library.gradient[:]
    graph_def.library.gradient.extend(kept)
