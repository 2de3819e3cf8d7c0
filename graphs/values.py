"""Whether a text that somebody typed is a value of a dtype: what a worker will take as a cell, and no more."""

import math

from graphs.numbers import complex_of, exact_integer, number_of

_FLOATS = {"float16": (11, 16), "bfloat16": (8, 128), "float32": (24, 128), "float64": (53, 1024)}  # bits, exponent
_PARTS = {"complex64": "float32", "complex128": "float64"}


def is_value(dtype: str, text: str) -> bool:
    """Whether a text is a value of the dtype, which is one that a column can be converted to: an integer by its exact
    value, as `3.0` and `1e3` are, and in the dtype's range."""
    text = text.strip() if dtype != "string" else text
    if dtype == "string" or (dtype == "bool" and text.lower() in ("true", "false")):
        return True
    if dtype in _PARTS:
        number = complex_of(text)
        parts = () if number is None else (number.real, number.imag)
        return bool(parts) and all("inf" in text.lower() or _fits(_PARTS[dtype], part) for part in parts)
    if dtype in _FLOATS:
        if text.lower().lstrip("+-") in ("inf", "infinity", "nan"):
            return True
        return number_of(text) is not None and _fits(dtype, float(text))
    found = number_of(text, hexadecimal=dtype != "bool")
    value = None if found is None else exact_integer(found)
    return value is not None and _lowest(dtype) <= value <= _highest(dtype)


def _fits(dtype: str, value: float) -> bool:
    """Whether it is rounded to a finite number."""
    bits, exponent = _FLOATS[dtype]
    if math.isnan(value) or exponent == 1024:
        return not math.isinf(value)
    return abs(value) < 2.0**exponent - 2.0 ** (exponent - bits - 1)


def _highest(dtype: str) -> int:
    if dtype == "bool":
        return 1
    bits = int(dtype.removeprefix("u").removeprefix("int"))
    return (1 << bits if dtype.startswith("u") else 1 << (bits - 1)) - 1


def _lowest(dtype: str) -> int:
    return 0 if dtype == "bool" or dtype.startswith("u") else -_highest(dtype) - 1
