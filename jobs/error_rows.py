"""The scores file of a job that has its rejects in it too: one row for every record, and a last column that says why it
has no scores."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from formats.sink import Sink
from jobs.batch import Kept, Result
from jobs.digest import Bytes
from jobs.record import Job

ERROR = "error"  # the column's name; in it a reject's code, nothing where a record is scored


def with_errors(job: Job, kept: Kept, result: Result, outputs: Sequence[str]) -> list[pa.Array]:
    """The scores file's columns: id, kept columns, outputs, error; one row a record. Of what the reader rejected the id
    and the kept columns are empty, but for a record's number. `outputs` are the names where nothing was scored."""
    total = kept.rows + len(kept.rejects)
    accepted = kept.record_numbers() - kept.first_record  # int64 [kept.rows]: their rows
    columns = [_spread(column, accepted, total) for column in kept.columns]
    if not job.id_column:
        columns.insert(0, pa.array(np.arange(kept.first_record, kept.first_record + total, dtype=np.int64)))
    scored = np.delete(accepted, [reject.row for reject in result.rejects])
    found = [_spread(column, scored, total) for column in result.columns.values()] if result.scored else []
    codes = [b""] * total
    for reject in kept.rejects:
        codes[reject.record - kept.first_record] = reject.code.encode()
    for each in result.rejects:
        codes[accepted[each.row]] = each.code.encode()
    return [*columns, *(found or _empty(outputs, total)), pa.array(codes, pa.binary())]


def widened(sink: Sink, job: Job, lines: bytes, outputs: Sequence[str]) -> Bytes:
    """The lines of a batch of which nothing was scored, by a worker that could not know the names of the outputs: with
    empty cells for these."""
    names = [job.id_name, *job.keep, ERROR]
    *columns, errors = sink.decode(lines, names).columns
    return sink.encode([*columns, *_empty(outputs, len(errors)), errors])


def _spread(column: pa.Array, rows: npt.NDArray[np.int64], total: int) -> pa.Array:
    """The column's values in these of `total` rows, null in the others."""
    places = np.full(total, -1, dtype=np.int64)
    places[rows] = np.arange(len(rows))
    return column.take(pa.array(places, mask=places < 0))


def _empty(names: Sequence[str], rows: int) -> list[pa.Array]:
    return [pa.nulls(rows, pa.binary()) for _ in names]
