"""The producer, `model inspect` and a worker give one answer on a graph: what to feed, what to fetch, whether to score.

The worker's answer is that of `frozen.load`, on which it opens its session. As all three go by the same rules they
could be wrong together, so what TensorFlow makes of an imported graph is asked as well, without any rule of ours.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.compat import v1

from graphs import messages, verdict
from graphs.errors import GraphError
from graphs.words import read
from model import inspection
from model.errors import ModelError
from model.graph import frozen
from model.graph.registry import op_list
from producer.graph import read_graph

FLOAT = tf.float32.as_datatype_enum


class Answer(NamedTuple):
    feeds: list[tuple[str, str]]
    fetches: list[str]


def _only_if(said: str, error: Exception) -> None:
    if said not in str(error):
        raise error


def producer(path: Path) -> Answer | None:
    """None for a graph that has variables."""
    try:
        graph = read_graph(path)
    except GraphError as error:
        return _only_if("so it is not frozen", error)
    return Answer(
        [(each.name, each.dtype) for each in graph.signature.wants if not each.is_optional],
        list(graph.signature.terminal),
    )


def inspect(data: bytes) -> tuple[Answer, list[verdict.Refusal]] | None:
    try:
        found = inspection.inspect(data)
    except ModelError as error:
        return _only_if("still has variables", error)
    nothing = "nothing to feed" in (found.why_not or "")  # which the producer says as well
    assert found.accepted == (not found.refused and not nothing), found.why_not
    return Answer(
        [(each.name, each.dtype) for each in found.placeholders], [each.name for each in found.outputs]
    ), found.refused


def worker(data: bytes) -> Answer | str:
    """What is wrong with a graph that it does not take."""
    try:
        graph = frozen.load(data)
    except ModelError as error:
        return str(error)
    return Answer(
        [(each.op.name, each.dtype.name) for each in frozen.placeholders(graph)],
        [each.op.name for each in frozen.terminal_tensors(graph)],
    )


def tensorflow(data: bytes) -> Answer:
    """What must be fed and what ends in something, as the operations of an imported graph tell."""
    with v1.Graph().as_default() as graph:
        v1.import_graph_def(v1.GraphDef.FromString(data), name="")
    operations = graph.get_operations()
    taken = {tensor.op for each in operations for tensor in each.inputs}
    taken |= {before for each in operations for before in each.control_inputs}
    ends = [each for each in operations if each.outputs and each not in taken]
    return Answer(
        [
            (each.name, each.outputs[0].dtype.name)
            for each in operations
            if each.type.startswith("Placeholder") and not each.inputs  # one with a default takes it as an input
        ],
        [each.name for each in ends if each.type != "Const" and not each.type.startswith("Placeholder")],
    )


def check(graph_def: v1.GraphDef, path: Path) -> Answer | None:
    """The one answer on a graph; None where it is refused or not frozen."""
    data = graph_def.SerializeToString()
    path.write_bytes(data)
    enqueued, inspected, scored = producer(path), inspect(data), worker(data)
    if enqueued is None or inspected is None:
        assert enqueued is inspected is None
        assert isinstance(scored, str)
        assert scored.startswith("the graph still has variables")
        return None
    answer, refused = inspected
    assert enqueued == answer
    assert refused == verdict.refusals(messages.parse(data), op_list())
    if refused:
        assert scored == refused[0].text
        return None
    assert scored == answer
    truth = tensorflow(data)
    assert answer.feeds == truth.feeds
    loaded = frozen.load(data)
    for name in set(truth.fetches) ^ set(answer.fetches):  # what is left out has no row a record
        shape = frozen.tensor(loaded, name).shape
        assert name in truth.fetches
        assert shape.rank is not None
        assert not shape or shape[0] is not None
    for name in [*answer.fetches, *(f"{each}:0" for each in answer.fetches)]:
        assert name in read_graph(path).signature
        frozen.tensor(frozen.load(data), name)
    return answer


def add(graph_def: v1.GraphDef, op: str, *inputs: str, **types: int) -> str:
    node = graph_def.node.add(name=f"scope/{op}_{len(graph_def.node)}", op=op, input=inputs)
    for name, number in types.items():
        node.attr[name].type = number
    return str(node.name)


def constant(graph_def: v1.GraphDef, value: object, dtype: tf.DType = tf.float32) -> str:
    name = add(graph_def, "Const", dtype=dtype.as_datatype_enum)
    graph_def.node[-1].attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype))
    return name


def second(graph_def: v1.GraphDef, tensor: str) -> str:
    name = add(graph_def, "IdentityN", tensor, tensor)
    graph_def.node[-1].attr["T"].list.type.extend([FLOAT, FLOAT])
    return f"{name}:1"


def table(graph_def: v1.GraphDef, tensor: str) -> str:
    """Filled by constants, or by what it is given, which is refused where that is fed."""
    text = tf.string.as_datatype_enum
    keys = constant(graph_def, ["a"], tf.string)
    handle = add(graph_def, "HashTableV2", key_dtype=text, value_dtype=FLOAT)
    graph_def.node[-1].attr["shared_name"].s = handle.encode()
    add(graph_def, "InitializeTableV2", handle, keys, tensor, Tkey=text, Tval=FLOAT)
    return tensor


def array(graph_def: v1.GraphDef, tensor: str) -> str:
    handle = add(graph_def, "TensorArrayV3", constant(graph_def, 1, tf.int32), dtype=FLOAT)
    add(graph_def, "TensorArrayCloseV3", handle)
    return tensor


def call(graph_def: v1.GraphDef, tensor: str) -> str:
    """Of a function that gives nothing, by the op that calls and by the function's own name."""
    name = f"checks_{len(graph_def.library.function)}"
    function = graph_def.library.function.add()
    function.signature.name = name
    function.signature.input_arg.add(name="x", type=FLOAT)
    graph_def.node.add(name=f"{name}_call", op="PartitionedCall", input=[tensor])
    attributes = graph_def.node[-1].attr
    attributes["Tin"].list.type.append(FLOAT)
    attributes["Tout"].list.SetInParent()
    attributes["f"].func.name = name
    graph_def.node.add(name=f"{name}_by_name", op=name, input=[tensor])
    return tensor


