"""Taking function calls out of a graph: their nodes come into the graph itself, where variables can be frozen.

`convert_variables_to_constants` follows a variable into a function, but not into a function that calls another, as each
signature of a SavedModel does.
"""

from collections.abc import Sequence

from tensorflow.compat import v1
from tensorflow.core.protobuf import rewriter_config_pb2
from tensorflow.python.grappler import tf_optimizer  # no public API runs one rewrite on a graph

from graphs.ops import CALLS


def calls(graph_def: v1.GraphDef) -> bool:
    """Whether a node of the graph calls a function, by its name or by an op that does."""
    functions = {function.signature.name for function in graph_def.library.function}
    return any(node.op in CALLS or node.op in functions for node in graph_def.node)


def inline(graph_def: v1.GraphDef, outputs: Sequence[str]) -> v1.GraphDef:
    """Return the graph with its calls replaced by what they do; the nodes `outputs` keep their names."""
    meta_graph = v1.MetaGraphDef()
    meta_graph.graph_def.CopyFrom(graph_def)
    for node in meta_graph.graph_def.node:
        node.device = ""
    meta_graph.collection_def["train_op"].node_list.value.extend(outputs)  # what to keep
    config = v1.ConfigProto()
    rewriter = config.graph_options.rewrite_options
    rewriter.min_graph_nodes = -1  # small graphs as well
    rewriter.optimizers.append("function")
    rewriter.function_optimization = rewriter_config_pb2.RewriterConfig.AGGRESSIVE  # those with variables as well
    inlined = tf_optimizer.OptimizeGraph(config, meta_graph)
    for node in inlined.node:
        node.attr.pop("_class", None)  # beside the inputs of calls that are gone
    return inlined
