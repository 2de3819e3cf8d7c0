"""Frozen graphs from anywhere: loaded if they only compute, refused in one clear line if they do more."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

from graphs import ops
from model.errors import ModelError
from model.graph import freeze, frozen


def graph_def(build: Callable[[], object]) -> v1.GraphDef:
    with v1.Graph().as_default() as graph:
        build()
    return graph.as_graph_def()


def linear(variable: bool = True) -> tf.Tensor:
    """The classic example: x*y + b."""
    x, y = v1.placeholder(tf.int32, name="x"), v1.placeholder(tf.int32, name="y")
    b = v1.get_variable("b", initializer=1, use_resource=False) if variable else tf.constant(1, name="b")
    return tf.add(tf.multiply(x, y), b, name="op_to_store")


def test_the_classic_graph_is_frozen_loaded_and_run() -> None:
    """Placeholders without a static shape take any: a graph from a tutorial must work as it is."""
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        linear()
        session.run(v1.global_variables_initializer())
        data = freeze.freeze(session, ["op_to_store"])

    loaded = frozen.load(data)

    assert [(each.op.name, each.dtype, each.shape.rank) for each in frozen.placeholders(loaded)] == [
        ("x", tf.int32, None),
        ("y", tf.int32, None),
    ]
    assert [each.name for each in frozen.terminal_tensors(loaded)] == ["op_to_store:0"]
    with v1.Session(graph=loaded) as session:
        feeds = {"x:0": [1, 2, 3], "y:0": [10, 20, 30]}
        assert session.run(frozen.tensor(loaded, "op_to_store"), feeds).tolist() == [11, 41, 91]
        assert session.run("b:0") == 1  # a frozen variable keeps its name


def test_terminal_tensors_are_what_nothing_consumes() -> None:
    def build() -> None:
        x = v1.placeholder(tf.float32, [None], name="x")
        v1.placeholder_with_default(1.0, [], name="unused_default")
        tf.constant(1.0, name="unused_constant")
        doubled = tf.multiply(x, 2.0, name="doubled")
        parts = tf.split(doubled, [1, -1], name="parts")
        tf.add(parts[0], 1.0, name="first")
        with tf.control_dependencies([tf.identity(x, name="ordered_before")]):
            tf.negative(x, name="second")
        tf.group(doubled, name="no_outputs")
        v1.Assert(tf.reduce_all(x > 0), [x], name="check").mark_used()
        tf.unique(x, name="two_outputs")

    loaded = frozen.load(graph_def(build).SerializeToString())
    assert [each.name for each in frozen.terminal_tensors(loaded)] == ["first:0", "second:0", "two_outputs:0"]


def test_a_tensor_is_found_by_node_or_by_output() -> None:
    loaded = frozen.load(graph_def(lambda: linear(variable=False)).SerializeToString())
    assert frozen.tensor(loaded, "op_to_store") is frozen.tensor(loaded, "op_to_store:0")
    for absent in ("nope", "op_to_store:7", "", "a:b:c"):
        with pytest.raises(ModelError, match=re.escape(f"the graph has no tensor {absent!r}")):
            frozen.tensor(loaded, absent)


def read_file() -> None:
    tf.io.read_file("/etc/passwd", name="peek")


def write_file() -> None:
    tf.io.write_file("/tmp/x", "x", name="poke")


def call_python() -> None:
    v1.py_func(lambda: np.int32(1), [], tf.int32, name="call")


def inside_a_function() -> None:
    @tf.function
    def innocent(name: tf.Tensor) -> tf.Tensor:
        return tf.strings.length(tf.io.read_file(name))

    innocent(tf.constant("/etc/passwd"))


def inside_a_branch() -> None:
    v1.placeholder(tf.bool, [], name="which")
    tf.cond(tf.constant(True), lambda: tf.io.read_file("/etc/passwd"), lambda: tf.constant(""))


def read_dataset() -> None:
    v1.data.make_one_shot_iterator(v1.data.TextLineDataset("/etc/passwd")).get_next()


def print_to_a_file() -> None:
    tf.print("leak", output_stream="file:///tmp/leak")


@pytest.mark.parametrize(
    ("build", "op"),
    [
        (read_file, "ReadFile"),
        (write_file, "WriteFile"),
        (call_python, "PyFunc"),
        (inside_a_function, "ReadFile"),
        (inside_a_branch, "ReadFile"),
        (read_dataset, r"\w+Dataset\w*|OneShotIterator"),
        (print_to_a_file, "PrintV2"),
    ],
)
def test_a_graph_that_does_more_than_compute_is_refused(build: Callable[[], object], op: str) -> None:
    with pytest.raises(ModelError, match=rf"^refused: node '.+' is the op ({op}), which \w+"):
        frozen.load(graph_def(build).SerializeToString())


def test_a_refused_node_in_a_function_is_named_with_its_function() -> None:
    (refusal,) = frozen.refusals(graph_def(inside_a_function))
    assert re.fullmatch(r"__inference_innocent_\d+/ReadFile", refusal[0])


def test_an_op_that_tensorflow_does_not_have_is_refused() -> None:
    """It would need a library, and nobody knows what it does."""
    unknown = v1.GraphDef(node=[v1.NodeDef(name="mine", op="MyCustomOp")])
    with pytest.raises(ModelError, match=r"node 'mine' is the op MyCustomOp, which TensorFlow \S+ does not have"):
        frozen.load(unknown.SerializeToString())


DANGEROUS = """
    ReadFile WriteFile MatchingFiles SaveV2 RestoreV2 MergeV2Checkpoints WholeFileReaderV2 ReaderReadV2 ImmutableConst
    TFRecordDataset LMDBDataset CSVDatasetV2 CacheDatasetV2 IteratorGetNext InitializeTableFromTextFileV2
    LoadAndRemapMatrix GenerateVocabRemapping PyFunc PyFuncStateless EagerPyFunc Print PrintV2 DumpTensor
    DebugIdentityV3 DebugNanCount CopyHost CreateSummaryFileWriter WriteScalarSummary XlaCustomCallV2 XlaCallModule
    Abort RpcCall RemoteCall Send _Recv CollectiveReduceV3 NcclAllReduce DataServiceDatasetV4 TPUExecute
