"""All ops that TensorFlow has were reviewed: each is accepted, or refused for a reason that people can read."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.framework import op_def_pb2

from graphs import ops, verdict
from graphs.families.conditions import CONDITIONS
from graphs.families.family import Accepted, Refused
from graphs.families.refusals import REFUSALS, VARIABLE_WRITES
from graphs.families.stateful import STATEFUL
from graphs.verdict import Traits
from model.graph import frozen
from model.graph.registry import op_list

raw = tf.raw_ops
OWN = "TensorFlow writes for itself while it runs a graph"  # all that begin with _, but for those that are accepted
OLDER = {"AutoReloadVariable"}  # not in the newest any more


@pytest.fixture(scope="module")
def registered() -> dict[str, Traits]:
    traits = op_list().traits
    assert traits is not None
    return {op: traits[op] for op in traits}


def test_each_op_of_tensorflow_was_reviewed(registered: dict[str, Traits]) -> None:
    """A release with new ones fails here. Put each into a family of `graphs/families`: what it computes, or why not."""
    unknown = [op for op in registered if ops.refusal(op) == ops.NOT_REVIEWED]
    assert not unknown, f"nobody has looked at {', '.join(unknown)}"


def test_no_op_is_both_accepted_and_refused() -> None:
    accepted = [op for family in ops.ACCEPTED for op in family.ops]
    assert len(accepted) == len(set(accepted))
    for op in accepted:
        families = [family.reason for family in (*REFUSALS, VARIABLE_WRITES) if family.has(op)]
        assert not families or (families == [OWN] and op.startswith("_")), op


def test_what_is_accepted_for_what_it_computes_has_no_state(registered: dict[str, Traits]) -> None:
    for family in ops.ACCEPTED:
        for op in family.ops - OLDER:
            assert op in registered, op
            if family not in STATEFUL:
                assert registered[op] == (False, False), op


def test_each_refused_name_is_an_op(registered: dict[str, Traits]) -> None:
    """A name that is written wrongly refuses nothing."""
    for family in REFUSALS:
        assert set(registered) >= family.ops - {"RemoteFusedGraphExecute"}, family.reason


def test_an_op_that_is_new_is_refused_until_it_was_reviewed(monkeypatch: pytest.MonkeyPatch) -> None:
    new = verdict.OpList("TensorFlow 3.0.0", {"MatMul": Traits(False, False), "MatMulV9": Traits(False, False)})
    graph = v1.GraphDef(node=[v1.NodeDef(name="a", op="MatMul"), v1.NodeDef(name="b", op="MatMulV9")])
    assert [each.text for each in verdict.refusals(graph, new)] == [
        "refused: node 'b' is the op MatMulV9, which nobody has reviewed yet"
    ]


def attributes(definition: op_def_pb2.OpDef) -> dict[str, v1.AttrValue]:
    """Some that its definition allows; those with defaults are left to them."""
    found = {}
    for attr in definition.attr:
        if attr.HasField("default_value"):
            continue
        value = v1.AttrValue()
        dtype = next(iter(attr.allowed_values.list.type), tf.float32.as_datatype_enum)
        match attr.type:
            case "type":
                value.type = dtype
            case "list(type)":
                value.list.type.append(dtype)
            case "int":
                value.i = max(1, attr.minimum)
            case "float":
                value.f = 1.0
            case "bool":
                value.b = True
            case "string":
                value.s = next(iter(attr.allowed_values.list.s), b"x")
            case "shape":
                value.shape.dim.add(size=1)
            case "func":
                value.func.name = "nothing"
            case "list(func)":
                value.list.func.add(name="nothing")
            case _:
                value.list.SetInParent()
        found[attr.name] = value
    return found


def graph_of(op: str) -> v1.GraphDef:
    """The op beside a placeholder, in the graph and in a function of it."""
    from tensorflow.python.framework import op_def_registry

    graph = v1.GraphDef()
    graph.node.add(name="x", op="Placeholder").attr["dtype"].type = tf.float32.as_datatype_enum
    node = graph.node.add(name="y", op=op)
    definition = op_def_registry.get(op)
    if definition is not None:
        for name, value in attributes(definition).items():
            node.attr[name].CopyFrom(value)
        node.input.extend("x" for argument in definition.input_arg)
    if op == "Empty":
        node.attr["init"].b = True
    if op == "Const":
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(1.0))
    function = graph.library.function.add()
    function.signature.name = "inside"
    function.node_def.add().CopyFrom(node)
    return graph


def is_table_write(op: str) -> bool:
    return ops.TABLE_WRITES.fullmatch(op) is not None


@pytest.mark.parametrize("family", ops.ACCEPTED, ids=lambda family: family.what)
def test_a_node_of_each_op_of_an_accepted_family_is_accepted(family: Accepted) -> None:
    for op in sorted(family.ops - OLDER):
        refused = [] if is_table_write(op) else verdict.refusals(graph_of(op), op_list())
        assert not refused, refused[0].text  # what writes a table has its own tests: see test_tables.py


@pytest.mark.parametrize("family", [*REFUSALS, VARIABLE_WRITES], ids=lambda family: family.reason)
def test_a_node_of_each_op_of_a_refused_family_is_refused_by_name(
    family: Refused, registered: dict[str, Traits]
) -> None:
    having = [op for op in registered if family.has(op) and ops.refusal(op)]
    assert having
    for op in having:
        found = verdict.refusals(graph_of(op), op_list())
        assert [(each.node, each.op) for each in found] == [("y", op), ("inside/y", op)]
        if op == having[0] or ops.refusal(op) == family.reason:
            assert re.fullmatch(rf"refused: node 'y' is the op {re.escape(op)}, which \w[^.]+", found[0].text)
    assert any(ops.refusal(op) == family.reason for op in having)


FOUND = """
    FakeParam MutableHashTableV2 MutableDenseHashTable FIFOQueueV2 Barrier Batch BatchFunction Unbatch Stage
    ResourceApplyAdam ResourceScatterAdd DestroyResourceOp XlaDot XlaCallModule XlaLaunch _XlaRun DTensorAllReduce
    Relayout Foo1 AttrShape TestAttr Namespace>TestStringOutput _Arg _Retval _EagerConst _MklConv2D _ScopedAllocator
    _ParallelConcatStart _VarHandlesOp MapDefun UncompressElement SdcaOptimizer SleepOp RiscAdd InfeedDequeue
