"""Which nodes of a graph predict, when nobody says: not what trains it, tells how it trains, or saves it."""

import re
from collections.abc import Iterable, Mapping, Sequence

from tensorflow.compat import v1

from graphs import outputs as ends
from graphs.inputs import INPUTS
from graphs.names import is_control, node_of

_TRAINING_NAME = re.compile(
    r"(.*/)?(gradients|save|train|training|optimizer|Optimizer|Adam|Momentum|RMSProp|GradientDescent|init|report_uninitialized"
    r"_variables|global_step|summaries|Assign|ExponentialMovingAverage|clip_by_global_norm|l2_loss|learning_rate)(_\d+)?(/.*)?"
)
_TRAINING_OP = re.compile(
    r".*Summary.*|.*Apply.*|Assign.*|.*CrossEntropyWithLogits|.*Grad|L2Loss|Save.*|Restore.*|CTCLoss|InTopK(V2)?|NoOp"
)
_GRADIENT = re.compile(r".*Apply(?!.*Summary).*|.*Grad")
_LABEL = re.compile(
    r"(.*/)?(input_?|batch_?)?(y|y_|labels?|targets?|y_true|ys|ground_truth)(_?(input|placeholder|ph|\d+))?", re.I
)
_LOSS = re.compile(
    r"(.*/)?([^/]*_)?(loss|losses|cost|accuracy|acc|error|mse|perplexity|correct_pred(iction)?s?)(_[^/]*)?(/.*)?", re.I
)
_INTERNAL = re.compile(
    r"(Ref)?(Switch|Merge|Enter|Exit|NextIteration)|LoopCond|TensorArray.*|Stack.*|Shape|Rank|Size|Range|Assert|Const"
    r"|VarHandleOp|Variable(V2)?|ReadVariableOp|(Mutable)?HashTable(V2)?|Iterator.*|.*Dataset.*"
)
_PIVOT = re.compile(r"(.*/)?(switch_[tf]|pred_id)")  # what a cond of TensorFlow 1 adds for itself
_STORES = re.compile(r"Assign.*|.*Apply.*|.*Summary.*|Save.*")
_STARTS = INPUTS | {
    "IteratorGetNext",
    "PlaceholderWithDefault",
    "QueueDequeueManyV2",
    "QueueDequeueV2",
    "QueueDequeueUpToV2",
}
_PREDICTS = re.compile(r"score|prob|predict|softmax|sigmoid|output|logit|class", re.IGNORECASE)
_MOST = 6


def outputs(graph_def: v1.GraphDef) -> list[str]:
    """The nodes that end a path from what is fed, once everything that trains is left out: first those whose names say
    that they predict, in graph order."""
    is_trained = any(_GRADIENT.fullmatch(node.op) or node.name.startswith("gradients") for node in graph_def.node)
    found = (_outputs(graph_def, with_labels=True) if is_trained else []) or _outputs(graph_def, with_labels=False)
    return sorted(found, key=lambda name: _PREDICTS.search(name.rpartition("/")[2]) is None)


def _outputs(graph_def: v1.GraphDef, *, with_labels: bool) -> list[str]:
    readers: dict[str, list[str]] = {}
    ops = {node.name: node.op for node in graph_def.node}
    for node in graph_def.node:
        for source in node.input:
            readers.setdefault(node_of(source), []).append(node.name)
    computed: dict[str, list[str]] = {}  # what only waits for an assignment does not train
    for node in graph_def.node:
        for source in node.input:
            if not is_control(source):
                computed.setdefault(node_of(source), []).append(node.name)
    trains = _from((node.name for node in graph_def.node if _trains(node, with_labels)), computed)
    fed = _from((node.name for node in graph_def.node if node.op in _STARTS and node.name not in trains), readers)
    rest = v1.GraphDef(library=graph_def.library)
    for node in graph_def.node:
        if node.name not in trains:
            kept = rest.node.add(name=node.name, op=node.op)
            kept.input.extend(node.input)
            for key in ("Tout", "T"):
                if key in node.attr:
                    kept.attr[key].CopyFrom(node.attr[key])
    return [
        name
        for name in ends.terminal(rest)
        if name in fed
        and not (_INTERNAL.fullmatch(ops[name]) or _PIVOT.fullmatch(name))
        and not (readers.get(name) and all(_STORES.fullmatch(ops[reader]) for reader in readers[name]))
    ]


def _trains(node: v1.NodeDef, with_labels: bool) -> bool:
    if _TRAINING_NAME.fullmatch(node.name) or _TRAINING_OP.fullmatch(node.op) or _LOSS.fullmatch(node.name):
        return True
    return with_labels and node.op in INPUTS and _LABEL.fullmatch(node.name) is not None


def said(found: Sequence[str]) -> str:
    """What to say in an error of the nodes that may be meant."""
    return f" (perhaps {', '.join(found[:_MOST])})" if found else ""


def _from(names: Iterable[str], readers: Mapping[str, Sequence[str]]) -> set[str]:
    """These nodes, and those that depend on them."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += readers.get(name, ())
    return found