"""


@pytest.mark.parametrize("op", DANGEROUS.split())
def test_refused_whatever_tensorflow_says_of_its_state(op: str) -> None:
    assert ops.refusal(op)


@pytest.mark.parametrize(
    "op", ["MatMul", "StringJoin", "DecodeRaw", "GatherV2", "Snapshot", "DecodeCSV", "ParseExampleV2"]
)
def test_ops_that_compute_are_accepted(op: str) -> None:
    assert ops.refusal(op) is None


@pytest.mark.parametrize(
    "op", ["HashTableV2", "LookupTableFindV2", "StatefulPartitionedCall", "Assert", "RandomUniform"]
)
def test_harmless_state_is_accepted(op: str) -> None:
    assert ops.refusal(op) is None


def test_what_nobody_has_looked_at_is_refused() -> None:
    """An op of a later TensorFlow, say, even if that calls it stateless."""
    assert ops.refusal("OpFromTheFuture") == "nobody has reviewed yet"


def meta_graph() -> bytes:
    with v1.Graph().as_default():
        linear()
        content: bytes = v1.train.export_meta_graph().SerializeToString()
        return content


def saved_model(folder: Path) -> bytes:
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        linear()
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(folder / "saved"))
        builder.add_meta_graph_and_variables(session, ["serve"])
        return Path(builder.save().decode()).read_bytes()


def test_what_is_no_frozen_graph_says_what_it_is_and_what_to_do(tmp_path: Path) -> None:
    freeze_it = "freeze it first: model freeze DIR --output spam.pb"
    for data, why in [
        (b"", "not a frozen graph: it is empty"),
        (b"message_id,text\n1,hello\n", "not a frozen graph: its bytes are no GraphDef with nodes"),
        (b"\xff" * 1000, "not a frozen graph: its bytes are no GraphDef with nodes"),
        (meta_graph(), f"not a frozen graph: it is a MetaGraphDef (a checkpoint's .meta file); {freeze_it}"),
        (saved_model(tmp_path), f"not a frozen graph: it is a SavedModel; {freeze_it}"),
        (graph_def(linear).SerializeToString(), f"the graph still has variables (b); {freeze_it}"),
    ]:
        with pytest.raises(ModelError) as caught:
            frozen.load(data)
        assert str(caught.value) == why


def test_a_truncated_model_is_no_model(shipped: bytes) -> None:
    with pytest.raises(ModelError, match="not a frozen graph"):
        frozen.load(shipped[: len(shipped) // 2])


def test_a_graph_that_does_not_fit_together_is_one_line() -> None:
    dangling = v1.GraphDef(node=[v1.NodeDef(name="a", op="Neg", input=["nowhere"])])
    with pytest.raises(ModelError, match=r"cannot import the graph: .*nowhere") as caught:
        frozen.load(dangling.SerializeToString())
    assert "\n" not in str(caught.value)
