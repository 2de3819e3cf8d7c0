"""From a batch's columns to what the graph is fed.

In two steps: `to_arrays` makes an array of rows for each of the job's feeds, so that rows can be picked, permuted and
halved; `bind` makes of these the tensors of one call: constants, the parts of sparse and ragged ones, and batches of
just the size that a graph insists on.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from formats.utf8 import first_not_utf8, not_utf8
from graphs.feeds import Feed
from jobs.batch import RowReject
from jobs.record import Job
from model.errors import ModelError
from worker import list_cells
from worker.cells import Cells, Problem, convert, emptied, numpy_dtype
from worker.examples import decode_base64, serialise
from worker.runtimes.runtime import Arrays, Run


def to_arrays(job: Job, records: pa.RecordBatch) -> tuple[Arrays, npt.NDArray[np.int64], dict[int, RowReject]]:
    """An array [rows] or [rows, ...] a feed, the rows that are in them, and the first reason for each of the others."""
    columns = dict(zip(job.fed_columns, records.columns, strict=True))
    arrays: list[npt.NDArray[Any]] = []
    bad: dict[int, RowReject] = {}
    for feed in job.feeds:
        array, rejects = rows_of(feed, columns)
        arrays.append(array)
        for reject in rejects:
            bad.setdefault(reject.row, reject)
    rows = np.arange(records.num_rows)
    if bad:
        rows = np.delete(rows, list(bad))
        arrays = [array[rows] for array in arrays]
    return arrays, rows, bad


def tensors(job: Job) -> tuple[str, ...]:
    """The nodes that are fed, in the order in which `bind` feeds them."""
    fed = [tensor for feed in job.feeds for tensor in feed.tensors or (feed.placeholder,)]
    return (*fed, *(each.placeholder for each in job.constants))


def rows_a_call(job: Job) -> int | None:
    """How many records the graph insists on; None if it takes any number."""
    return next((feed.shape[0] for feed in job.feeds if feed.shape and feed.shape[0] != -1), None)


def bind(job: Job, run: Run) -> Run:
    """What runs the job's arrays: from one a feed to the outputs."""
    size = rows_a_call(job)
    constants = [constant(each.dtype, each.value) for each in job.constants]
    is_plain = not constants and all(feed.form in ("cell", "stack", "list", "example") for feed in job.feeds)

    def call(arrays: Arrays) -> Arrays:
        fed = [part for feed, array in zip(job.feeds, arrays, strict=True) for part in _parts(feed, array)]
        return run([*fed, *constants])

    once = run if is_plain else call
    return once if size is None else lambda arrays: _by_size(once, arrays, size)


def constant(dtype: str, text: str) -> npt.NDArray[Any]:
    """The value of a constant: an array without dimensions."""
    values, problems = convert(dtype, pa.array([text.encode("utf-8", "surrogateescape")], pa.binary()))
    if problems:
        raise ModelError(f"{text!r} is not {dtype}")
    return values.reshape(())


def _by_size(run: Run, arrays: Arrays, size: int) -> Arrays:
    """Runs as many rows at a time as the graph insists on; the last call is filled up with a row that is dropped."""
    count = len(arrays[0])
    found = []
    for at in range(0, count, size):
        part = [array[at : at + size] for array in arrays]
        rows = len(part[0])
        if rows < size:
            part = [np.concatenate([array, np.repeat(array[-1:], size - rows, axis=0)]) for array in part]
        outputs = run(part)
        for output in outputs:
            if output.ndim == 0 or len(output) != size:
                raise ModelError(f"an output has the shape {list(output.shape)} for {size} records, not one row each")
        found.append([output[:rows] for output in outputs])
    try:
        return [np.concatenate(each) for each in zip(*found, strict=True)]
    except ValueError:
        raise ModelError("an output has more columns for some records than for others") from None


def rows_of(feed: Feed, columns: Mapping[str, pa.Array]) -> tuple[npt.NDArray[Any], list[RowReject]]:
    """One feed's rows from the table's columns by their names, each `binary` [rows]; and a reject for each cell that is
    no such value, whose row has a zero. Of a row with several, the first reject counts."""
    if feed.null:
        columns = {name: emptied(columns[name], feed.null) for name in feed.columns}
    if not feed.strict:
        return _rows_of(feed, columns)
    array, rejects = _rows_of(feed, columns)
    return array, [*_bad_encoding(feed, columns), *rejects]


