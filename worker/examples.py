"""Rows as serialised tf.Examples, for graphs that parse them."""

import base64
import json
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphs.feeds import Feature
from worker import list_cells
from worker.cells import Problem, convert

_KINDS = {"float32": "float_list", "int64": "int64_list", "string": "bytes_list"}


def serialise(
    features: tuple[Feature, ...], columns: Mapping[str, pa.Array], fill: str | None
) -> tuple[npt.NDArray[Any], list[tuple[str, Problem]]]:
    """A tf.Example a row, serialised: object [rows]; and what is wrong with which column's cells.

    An empty cell is an absent feature, whose default the graph knows; of one that has none it is a problem, unless
    there is a `fill`.
    """
    from tensorflow.core.example.example_pb2 import Example

    rows = len(next(iter(columns.values())))
    examples = [Example() for _ in range(rows)]
    problems: list[tuple[str, Problem]] = []
    for feature in features:
        values, wrong = _values(feature, columns[feature.column], fill)
        problems += [(feature.column, each) for each in wrong]
        kind = _KINDS[feature.dtype]
        for example, value in zip(examples, values, strict=True):
            if value is not None:
                getattr(example.features.feature[feature.name], kind).value.extend(value)
    found = np.empty(rows, dtype=object)
    found[:] = [example.SerializeToString(deterministic=True) for example in examples]
    return found, problems


def _values(feature: Feature, cells: pa.Array, fill: str | None) -> tuple[list[Any], list[Problem]]:
    """Each row's list of values, None where the feature is absent."""
    count = None if feature.shape is None else prod(feature.shape)
    written = cells.to_pylist()
    is_absent = [not cell.strip() and not (feature.required and fill is not None) for cell in written]
    if feature.dtype == "string":
        found: list[Any] = [_texts(cell, count) for cell in written]
        problems: list[Problem] = []
    elif count == 1:
        array, problems = convert(feature.dtype, _without(cells, is_absent), fill)
        found = [[value] for value in array.tolist()]
    else:
        read = list_cells.read(feature.dtype, cells)
        found, problems = [read.row(row).tolist() for row in range(len(written))], read.problems
    if count is not None and count != 1:
        problems = problems + [
            Problem(row, "wrong_length", f" has a list of {len(values):,} values, and the feature takes {count:,}")
            for row, values in enumerate(found)
            if len(values) != count and not is_absent[row]
        ]
    if feature.required:
        bad = {each.place for each in problems}
        problems = problems + [
            Problem(row, "empty_cell", f" is empty, and the feature {feature.name!r} has no default")
            for row, absent in enumerate(is_absent)
            if absent and row not in bad and not (feature.dtype == "string" and count == 1)
        ]
        if feature.dtype == "string" and count == 1:  # an empty text is a text
            is_absent = [False] * len(written)
    return [None if absent else values for values, absent in zip(found, is_absent, strict=True)], problems


def _without(cells: pa.Array, absent: list[bool]) -> pa.Array:
    """The cells, with a number where there is none: what is absent is not looked at."""
    if not any(absent):
        return cells
    return pa.array([b"0" if gone else cell for gone, cell in zip(absent, cells.to_pylist(), strict=True)], pa.binary())


def _texts(cell: bytes, count: int | None) -> list[bytes]:
    """A cell's texts: itself, or a JSON array of several where the feature may have them."""
    if count == 1 or not cell.startswith(b"["):
        return [cell]
    try:
        parsed = json.loads(cell)
    except (ValueError, RecursionError):
        return [cell]
    return [each.encode() for each in parsed] if all(isinstance(each, str) for each in parsed) else [cell]


def decode_base64(cells: pa.Array) -> tuple[npt.NDArray[Any], list[Problem]]:
    """The bytes that the cells have as base64: object [rows]."""
    found = np.empty(len(cells), dtype=object)
    problems = []
    for row, cell in enumerate(cells.to_pylist()):
        try:
            found[row] = base64.b64decode(cell, validate=True)
        except ValueError:
            found[row] = b""
            problems.append(Problem(row, "bad_value", " is no base64"))
    return found, problems
