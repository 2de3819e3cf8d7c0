"""Numbers as people and programs write them, to their exact values."""

import re
from typing import NamedTuple

_NUMBER = re.compile(r"([+-]?)(?:([0-9]+)\.?([0-9]*)|\.([0-9]+))(?:[eE]([+-]?[0-9]+))?", re.ASCII)
_HEXADECIMAL = re.compile(r"([+-]?)0[xX]([0-9a-fA-F]+)", re.ASCII)
_HUGE = 400  # digits; no dtype has a number with as many before the point


class Number(NamedTuple):
    """`digits` * 10 ** `exponent`; the digits neither begin nor end with a 0, and there are none if the number is 0."""

    negative: bool
    digits: str
    exponent: int


def number_of(text: str, *, hexadecimal: bool = False) -> Number | None:
    """The decimal (or hexadecimal integer, if asked) that the text is; None if it is none. Never slow: the digits of
    `1e999999999` are not written out."""
    found = _HEXADECIMAL.fullmatch(text) if hexadecimal else None
    if found:
        digits = str(int(found[2], 16)) if len(found[2].lstrip("0")) <= _HUGE else "9" * _HUGE
        return _normal(found[1], digits, 0)
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    sign, whole, part, only_part, power = found.groups(default="")
    fraction = part or only_part
    return _normal(sign, whole + fraction, _exponent(power) - len(fraction))


def exact_integer(number: Number) -> int | None:
    """Its value, if that is whole; one of more than 400 digits is cut to as many."""
    if not number.digits:
        return 0
    if number.exponent < 0:
        return None
    size = min(len(number.digits) + number.exponent, _HUGE)
    value = int(number.digits[:size].ljust(size, "0"))
    return -value if number.negative else value


def complex_of(text: str) -> complex | None:
    """The complex number that the text is, as Python writes one; None if it is none."""
    if "_" in text or not text.isascii():
        return None
    try:
        return complex(text.strip())
    except ValueError:
        return None


def why_no_number(text: str) -> str:
    """The reason why text that looks like a number is none, as the end of a sentence; nothing if it doesn't."""
    if not text.isascii() and number_of("".join("0" if char.isdigit() else char for char in text)):
        return ": its digits are not ASCII"
    for char, name in {"_": "'_'", ",": "','", "'": '"\'"', " ": "blank", "\xa0": "blank", "\u202f": "blank"}.items():
        if char in text and number_of(text.replace(char, "")):
            return f": a number has no {name} in it"
    return ""


def _normal(sign: str, digits: str, exponent: int) -> Number:
    digits = digits.lstrip("0")
    short = digits.rstrip("0")
    return Number(sign == "-", short, exponent + len(digits) - len(short) if short else 0)


def _exponent(text: str) -> int:
    digits = text.lstrip("+-").lstrip("0")
    value = int(digits or "0") if len(digits) <= 18 else 10**18
    return -value if text.startswith("-") else value
