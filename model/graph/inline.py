"""Taking function calls out of a graph: their nodes come into the graph itself, where variables can be frozen.

`convert_variables_to_constants` follows a variable into a function, but not into a function that calls another, as each
signature of a SavedModel does. Nothing of the graph runs here.
"""

from collections.abc import Sequence

import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.core.protobuf import rewriter_config_pb2
from tensorflow.python.grappler import tf_optimizer  # no public API runs one rewrite on a graph

from graphs.ops import CALLS
from model.errors import ModelError, reason


def calls(graph_def: v1.GraphDef) -> bool:
    """Whether a node of the graph calls a function."""
    functions = {function.signature.name for function in graph_def.library.function}
    return any(node.op in CALLS or node.op in functions for node in graph_def.node)


def imported(graph_def: v1.GraphDef) -> tf.Graph:
    """The graph in TensorFlow, names unchanged. ModelError with TensorFlow's reason if it cannot import it."""
    graph = v1.Graph()
    try:
        with graph.as_default():
            v1.import_graph_def(graph_def, name="")
    except (TypeError, KeyError, ValueError, tf.errors.OpError) as error:
        raise ModelError(f"TensorFlow {tf.__version__} cannot import the graph: {reason(error)}") from None
    return graph


def inline(graph_def: v1.GraphDef, outputs: Sequence[str]) -> v1.GraphDef:
    """Return the graph with its calls replaced by what they do; the nodes `outputs` keep their names."""
    if not calls(graph_def):
        return graph_def
    with imported(graph_def).as_default():
        meta_graph = v1.train.export_meta_graph(clear_devices=True)
    meta_graph.collection_def.pop("train_op", None)
    meta_graph.collection_def["train_op"].node_list.value.extend(f"{name}:0" for name in outputs)  # what to keep
    config = v1.ConfigProto()
    rewriter = config.graph_options.rewrite_options
    rewriter.min_graph_nodes = -1  # small graphs as well
    rewriter.optimizers.append("function")
    rewriter.function_optimization = rewriter_config_pb2.RewriterConfig.AGGRESSIVE  # those with variables as well
    try:
        return tf_optimizer.OptimizeGraph(config, meta_graph)
    except (TypeError, ValueError, tf.errors.OpError) as error:
        raise ModelError(f"TensorFlow cannot take the graph's functions apart: {reason(error)}") from None
