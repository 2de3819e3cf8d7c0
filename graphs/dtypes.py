"""What TensorFlow calls the dtypes, by their numbers in types.proto."""

_NAMES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 9: "int64", 10: "bool",
    17: "uint16", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip


def name(number: int) -> str:
    """The dtype's name; of one that no column can be converted to, its number."""
    return _NAMES.get(number, f"type {number}")