def in_a_function(op: str) -> Callable[[v1.GraphDef, str], str]:
    def build(graph_def: v1.GraphDef, tensor: str) -> str:
        function = graph_def.library.function.add()
        function.signature.name = f"f_{len(graph_def.library.function)}"
        function.node_def.add(name="inner", op=op)
        return tensor

    return build


def placeholder(graph_def: v1.GraphDef, tensor: str) -> str:
    add(graph_def, "Placeholder", dtype=FLOAT)
    graph_def.node[-1].attr["shape"].shape.unknown_rank = True
    return add(graph_def, "AddV2", tensor, graph_def.node[-1].name, T=FLOAT)


def with_default(graph_def: v1.GraphDef, tensor: str) -> str:
    name = add(graph_def, "PlaceholderWithDefault", constant(graph_def, [1.0]), dtype=FLOAT)
    graph_def.node[-1].attr["shape"].shape.unknown_rank = True
    return name


def variable(op: str) -> Callable[[v1.GraphDef, str], str]:
    def build(graph_def: v1.GraphDef, tensor: str) -> str:
        add(graph_def, op, dtype=FLOAT)
        return tensor

    return build


def read_file(graph_def: v1.GraphDef, tensor: str) -> str:
    add(graph_def, "ReadFile", constant(graph_def, "/nowhere", tf.string))
    return tensor


def beside(op: str) -> Callable[[v1.GraphDef, str], str]:
    """A node that waits for the tensor, and that nothing takes."""

    def build(graph_def: v1.GraphDef, tensor: str) -> str:
        add(graph_def, op, "^" + tensor.partition(":")[0])
        return tensor

    return build


