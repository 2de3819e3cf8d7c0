"""What TensorFlow calls the dtypes, by their numbers in types.proto."""

_NAMES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64",
    9: "int64", 10: "bool", 14: "bfloat16", 17: "uint16", 18: "complex128", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
_REFERENCES = 100  # a reference to a dtype has its number and this


def name(number: int) -> str:
    """The dtype's name; of one that no column can be converted to, its number."""
    return _NAMES.get(number % _REFERENCES, f"type {number}")