def _bad_encoding(feed: Feed, columns: Mapping[str, pa.Array]) -> list[RowReject]:
    """A reject for each text that is not UTF-8."""
    found = []
    for name in dict.fromkeys(feed.text_columns):
        for row in not_utf8(columns[name]).tolist():
            cell = columns[name][row].as_py()
            place = first_not_utf8(cell)
            text = f"column {name!r} is not UTF-8: its byte {place + 1:,} is 0x{cell[place]:02x}"
            found.append(RowReject(row, "bad_encoding", text, name))
    return found


def _rows_of(feed: Feed, columns: Mapping[str, pa.Array]) -> tuple[npt.NDArray[Any], list[RowReject]]:
    if feed.form == "cell":
        cells = columns[feed.column]
        array, problems = decode_base64(cells) if feed.base64 else convert(feed.dtype, cells, feed.fill)
        return _shaped(array, feed), _rejects(feed.column, problems)
    if feed.form == "stack":
        return _stack(feed, columns)
    if feed.form == "example":
        used = {name: columns[name] for name in feed.columns}
        array, wrong = serialise(feed.features, used, feed.fill)
        return _shaped(array, feed), [reject for name, each in wrong for reject in _rejects(name, [each])]
    return _lists(feed, columns[feed.column])


def _rejects(column: str, problems: Sequence[Problem]) -> list[RowReject]:
    return [RowReject(each.place, each.code, f"column {column!r}{each.text}", column) for each in problems]


def _shaped(array: Cells, feed: Feed) -> Cells:
    """One value a record, as [rows], or as [rows, 1] and so on."""
    rank = 1 if feed.shape is None else len(feed.shape)
    return array if rank == 1 else array.reshape(-1, *[1] * (rank - 1))


def _stack(feed: Feed, columns: Mapping[str, pa.Array]) -> tuple[npt.NDArray[Any], list[RowReject]]:
    """The columns side by side. They are converted all at once: a call for each of many would take longer."""
    names = feed.columns
    values, problems = convert(feed.dtype, pa.concat_arrays([columns[name] for name in names]), feed.fill)
    rows = len(columns[names[0]])
    array = np.ascontiguousarray(values.reshape(len(names), rows).T)
    if feed.shape is not None and len(feed.shape) > 2:
        known = prod(size for size in feed.shape[1:] if size != -1)
        array = array.reshape(rows, *(len(names) // known if size == -1 else size for size in feed.shape[1:]))
    rejects = [
        RowReject(place % rows, code, f"column {names[place // rows]!r}{text}", names[place // rows])
        for place, code, text in problems
    ]
    return array, sorted(rejects, key=lambda reject: reject.row)


def _lists(feed: Feed, cells: pa.Array) -> tuple[npt.NDArray[Any], list[RowReject]]:
    shape = feed.shape or (-1, -1)
    inner = shape[2:]
    found = list_cells.read(feed.dtype, cells, inner)
    problems = list(found.problems)
    if feed.form != "list":  # ragged and sparse ones are put together when they are fed
        rows = np.empty(len(cells), dtype=object)
        rows[:] = [tuple(found.row(row).tolist()) for row in range(len(cells))]
        return rows, _rejects(feed.column, problems)
    size = prod(inner)
    if size > 1:
        problems += list_cells.uneven(found, size) if shape[1] == -1 else []
    width = shape[1] * size if shape[1] != -1 else max(size, -(-int(found.lengths.max(initial=0)) // size) * size)
    if feed.exact and shape[1] != -1:
        problems += list_cells.other_lengths(found, width)
    padding = constant(feed.dtype, feed.pad).item()
    array, long = list_cells.pad(found, width, padding, truncate=feed.truncate)
    return array.reshape(len(cells), -1, *inner) if inner else array, _rejects(feed.column, problems + long)


def _parts(feed: Feed, array: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
    """The tensors of one feed."""
    if feed.form not in ("sparse", "ragged"):
        return [array]
    lengths = np.fromiter(map(len, array), np.int64, len(array))
    flat = [value for row in array for value in row]
    values = np.empty(len(flat), dtype=numpy_dtype(feed.dtype))
    values[:] = flat
    if feed.form == "ragged":
        return [values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)]
    rows = np.repeat(np.arange(len(array)), lengths)
    places = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    indices = np.stack([rows, places], axis=1).astype(np.int64).reshape(-1, 2)
    return [indices, values, np.array([len(array), max(1, lengths.max(initial=0))], np.int64)]
