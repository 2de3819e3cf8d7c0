"""Small graphs over the column `text`, written as protobuf by hand: no TensorFlow is needed to make them.

All have one output, `score`, so that `producer retry --model` can put one's scores beside another's.
"""

from pathlib import Path

FLOAT, DOUBLE, INT32, STRING = 1, 2, 3, 7
Attr = bytes


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def _type(dtype: int) -> Attr:
    return _number(6, dtype)


def _node(name: str, op: str, inputs: tuple[str, ...] = (), **attributes: Attr) -> bytes:
    """A NodeDef, as a field of the GraphDef."""
    content = _bytes(1, name.encode()) + _bytes(2, op.encode())
    content += b"".join(_bytes(3, each.encode()) for each in inputs)
    content += b"".join(_bytes(5, _bytes(1, key.encode()) + _bytes(2, attr)) for key, attr in attributes.items())
    return _bytes(1, content)


# The shape [None]: one dimension of size -1.
TEXT = _node("text", "Placeholder", dtype=_type(STRING), shape=_bytes(7, _bytes(2, _number(1, -1))))
GRAPHS = {
    # Every text's length: no record is rejected.
    "length": TEXT
    + _node("length", "StringLength", ("text",), unit=_bytes(2, b"BYTE"))
    + _node("score", "Cast", ("length",), SrcT=_type(INT32), DstT=_type(FLOAT)),
    # The number that the text is: a record with another text is rejected by the worker.
    "number": TEXT + _node("score", "StringToNumber", ("text",), out_type=_type(FLOAT)),
    # The same for whole numbers only.
    "integer": TEXT
    + _node("whole", "StringToNumber", ("text",), out_type=_type(INT32))
    + _node("score", "Cast", ("whole",), SrcT=_type(INT32), DstT=_type(FLOAT)),
}


def write_models(folder: Path) -> dict[str, Path]:
    """NAME.pb for each of them."""
    paths = {name: folder / f"{name}.pb" for name in GRAPHS}
    for name, path in paths.items():
        path.write_bytes(GRAPHS[name])
    return paths
