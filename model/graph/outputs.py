"""What to freeze when nobody says: the nodes that predict, and not what training adds."""

import re
from collections.abc import Iterable, Sequence

from tensorflow.compat import v1

from graphs.inputs import MAY_BE_FED
from graphs.outputs import terminal
from graphs.parts import inputs, reached
from graphs.rowless import rowless
from model.errors import ModelError

# Added by tf.gradients, optimisers, Saver, summaries and the initialisers, under names and ops of their own.
_TRAINING = re.compile(
    r"(.*/)?(gradients|save|report_uninitialized_variables|init|train|training|optimizer|Adam|RMSProp|Adagrad|Momentum"
    r"|GradientDescent|loss|losses|accuracy|metrics)(_\d+)?(/.*)?",
    re.IGNORECASE,
)
_TRAINING_OPS = re.compile(
    r".*Summary|MergeSummary|(Resource)?(Sparse)?Apply.*|Assign.*|Save.*|Restore.*|ShardedFilename|MergeV2Checkpoints"
    r"|Enter|Exit|NextIteration|LoopCond|Switch|.*Grad|IsVariableInitialized|VarIsInitializedOp|Queue.*|Print"
    r"|.*Softmax(SparseSoftmax)?CrossEntropy.*|.*CrossEntropyWithLogits|TensorArrayClose.*|.*Dequeue.*|Timestamp"
)
_PREDICTS = re.compile(r"score|prob|predict|softmax|sigmoid|output|logit|class", re.IGNORECASE)


def outputs_of(graph_def: v1.GraphDef, entries: Sequence[str] = ()) -> list[str]:
    """`score`, else the only node that ends a path from a placeholder, or from a node of `entries`, and predicts.

    ModelError if there are several, or none.
    """
    if any(node.name == "score" for node in graph_def.node):
        return ["score"]
    found = candidates(graph_def, entries)
    if len(found) != 1:
        raise ModelError(f"the graph has no node 'score' to freeze: name its outputs with --node{_said(found)}")
    return found


def hint(graph_def: v1.GraphDef) -> str:
    """The candidates, as the end of a sentence."""
    return _said(candidates(graph_def))


def candidates(graph_def: v1.GraphDef, entries: Iterable[str] = ()) -> list[str]:
    """The nodes that may be what the model predicts, the likeliest first."""
    behind = inputs(graph_def)
    nodes = {node.name: node for node in graph_def.node}
    fed = {node.name for node in graph_def.node if node.op in MAY_BE_FED} | set(entries)
    is_rowless = rowless(graph_def)
    ends = [name for name in terminal(graph_def) if _is_prediction(nodes[name]) and not is_rowless(name)]
    if not ends:  # what training reads ends in training: where does it begin?
        read_by_training = {
            source
            for node in graph_def.node
            if not _is_prediction(node)
            for source in behind[node.name]
            if source in nodes and _is_prediction(nodes[source]) and not is_rowless(source)
        }
        ends = [name for name in nodes if name in read_by_training and _PREDICTS.search(name)]
    found = [name for name in ends if reached(behind, [name]) & fed]
    return sorted(found, key=lambda name: not _PREDICTS.search(name))


def _is_prediction(node: v1.NodeDef) -> bool:
    return not (_TRAINING.fullmatch(node.name) or _TRAINING_OPS.fullmatch(node.op) or node.op in MAY_BE_FED) and (
        node.op not in ("Const", "NoOp", "Variable", "VariableV2", "VarHandleOp", "ReadVariableOp")
    )


def _said(found: Sequence[str]) -> str:
    return f" (perhaps {', '.join(found[:6])})" if found else ""
