"""Which tensors of a graph have the records as their first axis, each row computed from its own record alone.

Told by the ops, and never guessed: an op without a rule, or with a shape that is not known, ends the trail. Functions
and control flow have no rule.
"""

import re
from collections.abc import Callable, Iterable
from enum import Enum

import tensorflow as tf

from graphs.inputs import INPUTS


class Kind(Enum):
    FIXED = "the same in every call"
    ROWS = "a row a record, and of no other"
    OTHER = "nobody knows"


# Element by element; inputs of lower rank are broadcast. Also what raises on some values.
_ELEMENTWISE = re.compile(
    "Abs|Acosh?|Add(V2)?|ApproximateEqual|Asinh?|Atan[2h]?|Bitwise(And|Or|Xor)|Bucketize|Cast|Ceil|CheckNumerics(V2)?"
    "|ClipByValue|Cosh?|Digamma|Div(NoNan)?|Elu|Equal|Erf(c|inv)?|Exp|Expm1|Floor(Div|Mod)?|Greater(Equal)?|Identity|Inv"
    "|Invert|Is(Finite|Inf|Nan)|LeakyRelu|(Left|Right)Shift|Less(Equal)?|Lgamma|Log(1p)?|Logical(And|Not|Or)|Maximum"
    "|Minimum|Mod|Mul(NoNan)?|Ndtri|Neg|NextAfter|NotEqual|(Ones|Zeros)Like|PopulationCount|Pow|PreventGradient|RealDiv"
    "|Reciprocal|Relu6?|Rint|Round|Rsqrt|SelectV2|Selu|Sigmoid|Sign|Sinh?|Snapshot|Softplus|Softsign|Sqrt|Square"
    "|SquaredDifference|StopGradient|Sub|Tanh?|Truncate(Div|Mod)|Xdivy|Xlog1py|Xlogy"
    "|AsString|(De|En)codeBase64|(Static)?Regex(FullMatch|Replace)|String(Join|Length|Lower|Strip|ToNumber|Upper)"
    "|StringToHashBucket(Fast|Strong)?|Substr|Unicode(Script|Transcode)|LookupTableFind(V2)?"
)
_REDUCTIONS = ("All", "Any", "ArgMax", "ArgMin", "EuclideanNorm", "Max", "Mean", "Min", "Prod", "ReduceJoin", "Sum")
_ALONG = ("Cumprod", "Cumsum", "CumulativeLogsumexp", "ReverseV2")  # the axes that their second input names
_LAST_AXIS = ("LogSoftmax", "Softmax", "TopK", "TopKV2")
_WINDOWS = ("AvgPool", "BiasAdd", "BiasAddV1", "Conv2D", "DepthwiseConv2dNative", "MaxPool")  # of one row's own
_TABLES = frozenset({"HashTable", "HashTableV2"})
_SOURCES = frozenset({"Const", "HostConst", *_TABLES})


def kinds(graph: tf.Graph) -> dict[str, Kind]:
    """The kind of each tensor, by its name."""
    found: dict[str, Kind] = {}
    for operation in graph.get_operations():
        kind = _kind(operation, found)
        found.update((output.name, kind) for output in operation.outputs)
    return found


def _kind(operation: tf.Operation, found: dict[str, Kind]) -> Kind:
    if operation.type in INPUTS:
        shape = operation.outputs[0].shape
        return Kind.ROWS if shape.rank and shape[0] is None else Kind.OTHER
    if not operation.inputs:
        return Kind.FIXED if operation.type in _SOURCES else Kind.OTHER
    inputs = [found.get(tensor.name, Kind.OTHER) for tensor in operation.inputs]  # a loop leads back: not known yet
    if Kind.OTHER in inputs or (operation.type.startswith("LookupTable") and not _is_fixed_table(operation)):
        return Kind.OTHER
    if Kind.ROWS not in inputs:
        is_pure = not operation.op_def.is_stateful or operation.type.startswith("LookupTable")
        return Kind.FIXED if is_pure else Kind.OTHER
    return Kind.ROWS if _by_rows(operation, [kind is Kind.ROWS for kind in inputs]) else Kind.OTHER


def _is_fixed_table(operation: tf.Operation) -> bool:
    return operation.inputs[0].op.type in _TABLES


def _by_rows(operation: tf.Operation, rows: list[bool]) -> bool:
    """Whether the op does the same to each row of those inputs that have rows, at least one."""
    if operation.type == "Cast" and narrows(operation.inputs[0].dtype, operation.outputs[0].dtype):
        return False
    if _ELEMENTWISE.fullmatch(operation.type):
        return _is_broadcast(operation, rows)
    rule = _RULES.get(operation.type)
    return rule is not None and rule(operation, rows)


def narrows(source: tf.DType, target: tf.DType) -> bool:
    """Whether a cast makes whole numbers of fewer than 32 bits, or of 32 without a sign: what is out of their range
    becomes one number or another, by where in the tensor it stands."""
    fractional = source.is_floating or source.is_complex
    return bool(fractional and target.is_integer and (target.size < 4 or target == tf.uint32))


def _is_broadcast(operation: tf.Operation, rows: list[bool]) -> bool:
    """Rows meet rows, and what is fixed is the same for each: a vector of ten would make a table of ten columns, or
    give each of ten records its own number."""
    rank = operation.outputs[0].shape.rank
    return rank is not None and all(
        tensor.shape.rank == rank
        if has_rows
        else tensor.shape.rank is not None
        and (tensor.shape.rank < rank or (tensor.shape.rank == rank and tensor.shape[0] == 1))
        for tensor, has_rows in zip(operation.inputs, rows, strict=True)
    )


