"""From a batch's kept columns and result to its rows in the scores file and the rejects file."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa

from formats.rejects import Reject
from jobs.batch import Kept, Result
from jobs.record import Job

# From numbers of records to the line and the raw text of those that are known.
Locate = Callable[[list[int]], Mapping[int, tuple[int, bytes]]]


def score_columns(job: Job, kept: Kept, result: Result) -> list[pa.Array]:
    """The scores file's columns: id, kept columns, outputs; one row a scored record."""
    columns = list(kept.columns) if job.id_column else [pa.array(kept.record_numbers()), *kept.columns]
    if result.rejects:
        scored = pa.array(np.delete(np.arange(kept.rows), [reject.row for reject in result.rejects]))
        columns = [column.take(scored) for column in columns]
    return [*columns, *result.columns.values()]


def all_rejects(kept: Kept, result: Result, locate: Locate) -> list[Reject]:
    """Those of the reader and those of the worker, in record order; `locate` is asked for the latter, if there are
    any."""
    if not result.rejects:
        return list(kept.rejects)
    numbers = kept.record_numbers()
    wanted = [int(numbers[reject.row]) for reject in result.rejects]
    places = locate(wanted)
    found = list(kept.rejects)
    for record, reject in zip(wanted, result.rejects, strict=True):
        line, raw = places.get(record, (0, b""))
        found.append(Reject(record, line, reject.code, reject.detail, raw))
    return sorted(found, key=lambda reject: reject.record)
