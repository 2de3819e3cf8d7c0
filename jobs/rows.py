"""From a batch's kept columns and result to its rows in the scores file and the rejects file."""

import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from formats.joined.source import in_file
from formats.position import Located
from formats.rejects import Reject
from jobs.batch import Kept, Result
from jobs.error_rows import with_errors
from jobs.record import Job

# From numbers of records to where those are that are known.
Locate = Callable[[list[int]], Mapping[int, Located]]
NOWHERE = Located(0, 0, b"")


def score_columns(job: Job, kept: Kept, result: Result, outputs: Sequence[str] = ()) -> list[pa.Array]:
    """The scores file's columns: id, kept columns, outputs; one row a scored record, none where nothing was scored.
    Where rejects are in it too, one row a record; `outputs` names those of a batch of which nothing was scored."""
    if job.errors:
        return with_errors(job, kept, result, outputs)
    return scored_columns(job, kept, result) if result.scored else []


def scored_columns(job: Job, kept: Kept, result: Result) -> list[pa.Array]:
    """Id, kept columns, outputs; one row a scored record."""
    columns = list(kept.columns) if job.id_column else [pa.array(kept.record_numbers()), *kept.columns]
    if result.rejects:
        scored = pa.array(np.delete(np.arange(kept.rows), [reject.row for reject in result.rejects]))
        columns = [column.take(scored) for column in columns]
    return [*columns, *result.columns.values()]


def all_rejects(job: Job, kept: Kept, result: Result, locate: Locate) -> list[Reject]:
    """Those of the reader and those of the worker, in record order; `locate` is asked for the latter, if there are
    any. Where the input is several files, either says in which."""
    if not result.rejects:
        return list(kept.rejects)
    numbers = kept.record_numbers()
    wanted = [int(numbers[reject.row]) for reject in result.rejects]
    places = locate(wanted)
    found = list(kept.rejects)
    files = kept.columns[job.kept_columns.index(job.file_column)] if job.file_column else None
    for record, reject in zip(wanted, result.rejects, strict=True):
        place = places.get(record, NOWHERE)
        offset = None if place is NOWHERE else place.offset
        made = Reject(record, place.line, reject.code, reject.detail, place.raw, offset, reject.column)
        found.append(in_file(made, os.fsdecode(files[reject.row].as_py())) if files is not None else made)
    return sorted(found, key=lambda reject: reject.record)
