"""The values of small constants, read from their nodes."""

import struct
from math import prod

from graphs.messages import NodeDef

MOST = 1 << 16  # values; what says how a graph is to be fed has few
_STRINGS = 7
# By dtype: the field that has the values where they are not in `tensor_content`, and how a value is written there.
_FIELDS = {
    1: ("float_val", "f"), 2: ("double_val", "d"), 3: ("int_val", "i"), 4: ("int_val", "B"), 5: ("int_val", "h"),
    6: ("int_val", "b"), 7: ("string_val", ""), 9: ("int64_val", "q"), 10: ("bool_val", "?"), 17: ("int_val", "H"),
}  # fmt: skip
Value = float | int | bool | bytes


def values(node: NodeDef) -> list[Value] | None:
    """A Const's values in row-major order; None if the node is none, has many, or has them of another dtype."""
    if node.op != "Const" or "value" not in node.attr:
        return None
    tensor = node.attr["value"].tensor
    count = prod(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.dtype not in _FIELDS or not 0 <= count <= MOST:
        return None
    field, letter = _FIELDS[tensor.dtype]
    if tensor.dtype != _STRINGS and tensor.tensor_content:
        form = struct.Struct(f"<{count}{letter}")
        return list(form.unpack(tensor.tensor_content)) if len(tensor.tensor_content) == form.size else None
    written = list(getattr(tensor, field))[:count]
    if not written:
        written = [b"" if tensor.dtype == _STRINGS else 0]
    return written + written[-1:] * (count - len(written)) if count else []


def shape(node: NodeDef) -> tuple[int, ...]:
    """The shape of a Const's value."""
    return tuple(dim.size for dim in node.attr["value"].tensor.tensor_shape.dim)
