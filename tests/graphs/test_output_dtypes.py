"""What dtype a node surely has: never another than TensorFlow says, or models that take thresholds would be refused."""

import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.client import pywrap_tf_session

from graphs import output_dtypes
from graphs.output_dtypes import dtype_of


def test_each_op_says_it_where_tensorflow_does() -> None:
    found = op_def_pb2.OpList()
    found.ParseFromString(pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList()))
    by_attribute, fixed = output_dtypes._BY_ATTRIBUTE, output_dtypes._FIXED
    compared = 0
    for op in found.op:
        said = [name for table in (by_attribute, fixed) for name, ops in table.items() if ops.fullmatch(op.name)]
        assert len(said) < 2, op.name
        if said:
            output, compared = op.output_arg[0], compared + 1
            wanted = output.type_attr if said[0] in by_attribute else tf.as_dtype(output.type).name
            assert said == [wanted], op.name
    assert compared > 90, "the tables are of ops that there are"


def test_a_node_has_the_dtype_that_it_gets_when_it_is_run() -> None:
    with v1.Graph().as_default() as graph:
        x = v1.placeholder(tf.float32, [None], name="x")
        made = {
            "sum": tf.identity(x + 1, "sum"),
            "above": tf.greater(x, 0.5, "above"),
            "half": tf.cast(x, tf.float16, name="half"),
            "text": tf.strings.as_string(x, name="text"),
            "one": tf.gather(tf.constant(["no", "yes"]), tf.cast(x, tf.int32), name="one"),
            "best": tf.argmax([x, x], name="best"),
        }
        tf.unique_with_counts(x, name="several")
    graph_def = graph.as_graph_def()
    for name, tensor in made.items():
        assert dtype_of(graph_def, name) == dtype_of(graph_def, f"{name}:0") == tensor.dtype.name, name
    for unknown in ("several", "several:1", "sum:1", "nowhere"):
        assert dtype_of(graph_def, unknown) is None
