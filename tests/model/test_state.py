"""What one record leaves for another, from one call to the next: refused before it is imported, however it is done."""

import re
from collections.abc import Callable

import pytest
import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session  # no public API lists all ops

from graphs import ops
from model.errors import ModelError
from model.graph import frozen

raw = tf.raw_ops
Build = Callable[[tf.Tensor], tf.Tensor]


def keys() -> tf.Tensor:
    return tf.constant([0, 1], tf.int64)


def find(table: tf.Tensor, after: list[tf.Operation]) -> tf.Tensor:
    with tf.control_dependencies(after):
        return raw.LookupTableFindV2(table_handle=table, keys=keys(), default_value=-1.0)


def table(name: str = "HashTableV2") -> tf.Tensor:
    return getattr(raw, name)(key_dtype=tf.int64, value_dtype=tf.float32)


def written_in_a_function(x: tf.Tensor) -> tf.Tensor:
    handle = table()

    @tf.function
    def fill(handle: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        raw.LookupTableImportV2(table_handle=handle, keys=tf.constant([0, 1], tf.int64), values=values)
        return tf.constant(0.0)

    return find(handle, [fill(handle, x).op])


def written_if(x: tf.Tensor) -> tf.Tensor:
    """What is written is always the same; whether it is depends on a record, and a later one can tell."""
    handle = table()

    def fill() -> tf.Tensor:
        with tf.control_dependencies([raw.InitializeTableV2(table_handle=handle, keys=keys(), values=[1.0, 2.0])]):
            return tf.constant(0.0)

    return find(handle, [tf.cond(x[0] > 0, fill, lambda: tf.constant(0.0)).op])


def mutable(x: tf.Tensor) -> tf.Tensor:
    handle = table("MutableHashTableV2")
    old = find(handle, [])
    with tf.control_dependencies([old]):
        write = raw.LookupTableInsertV2(table_handle=handle, keys=keys(), values=x)
    with tf.control_dependencies([write]):
        return tf.identity(old)


def queue(x: tf.Tensor) -> tf.Tensor:
    """An old kind, whose ops TensorFlow calls stateless: it takes one for each two that it gives."""
    handle = raw.RandomShuffleQueue(component_types=[tf.float32], shapes=[[]])
    with tf.control_dependencies([raw.QueueEnqueueMany(handle=handle, components=[x])]):
        return raw.QueueDequeue(handle=handle, component_types=[tf.float32])[0]


def staged(x: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([raw.Stage(values=[x])]):
        return raw.Unstage(dtypes=[tf.float32])[0]


CARRYING: dict[str, tuple[Build, str]] = {
    "a table filled by records": (
        lambda x: find(h := table(), [raw.InitializeTableV2(table_handle=h, keys=keys(), values=x)]),
        "InitializeTableV2",
    ),
    "imported": (
        lambda x: find(h := table(), [raw.LookupTableImportV2(table_handle=h, keys=keys(), values=x)]),
        "LookupTableImportV2",
    ),
    "in a function": (written_in_a_function, "LookupTableImportV2"),
    "in a branch": (written_if, "InitializeTableV2"),
    "a mutable table": (mutable, "MutableHashTableV2"),
    "a constant overwritten in place": (
        lambda x: raw.InplaceAdd(x=tf.constant([0.0, 0.0]), i=[0], v=x[:1]),
        "InplaceAdd",
    ),
    "memory as it was left": (lambda x: raw.Empty(shape=tf.shape(x), dtype=tf.float32), "Empty"),
    "a queue": (queue, "RandomShuffleQueue"),
    "a stage": (staged, "Stage"),
    "rows of several calls": (
        lambda x: raw.Batch(
            in_tensors=[x], num_batch_threads=1, max_batch_size=8, batch_timeout_micros=0, grad_timeout_micros=0
        ).batched_tensors[0],
        "Batch",
    ),
}


def graph_def(build: Build) -> v1.GraphDef:
    with v1.Graph().as_default() as graph:
        tf.identity(build(v1.placeholder(tf.float32, [None], name="x")), name="score")
    return graph.as_graph_def()


@pytest.mark.parametrize("name", CARRYING)
def test_what_carries_one_record_into_the_next_call_is_refused(name: str) -> None:
    build, op = CARRYING[name]
    with pytest.raises(ModelError, match=rf"^refused: node '.+' is the op {op}, which \w+"):
        frozen.load(graph_def(build).SerializeToString())


@pytest.mark.parametrize("name", ["a table filled by records", "imported", "a constant overwritten in place"])
def test_it_would_have_been_carried(name: str) -> None:
    """TensorFlow itself lets it through: otherwise there would be nothing to refuse."""
    with v1.Graph().as_default() as graph:
        v1.import_graph_def(graph_def(CARRYING[name][0]), name="")
    with v1.Session(graph=graph) as session:
        session.run("score:0", {"x:0": [3.0, 4.0]})
        after = session.run("score:0", {"x:0": [5.0, 6.0]}).tolist()
    with v1.Session(graph=graph) as session:
        assert session.run("score:0", {"x:0": [5.0, 6.0]}).tolist() != after


KEEPING_NOTHING: dict[str, Build] = {
    "a table of constants": lambda x: (
        x + find(h := table(), [raw.InitializeTableV2(table_handle=h, keys=keys(), values=[1.0, 2.0])])[0]
    ),
    "a table of one call": lambda x: find(
        h := table("AnonymousMutableHashTable"), [raw.LookupTableInsertV2(table_handle=h, keys=keys(), values=x[:2])]
    ),
    "zeros": lambda x: raw.Empty(shape=tf.shape(x), dtype=tf.float32, init=True) + x,
    "a loop": lambda x: tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y * 2.0), (0, x))[1],
    "an array of one call": lambda x: tf.TensorArray(tf.float32, 1).write(0, x).read(0),
    "random numbers": lambda x: x + tf.random.uniform([]),
    "an assertion": lambda x: tf.debugging.assert_all_finite(x, "not finite"),
}


@pytest.mark.parametrize("name", KEEPING_NOTHING)
def test_state_that_ends_with_the_call_or_never_changes_is_accepted(name: str) -> None:
    loaded = frozen.load(graph_def(KEEPING_NOTHING[name]).SerializeToString())
    with v1.Session(graph=loaded) as session:
        session.run("score:0", {"x:0": [3.0, 4.0]})


def test_an_initialiser_that_nobody_calls_is_no_danger() -> None:
    """A SavedModel's functions that fill tables stay in the library of many a frozen graph."""
    found = graph_def(written_in_a_function)
    called = [node for node in found.node if "PartitionedCall" in node.op]
    assert len(called) == 1
    for node in found.node:
        kept = [name for name in node.input if called[0].name not in name]
        del node.input[:]
        node.input.extend(kept)
    found.node.remove(called[0])
    frozen.load(found.SerializeToString())


def test_no_queue_stage_or_assignment_of_this_tensorflow_is_accepted() -> None:
    listed = op_def_pb2.OpList()
    listed.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    for definition in listed.op:
        if re.fullmatch(r".*Queue.*|Barrier.*|.*Stage|.*Accumulator.*|.*Assign.*|Inplace.*", definition.name):
            assert ops.refusal(definition.name), definition.name