COMMON: dict[str, Callable[[v1.GraphDef, str], str]] = {
    "negate": lambda graph_def, tensor: add(graph_def, "Neg", tensor, T=FLOAT),
    "branch off": lambda graph_def, tensor: [tensor, add(graph_def, "Neg", tensor, T=FLOAT)][0],
    "first of": lambda graph_def, tensor: add(graph_def, "AddV2", tensor, f"{tensor}", T=FLOAT),
    "second output": second,
    "constant": lambda graph_def, _: constant(graph_def, [1.0]),
    "another placeholder": placeholder,
    "with a default": with_default,
    "order": beside("NoOp"),
    "trigger": beside("ControlTrigger"),
    "table": table,
    "array": array,
    "call": call,
}
RARE: dict[str, Callable[[v1.GraphDef, str], str]] = {
    "a file": read_file,
    "a file in a function": in_a_function("ReadFile"),
    "an op that nobody has": beside("MyCustomOp"),
    **{op: variable(op) for op in ("VariableV2", "VarHandleOp", "AutoReloadVariable", "TemporaryVariable")},
    "a variable in a function": in_a_function("VarHandleOp"),
}
STEPS = {**COMMON, **RARE}


def graph_of(names: list[str]) -> v1.GraphDef:
    graph_def = v1.GraphDef()
    graph_def.versions.producer = tf.version.GRAPH_DEF_VERSION
    tensor = add(graph_def, "Placeholder", dtype=FLOAT)
    graph_def.node[-1].attr["shape"].shape.unknown_rank = True
    for name in names:
        tensor = STEPS[name](graph_def, tensor)
    add(graph_def, "Identity", tensor, T=FLOAT)
    return graph_def


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs") / "model.pb"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(COMMON)), max_size=8),
    st.lists(st.sampled_from(sorted(RARE)), max_size=1),
    st.integers(0, 999),
)
def test_all_three_say_the_same(path: Path, names: list[str], rare: list[str], seed: int) -> None:
    steps = [*names, *rare]
    random.Random(seed).shuffle(steps)
    answer = check(graph_of(steps), path)
    assert answer is None or not rare
    assert answer is None or answer.fetches


@pytest.mark.parametrize("name", sorted(STEPS))
def test_each_step_by_itself(path: Path, name: str) -> None:
    answer = check(graph_of([name]), path)
    assert (answer is None) == (name in RARE or name == "table")  # a table that is filled by what is fed
    if name in ("table", "array", "call", "order", "trigger") and answer is not None:
        assert [fetch.split("_")[0] for fetch in answer.fetches] == ["scope/Identity"], (
            "what gives nothing is no output"
        )


def test_a_table_of_constants_is_taken(path: Path) -> None:
    answer = check(graph_of(["constant", "table"]), path)
    assert answer is not None
    assert all("Table" not in fetch for fetch in answer.fetches)


def test_a_placeholder_of_before_2017_must_be_fed(path: Path) -> None:
    graph_def = v1.GraphDef()
    graph_def.versions.producer = 20
    add(graph_def, "PlaceholderV2", dtype=FLOAT)
    graph_def.node[-1].attr["shape"].shape.dim.add(size=-1)
    add(graph_def, "Identity", graph_def.node[-1].name, T=FLOAT)
    answer = check(graph_def, path)
    assert answer == Answer([("scope/PlaceholderV2_0", "float32")], ["scope/Identity_1"])
    signature = read_graph(path).signature
    fetches = signature.fetches(read(outputs=["scope/Identity_1"]))
    assert [each.name for each in signature.needed_by(fetches)] == ["scope/PlaceholderV2_0"]


@pytest.mark.parametrize("name", ["^score", "score:", "score:x", "score:0:0", "score:+0", "", "nope"])
def test_what_a_worker_cannot_fetch_is_known_to_the_producer(path: Path, name: str) -> None:
    graph_def = graph_of([])
    graph_def.node[-1].name = "score"
    path.write_bytes(graph_def.SerializeToString())
    assert name not in read_graph(path).signature
    with pytest.raises(ModelError, match="the graph has no tensor"):
        frozen.tensor(frozen.load(path.read_bytes()), name)


@pytest.mark.parametrize("op", ["Variable", "VariableV2", "VarHandleOp", "AutoReloadVariable", "TemporaryVariable"])
def test_a_variable_is_the_reason_wherever_it_is(path: Path, op: str) -> None:
    """Not that its op is refused: `model freeze` is the answer."""
    for build in (variable(op), in_a_function(op)):
        graph_def = graph_of([])
        build(graph_def, "")
        path.write_bytes(graph_def.SerializeToString())
        with pytest.raises(GraphError, match="has the variable"):
            read_graph(path)
        with pytest.raises(ModelError, match="the graph still has variables"):
            frozen.load(path.read_bytes())
