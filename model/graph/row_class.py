"""How a model treats the rows of a call, as far as its ops tell; a worker finds out the rest on real rows.

- *exact*: a row's scores have the same bits whatever is scored with it.
- *rounding*: they are within 1e-4. TensorFlow computes `exp`, for one, in another way for the last few of many numbers.
- *mixing*: they depend on the other rows (a mean over the batch), or on chance, or on the time of day.

Nothing is claimed that the ops do not prove: most graphs are decided when they are scored.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.compat import v1
from tensorflow.python.framework import op_def_registry  # no public API tells the fixed dtypes of a NodeDef

from graphs import ops, walk
from graphs.inputs import INPUTS
from graphs.names import tensor_of
from model.graph import nodes, row_axis
from model.graph.row_axis import Kind

RowClass = Literal["exact", "rounding", "mixing"]

# Ops that give a floating-point number the same bits wherever it stands, and whatever beside: they move it, or IEEE 754
# says what comes out. `Cast` has conditions, and `Sqrt`, as x / sqrt(y) may become x * rsqrt(y), and `Maximum` and
# `Minimum`, which disagree with themselves about the sign of 0.
_STABLE = re.compile(
    "Abs|Add|AddV2|Sub|Mul|Neg|RealDiv|Div|DivNoNan|MulNoNan|Square|SquaredDifference|Floor|Ceil|Rint|Round"
    "|Equal|NotEqual|Greater|GreaterEqual|Less|LessEqual|ApproximateEqual|IsNan|IsInf|IsFinite|Bucketize"
    "|Select|SelectV2|Where|ZerosLike|OnesLike|Fill|OneHot|Bitcast|CheckNumerics(V2)?|Assert|NoOp"
    "|Const|HostConst|Placeholder.*|Identity|IdentityN|Snapshot|StopGradient|PreventGradient|EnsureShape|Shape|ShapeN"
    "|Size|Rank|Reshape|ExpandDims|Squeeze|Concat|ConcatV2|Pack|Unpack|Split|SplitV|Slice|StridedSlice|Transpose"
    "|Reverse|ReverseV2|ReverseSequence|Roll|Tile|Pad|PadV2|MirrorPad|BroadcastTo|Gather|GatherV2|GatherNd"
    "|DynamicPartition|DynamicStitch|SparseToDense|StringToNumber|AsString|DecodeCSV|DecodeRaw|ParseExample.*"
    "|(Ref)?(Switch|Merge|Enter|Exit|NextIteration)|LoopCond|(Stateless|_)?(If|While|Case)|(Stateful)?PartitionedCall"
    "|(Anonymous)?HashTable(V2)?|LookupTable.*|InitializeTable(V2)?|TensorArray.*|TensorList.*|EmptyTensorList|Stack.*"
)


class RowVerdict(NamedTuple):
    """What the ops tell. `row_class` is None where a worker must find out; `best` is then the most it may find, and
    `by_rows` says whether at least each row goes through the graph by itself."""

    row_class: RowClass | None
    best: RowClass
    by_rows: bool
    why: str  # for people

    @property
    def text(self) -> str:
        return f"{self.row_class}: {self.why}" if self.row_class else f"decided when scored: {self.why}"


def judge(graph: tf.Graph, fetches: Iterable[str]) -> RowVerdict:
    """The verdict on the part of an imported graph that the fetched nodes or tensors need."""
    fetched = [tensor_of(fetch) or fetch for fetch in fetches]
    part = walk.needed_by(graph.as_graph_def(), fetched)
    for node in part.every():
        if node.op in ops.RANDOM:
            return RowVerdict("mixing", "mixing", False, f"it draws random numbers ({node.op})")
        if node.op in ops.CLOCK:
            return RowVerdict("mixing", "mixing", False, f"it reads the clock ({node.op})")
    kinds = row_axis.kinds(graph)
    by_rows = all(kinds.get(tensor) is Kind.ROWS for tensor in fetched)
    rounds = _rounding(graph, part, kinds)
    if by_rows and rounds is None:
        return RowVerdict("exact", "exact", True, "its ops take each row by itself")
    causes = [] if by_rows else [_first_other(graph, part, kinds)]
    causes += [f"{rounds} may round differently"] if rounds else []
    return RowVerdict(None, "rounding" if rounds else "exact", by_rows, ", and ".join(causes))


def _rounding(graph: tf.Graph, part: walk.Part, kinds: dict[str, Kind]) -> str | None:
    """The first op whose bits may depend on where in a tensor a number stands."""
    for node in part.nodes:
        operation = graph.get_operation_by_name(node.name)
        if all(kinds[output.name] is Kind.FIXED for output in operation.outputs):
            continue
        tensors = [*operation.inputs, *operation.outputs]
        floats = any(tensor.dtype.base_dtype.is_floating or tensor.dtype.is_complex for tensor in tensors)
        if floats and not (_STABLE.fullmatch(node.op) or _is_stable_here(operation)) and not _is_call(node, part):
            return str(node.op)
    for function in part.functions:
        for node in function.node_def:
            if node.op == "Cast":
                is_stable = not row_axis.narrows(*(nodes.dtype(node.attr[name].type) for name in ("SrcT", "DstT")))
            else:
                is_stable = bool(_STABLE.fullmatch(node.op))
            if not is_stable and _has_floats(node) and not _is_call(node, part):
                return str(node.op)
    return None


def _is_call(node: v1.NodeDef, part: walk.Part) -> bool:
    return any(function.signature.name == node.op for function in part.functions)


def _is_stable_here(operation: tf.Operation) -> bool:
    if operation.type == "Cast":
        return not row_axis.narrows(operation.inputs[0].dtype, operation.outputs[0].dtype)
    if operation.type == "Sqrt":
        return bool(operation.inputs[0].dtype == tf.float64)
    if operation.type in ("Maximum", "Minimum"):
        constants = [tensor.op.get_attr("value") for tensor in operation.inputs if tensor.op.type == "Const"]
        return any(bool(np.all(tf.make_ndarray(value) != 0)) for value in constants)
    return False


def _has_floats(node: v1.NodeDef) -> bool:
    """Whether a function's node handles floating-point numbers; one of unknown dtypes does."""
    definition = op_def_registry.get(node.op)
    if definition is None:
        return True
    arguments = [*definition.input_arg, *definition.output_arg]
    numbers = {argument.type for argument in arguments}
    for attr in node.attr.values():
        numbers |= {attr.type, *attr.list.type}
    dtypes = [nodes.dtype(number) for number in numbers if number]
    return any(dtype.is_floating or dtype.is_complex for dtype in dtypes)


def _first_other(graph: tf.Graph, part: walk.Part, kinds: dict[str, Kind]) -> str:
    """Where the trail of the rows ends."""
    needed = {node.name for node in part.nodes}
    for operation in graph.get_operations():
        if operation.name in needed and any(kinds[output.name] is Kind.OTHER for output in operation.outputs):
            if operation.type in INPUTS:
                return f"the placeholder {operation.name!r} has no shape of a row a record"
            return f"{operation.type} may mix rows"
    return "an output has nothing of the rows"