"""


@pytest.mark.parametrize("op", FOUND.split())
def test_what_was_accepted_because_no_pattern_named_it_is_refused(op: str) -> None:
    assert ops.refusal(op)


def built(build: Callable[[tf.Tensor], Any]) -> v1.GraphDef:
    with v1.Graph().as_default() as graph:
        tf.identity(build(v1.placeholder(tf.float32, [None], name="x")), name="score")
    return graph.as_graph_def()


def hidden_handle() -> tf.Tensor:
    """A constant that is a handle, as bytes that a graph brings along."""
    with v1.Graph().as_default() as graph:
        handle = graph.create_op("Const", [], [tf.resource], attrs=handle_attributes()).outputs[0]
        raw.LookupTableSizeV2(table_handle=handle)
    return graph.as_graph_def()


def handle_attributes() -> dict[str, v1.AttrValue]:
    value = v1.AttrValue()
    value.tensor.dtype = tf.resource.as_datatype_enum
    value.tensor.tensor_shape.SetInParent()
    value.tensor.resource_handle_val.add(name="another's", container="localhost")
    return {"value": value, "dtype": v1.AttrValue(type=tf.resource.as_datatype_enum)}


def proto(source: str) -> v1.GraphDef:
    return built(
        lambda x: raw.DecodeProtoV2(
            bytes=tf.as_string(x),
            message_type="a.B",
            field_names=["c"],
            output_types=[tf.float32],
            descriptor_source=source,
        ).values[0]
    )


def unigrams(vocabulary: str) -> v1.GraphDef:
    return built(
        lambda _: raw.FixedUnigramCandidateSampler(
            true_classes=tf.constant([[0]], tf.int64), num_true=1, num_sampled=1, unique=False, range_max=2,
            vocab_file=vocabulary, unigrams=[] if vocabulary else [1.0, 1.0],
        ).sampled_candidates
    )  # fmt: skip


def stacked(rows: int) -> v1.GraphDef:
    """Two rows, in a tensor of so many."""
    graph = built(lambda x: raw.ParallelConcat(values=[tf.ones([1, 4])] * 2, shape=[2, 4]) + x[0])
    for node in graph.node:
        if node.op == "ParallelConcat":
            node.attr["shape"].shape.dim[0].size = rows
    return graph


def recurrent(dropout: float, *, is_training: bool) -> v1.GraphDef:
    graph = v1.GraphDef()
    node = graph.node.add(name="y", op="CudnnRNNV3")
    node.attr["dropout"].f = dropout
    node.attr["is_training"].b = is_training
    return graph


BY_ATTRIBUTES: dict[str, tuple[Callable[[], v1.GraphDef], Callable[[], v1.GraphDef], str]] = {
    "Empty": (
        lambda: built(lambda x: x + raw.Empty(shape=tf.shape(x), dtype=tf.float32, init=True)),
        lambda: built(lambda x: x + raw.Empty(shape=tf.shape(x), dtype=tf.float32)),
        "gives memory as others left it",
    ),
    "ParallelConcat": (lambda: stacked(2), lambda: stacked(50), "gives memory as others left it"),
    "DecodeProtoV2": (lambda: proto("local://"), lambda: proto("/etc/passwd"), "reads or writes files"),
    "FixedUnigramCandidateSampler": (lambda: unigrams(""), lambda: unigrams("/etc/passwd"), "reads or writes files"),
    "Const": (lambda: built(lambda x: x + 1.0), hidden_handle, "makes a handle of bytes"),
    "ParseTensor": (
        lambda: built(lambda x: raw.ParseTensor(serialized=tf.as_string(x)[0], out_type=tf.float32)),
        lambda: built(
            lambda x: raw.TensorListLength(
                input_handle=raw.ParseTensor(serialized=tf.as_string(x)[0], out_type=tf.variant)
            )
        ),
        "makes a handle of bytes",
    ),
    "CudnnRNNV3": (
        lambda: recurrent(0.0, is_training=True),
        lambda: recurrent(0.5, is_training=True),
        "belongs to training",
    ),
}


@pytest.mark.parametrize("op", BY_ATTRIBUTES)
def test_attributes_decide(op: str) -> None:
    good, bad, why = BY_ATTRIBUTES[op]
    assert frozen.refusals(good()) == []
    assert [(each.op, each.why) for each in frozen.refusals(bad())] == [(op, why)]


def test_each_condition_is_tested() -> None:
    others = {
        "EncodeProto": "DecodeProtoV2",
        "HostConst": "Const",
        "CudnnRNN": "CudnnRNNV3",
        "CudnnRNNV2": "CudnnRNNV3",
    }
    assert {others.get(op, op) for op in CONDITIONS} == set(BY_ATTRIBUTES)
    assert all(CONDITIONS[op].why_not is CONDITIONS[like].why_not for op, like in others.items())


def test_an_attribute_that_a_functions_caller_decides_is_not_believed() -> None:
    graph = v1.GraphDef(node=[v1.NodeDef(name="x", op="NoOp")])
    function = graph.library.function.add()
    function.signature.name = "f"
    node = function.node_def.add(name="proto", op="DecodeProtoV2")
    node.attr["descriptor_source"].placeholder = "from"
    [refusal] = frozen.refusals(graph)
    assert (
        refusal.text == "refused: node 'f/proto' is the op DecodeProtoV2, which has attributes that its caller decides"
    )


def test_regular_expressions_and_tables_of_constants_are_scored() -> None:
    """What `model prepend` writes before a graph, and rules about texts."""
    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None], name="text")
        words = tf.strings.split(tf.strings.regex_replace(tf.strings.lower(text), r"[^a-z ]", "")).to_tensor("")
        keys, values = tf.constant(["win", "free"]), tf.constant([1.0, 2.0])
        table = raw.HashTableV2(key_dtype=tf.string, value_dtype=tf.float32)
        raw.InitializeTableV2(table_handle=table, keys=keys, values=values)
        found = raw.LookupTableFindV2(table_handle=table, keys=words, default_value=0.0)
        shouts = tf.cast(tf.strings.regex_full_match(text, r".*!"), tf.float32)
        tf.add(tf.reduce_sum(found, 1), shouts, name="score")
    loaded = frozen.load(graph.as_graph_def().SerializeToString())
    with v1.Session(graph=loaded) as session:
        session.run(frozen.initialisers(loaded))
        assert session.run("score:0", {"text:0": ["WIN free!", "home"]}).tolist() == [4.0, 0.0]
