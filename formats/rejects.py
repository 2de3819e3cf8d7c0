"""Records that were not scored: what is known of one, and what each code means."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Giver = Literal["reader", "feeds", "model"]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that was not scored: why, and where to find it. `record` is 1-based, the header not counted; `line` is
    1-based and physical; `raw` is the record as the file has it. `offset` is that of its first byte in the file, None
    where it is not known; `column` is the one that is at fault, empty where it is the record as a whole."""

    record: int
    line: int
    code: str
    detail: str
    raw: bytes
    offset: int | None = None
    column: str = ""


class Code(NamedTuple):
    """What a reject's code says. `giver` is who gives it: the reader, which finds no sound record; the worker's feeds,
    for a cell that is no value; or the model, which can't bear the record. `mendable`: another model or another limit
    may mend it, so `retry` tries; what is wrong with the file itself stays wrong."""

    giver: Giver
    meaning: str
    mendable: bool


CODES = {
    "too_few_fields": Code("reader", "fewer fields than the header", False),
    "too_many_fields": Code("reader", "more fields than the header", False),
    "bad_quoting": Code("reader", "text after a closing quote", False),
    "unclosed_quote": Code("reader", "a quote that is never closed", False),
    "stray_cr": Code("reader", "a lone CR outside quotes", False),
    "record_too_large": Code("reader", "larger than the limit", True),
    "bad_value": Code("feeds", "a cell that is not of the placeholder’s type", True),
    "empty_cell": Code("feeds", "an empty cell where a number is needed", True),
    "wrong_length": Code("feeds", "a list of another length than the placeholder takes", True),
    "out_of_range": Code("feeds", "a number that the type can’t hold", True),
    "bad_encoding": Code("feeds", "a text that is not UTF-8", True),
    "model_error": Code("model", "the graph failed on it", True),
    "model_crash": Code("model", "it killed the process that scored it", True),
    "model_timeout": Code("model", "it kept its process for too long", True),
}


def is_mendable(code: str) -> bool:
    """Whether `retry` tries such a record. One of a newer version's codes is tried: it does no harm."""
    return code not in CODES or CODES[code].mendable


def codes_by(giver: Giver) -> frozenset[str]:
    return frozenset(code for code, about in CODES.items() if about.giver == giver)
