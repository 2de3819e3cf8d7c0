"""From what the graph gave to columns of the scores file."""

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphs.feeds import Fetch
from model.errors import ModelError
from worker.runtimes.runtime import Arrays, Run

_WIDER = {"float16": np.float32, "bfloat16": np.float32}  # Arrow writes none of them


def columns_of(fetch: Fetch, array: npt.NDArray[Any], rows: int) -> dict[str, pa.Array]:
    """An output's columns, each [rows]: one of its name, or of a matrix NAME_0 to NAME_<k-1>, or the one that was asked
    for. Of higher rank, a row is a JSON array in one cell. Raises ModelError if it has not one row a record."""
    if array.ndim == 0 or array.shape[0] != rows:
        raise ModelError(
            f"output {fetch.tensor!r} has the shape {list(array.shape)} for {rows} records, not one row each"
        )
    flat = array.reshape(rows, -1) if rows and array.size == rows else array
    if fetch.index is not None:
        width = 1 if array.ndim == 1 else array.shape[1]
        if array.ndim > 2 or fetch.index >= width:
            raise ModelError(
                f"output {fetch.tensor!r} has the shape {list(array.shape)}: it has no column {fetch.index}"
            )
        return {fetch.name: _column(array.reshape(rows, width)[:, fetch.index])}
    if flat.ndim == 2 and flat.shape[1] == 1:
        return {fetch.name: _column(flat[:, 0])}
    if array.ndim == 1:
        return {fetch.name: _column(array)}
    if array.ndim == 2:
        return {f"{fetch.name}_{index}": _column(array[:, index]) for index in range(array.shape[1])}
    return {fetch.name: pa.array([_json(_plain(row)) for row in array], pa.binary())}


def joining(fetches: Sequence[Fetch], run: Run) -> Run:
    """The same run, with one array an output: that of a sparse or ragged one is [rows], a JSON array in each."""
    if not any(fetch.tensors for fetch in fetches):
        return run

    def call(arrays: Arrays) -> Arrays:
        found = iter(run(arrays))
        return [_joined(fetch, [next(found) for _ in fetch.fetched]) for fetch in fetches]

    return call


def _joined(fetch: Fetch, arrays: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    if fetch.form == "dense":
        return arrays[0]
    try:
        rows = _sparse(*arrays) if fetch.form == "sparse" else _ragged(arrays[0], arrays[1:])
    except (ValueError, IndexError):
        raise ModelError(f"output {fetch.tensor!r} is no {fetch.form} tensor with a row a record") from None
    joined = np.empty(len(rows), dtype=object)
    joined[:] = [_json(row) for row in rows]
    return joined


def _ragged(values: npt.NDArray[Any], splits: Sequence[npt.NDArray[Any]]) -> list[Any]:
    """A nested list a row; `splits` are from the outermost on."""
    found: Sequence[Any] = _plain(values)
    for each in reversed(splits):
        found = [found[start:end] for start, end in itertools.pairwise(each.tolist())]
    return list(found)


def _sparse(indices: npt.NDArray[Any], values: npt.NDArray[Any], shape: npt.NDArray[Any]) -> list[list[Any]]:
    """A list a row, up to its last value; what is not there is 0, false or empty. Raises ValueError where a record
    has more than one dimension."""
    if len(shape) != 2:
        raise ValueError("of another rank")
    nothing = b"" if values.dtype == object else values.dtype.type(0).item()
    rows: list[list[Any]] = [[] for _ in range(int(shape[0]))]
    for (row, place), value in zip(indices.tolist(), _plain(values), strict=True):
        rows[row] += [nothing] * (place + 1 - len(rows[row]))
        rows[row][place] = value
    return rows


def concat(parts: Sequence[Mapping[str, pa.Array]]) -> dict[str, pa.Array]:
    """The columns of consecutive rows, one behind the other. Raises ModelError if they have not the same columns."""
    if not parts:
        return {}
    if len(parts) == 1:
        return dict(parts[0])
    other = next((part for part in parts if part.keys() != parts[0].keys()), None)
    if other is not None:
        odd = next(iter(parts[0].keys() ^ other.keys()))
        raise ModelError(
            f"the width of an output is free, and some records have a column {odd!r} and others have none: "
            "--fetch NODE[i] takes one column"
        )
    return {name: pa.concat_arrays([part[name] for part in parts]) for name in parts[0]}


def _column(array: npt.NDArray[Any]) -> pa.Array:
    if array.dtype == object:
        return pa.array([_bytes(value) for value in array.tolist()], pa.binary())
    if array.dtype.kind == "c":
        return pa.array([str(value).strip("()").encode() for value in array.tolist()], pa.binary())
    return pa.array(array.astype(_WIDER[array.dtype.name]) if array.dtype.name in _WIDER else array)


def _bytes(value: bytes | str) -> bytes:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def _json(row: list[Any]) -> bytes:
    values = json.dumps(row, default=os.fsdecode, separators=(",", ":"), ensure_ascii=False)
    return values.encode("utf-8", "surrogateescape")


def _plain(row: npt.NDArray[Any]) -> Any:
    """Nested lists. A float32 is the shortest number that reads back as the same bits, as in the other columns."""
    if row.dtype.name in _WIDER:
        row = row.astype(_WIDER[row.dtype.name])
    if row.dtype.kind == "c":
        return np.array([str(value).strip("()") for value in row.reshape(-1)], object).reshape(row.shape).tolist()
    if row.dtype == np.float32:
        return np.array([float(str(value)) for value in row.reshape(-1)]).reshape(row.shape).tolist()
    return row.tolist()
