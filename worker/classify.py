"""How a model treats the rows of a call, found out on a sample of real ones where its ops don't tell.

As many of a batch's rows as a micro-batch has are scored whole, then permuted, in parts, alone, and with rows that come
again; what each gets is compared. That costs some five micro-batches, once a job. What shows only on rows that the
sample has not can't be seen so.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.slices import MICRO_BATCH_ROWS
from model.graph.row_class import RowClass
from worker.runtimes.runtime import Arrays, FeedError, RowError, Run

TOLERANCE = 1e-4  # of rounding: absolute, or relative to the larger of the two
STRETCHED_BYTES = 4 << 20  # of cells, to which a small sample is repeated at most
PARTS = 32  # of a sample on which the graph fails: those on which it does not are taken
COLUMNS = 3  # by which a sample is ordered
Rows = npt.NDArray[np.int64]


def sample(arrays: Arrays) -> Arrays:
    """As many of a batch's rows as a micro-batch has, from all over it, with those that are extreme among them."""
    rows = len(arrays[0])
    if rows <= MICRO_BATCH_ROWS:
        return arrays
    orders = [np.argsort(_measure(array), kind="stable") for array in arrays[:COLUMNS]]
    extremes = np.concatenate([order[[0, -1]] for order in orders])
    others = np.linspace(0, rows - 1, MICRO_BATCH_ROWS - len(extremes)).astype(np.int64)
    places = np.concatenate([extremes, others])
    return [array[places] for array in arrays]


def classify(run: Run, arrays: Arrays, best: RowClass, progress: Callable[[], None]) -> RowClass | None:
    """The class that shows on a sample's arrays, `best` at most; `progress` is called after each run.

    None if they can't tell: there are not two different rows on which the graph does not fail.
    """

    def attempt(rows: Rows) -> Arrays | None:
        try:
            return run([array[rows] for array in arrays])
        except (RowError, FeedError):
            return None
        finally:
            progress()

    rows = np.arange(len(arrays[0]))
    if len(np.unique(_identities(arrays, rows))) < 2:
        return None
    whole = attempt(rows)
    if whole is None:
        rows = _bearable(rows, attempt)
        if len(np.unique(_identities(arrays, rows))) < 2:
            return None
        whole = attempt(rows)
    if whole is None or not _is_by_rows(whole, len(rows)):
        return None
    found: RowClass = best
    for places in _variations(arrays, rows):
        values = attempt(rows[places])
        if values is None:  # the whole did not fail
            return "mixing"
        same = [_compare(each[places], value) for each, value in zip(whole, values, strict=True)]
        if "mixing" in same:
            return "mixing"
        if "rounding" in same:
            found = "rounding"
    return found


def _bearable(rows: Rows, attempt: Callable[[Rows], Arrays | None]) -> Rows:
    """Those on which the graph does not fail, as far as they are found by parts."""
    parts = [part for part in np.array_split(rows, PARTS) if len(part)]
    good = [part for part in parts if attempt(part) is not None]
    if not good and len(parts[0]) > 1:
        good = [single for single in rows[: 2 * PARTS, None] if attempt(single) is not None]
    return np.concatenate(good) if good else rows[:0]


def _identities(arrays: Arrays, rows: Rows) -> Rows:
    """A number a row, the same for those that are fed the same."""
    identities = np.zeros(len(rows), np.int64)
    for array in arrays:
        cells = array[rows].reshape(len(rows), int(np.prod(array.shape[1:])))
        keys = map(tuple, cells.tolist()) if array.dtype == object else map(bytes, cells)
        known: dict[Any, int] = {}
        numbers = np.array([known.setdefault(key, len(known)) for key in keys], np.int64)
        identities = np.unique(identities * (len(known) + 1) + numbers, return_inverse=True)[1]
    return identities


def _variations(arrays: Arrays, rows: Rows) -> Iterator[Rows]:
    """Places in the sample, to be scored together; the telling ones first."""
    count = len(rows)
    random = np.random.default_rng(count)
    identities = _identities(arrays, rows)
    first = np.unique(identities, return_index=True)[1]
    orders = [np.argsort(_measure(array[rows]), kind="stable") for array in arrays[:COLUMNS]]
    yield random.permutation(count)
    extremes = [order[end] for order in orders for end in (0, -1)]
    for place in dict.fromkeys(map(int, (0, count - 1, *extremes, *random.permutation(count)[:4]))):
        yield np.array([place])
    for size in (2, 3, 7, 61, count // 3):
        if 1 < size < count:
            yield random.permutation(count)[:size]
    for order in orders:
        yield order[: count // 2]
        yield order[count // 2 :]
    if len(first) < count:
        yield np.sort(first)
    weight = sum(_weight(array[rows]) for array in arrays)
    most = max(count, min(MICRO_BATCH_ROWS, count * STRETCHED_BYTES // max(weight, 1)))
    yield np.resize(np.repeat(random.permutation(count)[: -(-count // 2)], 2), most)


def _measure(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A number a row by which to order them: extreme rows show what a threshold hides."""
    numbers: npt.NDArray[Any]
    if array.dtype == object:
        numbers = np.fromiter(map(len, array.reshape(-1).tolist()), np.int64, array.size)
    else:
        numbers = array.astype(np.float64)
    return np.add.reduce(numbers.reshape(len(array), -1), axis=1)  # type: ignore[no-any-return]


def _weight(array: npt.NDArray[Any]) -> int:
    return int(_measure(array).sum()) if array.dtype == object else array.nbytes


def _is_by_rows(values: Arrays, rows: int) -> bool:
    return all(value.ndim > 0 and len(value) == rows for value in values)


def _compare(expected: npt.NDArray[Any], value: npt.NDArray[Any]) -> RowClass:
    if expected.shape != value.shape:
        return "mixing"
    if value.dtype.kind not in "fc":
        return "exact" if np.array_equal(expected, value) else "mixing"
    different = (expected != value) & ~(np.isnan(expected) & np.isnan(value))
    if value.dtype.kind == "f":
        different |= (value == 0) & (np.signbit(expected) != np.signbit(value))
    if not different.any():
        return "exact"
    one, other = (array[different].astype(np.complex128) for array in (expected, value))
    if not (np.isfinite(one) & np.isfinite(other)).all():
        return "mixing"
    limit = TOLERANCE * np.maximum(1, np.maximum(abs(one), abs(other)))
    return "rounding" if (abs(one - other) <= limit).all() else "mixing"
