"""What dtype a node's value surely has, as far as its op tells by itself: what TensorFlow would infer is the worker's
to know."""

import re

from graphs import dtypes
from graphs.messages import GraphDef
from graphs.names import node_of

# By the attribute that names the dtype of their first output; `tests/graphs` compares all of this with TensorFlow.
_BY_ATTRIBUTE = {
    "T": re.compile(
        "Identity|StopGradient|PreventGradient|Snapshot|Reshape|Squeeze|ExpandDims|Transpose|Pack|ConcatV2|Slice|StridedSlice"
        "|Select|SelectV2|AddN?|AddV2|BiasAdd|Sub|Mul|Div|RealDiv|DivNoNan|FloorDiv|FloorMod|Maximum|Minimum|Pow"
        "|SquaredDifference|Neg|Abs|Sign|Sqrt|Rsqrt|Square|Exp|Expm1|Log|Log1p|Tanh|Sigmoid|Reciprocal|Floor|Ceil|Round"
        "|Relu6?|LeakyRelu|Elu|Softplus|Softmax|LogSoftmax|MatMul|BatchMatMulV2|ClipByValue|Sum|Mean|Max|Min|Prod"
    ),
    "DstT": re.compile("Cast"),
    "Tparams": re.compile("Gather(V2|Nd)?"),
    "output_type": re.compile("Arg(Max|Min)"),
    "out_type": re.compile("StringToNumber|DecodeRaw"),
    "Tout": re.compile("LookupTableFindV2"),
}
_FIXED = {
    "bool": re.compile(
        "(Greater|Less)(Equal)?|(Not|Approximate)?Equal|Logical(And|Or|Not)|All|Any|Is(Finite|Inf|Nan)|(Static)?RegexFullMatch"
    ),
    "string": re.compile("AsString|(String|Reduce)Join|String(Lower|Upper|Strip)|(Static)?RegexReplace|Substr"),
    "int32": re.compile("StringLength"),
    "int64": re.compile("StringToHashBucket(Fast|Strong)?"),
}


def dtype_of(graph_def: GraphDef, tensor: str) -> str | None:
    """TensorFlow's name for it; None where the op alone doesn't tell, or `tensor` is not its node's first output."""
    node = next((node for node in graph_def.node if node.name == node_of(tensor)), None)
    if node is None or tensor not in (node.name, f"{node.name}:0"):
        return None
    for attribute, ops in _BY_ATTRIBUTE.items():
        if ops.fullmatch(node.op):
            return dtypes.name(node.attr[attribute].type) if attribute in node.attr else None
    return next((name for name, ops in _FIXED.items() if ops.fullmatch(node.op)), None)
