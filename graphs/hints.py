"""What would feed an input, in the words that `producer enqueue` takes."""

import re
from collections.abc import Sequence
from math import prod

from graphs.wanted_inputs import Want
from graphs.words import NOTHING, Words

TEXT = "text"  # the column that a lone string placeholder takes
_KEEPS = re.compile(r"keep", re.IGNORECASE)
_DROPS = re.compile(r"drop|rate", re.IGNORECASE)
_TRAINS = re.compile(r"train|learning_phase|phase|is_test|infer", re.IGNORECASE)


def feeders(want: Want, wants: Sequence[Want]) -> str:
    """What would feed an input, in the words that `producer enqueue` takes."""
    name = want.name
    if want.dtype.startswith("type "):
        return "nothing can"
    if want.is_scalar:
        return (
            f"keeps {want.default or 'its default'}, or {word_to_set(want)}" if want.is_optional else word_to_set(want)
        )
    if want.features:
        names = ", ".join(each.name if each.required else f"[{each.name}]" for each in want.features)
        return f"the columns {names} (those in brackets may be absent); serialised: --feed {name}=COLUMN"
    if want.kind != "dense":
        return f"the column {name}, or --feed {name}=COLUMN[]"
    if looks_like_a_switch(want):
        return f"{word_to_set(want)}, or the column {name}, or --feed {name}=COLUMN"
    if want.shape is None:
        return f"the column {name}, or {name}_0, {name}_1 ..., or --feed {name}=COLUMN, A,B,C, f* or COLUMN[]"
    if takes_cells(want):
        other = f" or {TEXT}" if is_lone_text(want, wants, NOTHING) and name != TEXT else ""
        lists = "" if want.shape is None or len(want.shape) == 1 or want.shape[-1] == 1 else f" or {name}=COLUMN[]"
        said = f"the column {name}{other}, or --feed {name}=COLUMN{lists}"
    else:
        assert want.shape is not None  # noqa: S101 -- one of unknown rank takes cells
        count = None if -1 in want.shape[1:] else prod(want.shape[1:])
        columns = f"{name}_0, {name}_1 ..." if count is None else f"{name}_0 to {name}_{count - 1}"
        said = f"the columns {columns}, or --feed {name}=A,B,C, f* or COLUMN[]"
    return f"{said}; else it keeps {want.default or 'its default'}" if want.is_optional else said


def word_to_set(want: Want) -> str:
    """The word that sets a scalar, with a value that its name suggests for scoring."""
    if want.dtype == "bool":
        value = "true" if re.search(r"is_test|infer", want.name, re.IGNORECASE) else "false"
    elif _KEEPS.search(want.name):
        value = "1"
    elif _DROPS.search(want.name) or _TRAINS.search(want.name):
        value = "0"
    else:
        value = "VALUE"
    return f"--set {want.name}={value}"


def hint(want: Want) -> str:
    if looks_like_a_switch(want):
        return f" ({word_to_set(want)}, if it is one value for all records)"
    if want.kind != "dense":
        return f" ({want.kind}: --feed {want.name}=COLUMN[])"
    if takes_cells(want):
        return f" (--feed {want.name}=COLUMN)"
    return f" (of shape {list(want.shape or ())}: --feed {want.name}=A,B,C, f* or COLUMN[])"


def looks_like_a_switch(want: Want) -> bool:
    """An old graph may not say that it is a scalar."""
    return want.shape is None and any(each.search(want.name) for each in (_KEEPS, _DROPS, _TRAINS))


def takes_cells(want: Want) -> bool:
    """Whether one value a record is enough."""
    shape = want.shape
    return shape is None or len(shape) == 1 or all(size in (1, -1) for size in shape[1:])


def is_lone_text(want: Want, wants: Sequence[Want], words: Words) -> bool:
    strings = [each for each in wants if each.dtype == "string" and each.name not in words.constants]
    return want.dtype == "string" and len(strings) == 1
