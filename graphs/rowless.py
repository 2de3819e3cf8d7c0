"""Outputs that surely have no row a record: a loss, a summary, a mean over all records.

Told by the ops, as far as they tell: the shapes that TensorFlow infers are the worker's to know.
"""

import re
from collections.abc import Callable

from graphs import constants
from graphs.inputs import feedable
from graphs.messages import GraphDef, NodeDef
from graphs.names import is_control, node_of

_REDUCE = re.compile("Mean|Sum|Max|Min|Prod|All|Any|EuclideanNorm")
_SCALAR = re.compile("L2Loss|Rank|Size|.*Summary|MergeSummary|NoOp")
_SAME = re.compile(
    "Identity|StopGradient|PreventGradient|Snapshot|Cast|Neg|Abs|Sqrt|Rsqrt|Square|Exp|Log|Log1p|Tanh|Sigmoid|Reciprocal|Floor|Round"
    "|Add|AddV2|AddN|Sub|Mul|Div|RealDiv|DivNoNan|Maximum|Minimum|Pow|SquaredDifference|Greater|Less|Equal"
)


def rowless(graph_def: GraphDef) -> Callable[[str], bool]:
    """Says of a node, by its name, whether its first output surely has no row a record."""
    nodes = {node.name: node for node in graph_def.node}
    shapes = {each.name: each.shape for each in feedable(graph_def)}
    known: dict[str, bool] = {}

    def is_rowless(name: str) -> bool:
        waiting = [name]
        while waiting:
            node = nodes.get(waiting[-1])
            if node is None or node.name in known:
                known.setdefault(waiting.pop(), False)
                continue
            sources = [node_of(each) for each in node.input if not is_control(each)]
            is_same = _SAME.fullmatch(node.op) is not None and bool(sources)
            unknown = [each for each in sources if each not in known] if is_same else []
            if unknown and not set(unknown) & set(waiting):
                waiting += unknown
                continue
            if is_same:
                known[node.name] = all(known.get(each, False) for each in sources)
            else:
                known[node.name] = _is_rowless(node, nodes, shapes.get(node.name))
            waiting.pop()
        return known[name]

    return is_rowless


def _is_rowless(node: NodeDef, nodes: dict[str, NodeDef], shape: tuple[int, ...] | None) -> bool:
    if shape is not None:
        return shape == ()
    if node.op == "Const":
        return constants.shape(node) == ()
    if _REDUCE.fullmatch(node.op):
        return _takes_rows_away(node, nodes)
    return _SCALAR.fullmatch(node.op) is not None


def _takes_rows_away(node: NodeDef, nodes: dict[str, NodeDef]) -> bool:
    """Whether the axes that a reduction does away with are known, and the first is among them."""
    axes = nodes.get(node_of(node.input[1])) if len(node.input) > 1 else None
    if axes is None:
        return False
    if axes.op == "Range":  # of all axes: what a mean of everything says
        start = nodes.get(node_of(axes.input[0]))
        return start is not None and constants.values(start) == [0]
    return 0 in (constants.values(axes) or [])