def _constant(tensor: tf.Tensor) -> list[int] | None:
    """The whole numbers of a Const, in order; None if it is none."""
    if tensor.op.type != "Const" or not tensor.dtype.is_integer:
        return None
    return [int(each) for each in tf.make_ndarray(tensor.op.get_attr("value")).reshape(-1)]


def _spares_rows(axes: Iterable[int] | None, rank: int | None) -> bool:
    """Whether the axes are known, and the first is none of them."""
    return axes is not None and rank is not None and all(axis % rank != 0 for axis in axes if rank)


def _reduces(operation: tf.Operation, rows: list[bool]) -> bool:
    axes = _constant(operation.inputs[1])
    return rows == [True, False] and bool(axes) and _spares_rows(axes, operation.inputs[0].shape.rank)


def _gathers(operation: tf.Operation, rows: list[bool]) -> bool:
    """From a fixed table, by its first axis."""
    if rows[:2] != [False, True]:
        return False
    if operation.type == "GatherNd":
        return (operation.inputs[1].shape.rank or 0) >= 2
    return operation.type == "Gather" or (
        _constant(operation.inputs[2]) == [0] and operation.get_attr("batch_dims") == 0
    )


def _joins(operation: tf.Operation, rows: list[bool]) -> bool:
    return all(rows[:-1]) and not rows[-1] and _spares_rows(_constant(operation.inputs[-1]), _rank(operation))


def _packs(operation: tf.Operation, rows: list[bool]) -> bool:
    return all(rows) and _spares_rows([operation.get_attr("axis")], operation.outputs[0].shape.rank)


def _unpacks(operation: tf.Operation, rows: list[bool]) -> bool:
    return all(rows) and _spares_rows([operation.get_attr("axis")], _rank(operation))


def _splits(operation: tf.Operation, rows: list[bool]) -> bool:
    if operation.type == "Split":  # axis, value
        return rows == [False, True] and _spares_rows(_constant(operation.inputs[0]), operation.inputs[1].shape.rank)
    return rows == [True, False, False] and _spares_rows(_constant(operation.inputs[2]), _rank(operation))


def _expands(operation: tf.Operation, rows: list[bool]) -> bool:
    return rows == [True, False] and _spares_rows(_constant(operation.inputs[1]), operation.outputs[0].shape.rank)


def _squeezes(operation: tf.Operation, rows: list[bool]) -> bool:
    axes = list(operation.get_attr("squeeze_dims"))  # none: all of length 1, and there may be one record
    return all(rows) and bool(axes) and _spares_rows(axes, _rank(operation))


def _slices(operation: tf.Operation, rows: list[bool]) -> bool:
    if rows[0] and not any(rows[1:]):
        if operation.type == "Slice":
            begin, size = _constant(operation.inputs[1]), _constant(operation.inputs[2])
            return bool(begin and size) and (begin[0], size[0]) == (0, -1)  # type: ignore[index]
        whole = all(operation.get_attr(name) & 1 for name in ("begin_mask", "end_mask"))
        moved = operation.get_attr("ellipsis_mask") or any(
            operation.get_attr(name) & 1 for name in ("new_axis_mask", "shrink_axis_mask")
        )
        strides = _constant(operation.inputs[3])
        return whole and not moved and bool(strides) and strides[0] == 1  # type: ignore[index]
    return False


def _transposes(operation: tf.Operation, rows: list[bool]) -> bool:
    order = _constant(operation.inputs[1])
    return rows == [True, False] and bool(order) and order[0] == 0  # type: ignore[index]


def _reshapes(operation: tf.Operation, rows: list[bool]) -> bool:
    """[rows, ...] to [-1, ...] of as many numbers a row."""
    wanted, shape = _constant(operation.inputs[1]), operation.inputs[0].shape
    if rows != [True, False] or not wanted or wanted[0] != -1 or not shape.rank:
        return False
    size = shape[1:].num_elements()
    made = 1
    for length in wanted[1:]:
        made *= length
    return size is not None and size > 0 and size == made


def _multiplies(operation: tf.Operation, rows: list[bool]) -> bool:
    if rows != [True, False]:
        return False
    if operation.type == "MatMul":
        return not operation.get_attr("transpose_a")
    left, right = (tensor.shape.rank for tensor in operation.inputs)
    return not operation.get_attr("adj_x") and right == 2 and left is not None and left >= 2


def _selects(operation: tf.Operation, rows: list[bool]) -> bool:
    """The older kind: a condition a row, or a number."""
    condition, rank = operation.inputs[0].shape.rank, operation.outputs[0].shape.rank
    return all(rows) and rank is not None and condition in (1, rank)


_RULES: dict[str, Callable[[tf.Operation, list[bool]], bool]] = {
    **dict.fromkeys((*_REDUCTIONS, *_ALONG), _reduces),
    **dict.fromkeys((*_LAST_AXIS, *_WINDOWS), lambda op, rows: rows[0] and not any(rows[1:]) and (_rank(op) or 0) >= 2),
    **dict.fromkeys(("Gather", "GatherNd", "GatherV2"), _gathers),
    **dict.fromkeys(("Split", "SplitV"), _splits),
    **dict.fromkeys(("Slice", "StridedSlice"), _slices),
    **dict.fromkeys(("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "MatMul"), _multiplies),
    "AddN": lambda _, rows: all(rows),
    "ConcatV2": _joins,
    "ExpandDims": _expands,
    "OneHot": lambda op, rows: rows[0] and not any(rows[1:]) and op.get_attr("axis") != 0,
    "Pack": _packs,
    "Reshape": _reshapes,
    "Select": _selects,
    "Squeeze": _squeezes,
    "Transpose": _transposes,
    "Unpack": _unpacks,
}


def _rank(operation: tf.Operation) -> int | None:
    rank: int | None = operation.inputs[0].shape.rank
    return rank
