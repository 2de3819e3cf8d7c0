"""Texts that come again within a micro-batch: scored once, and the answer written to each.

A campaign reaches many people within minutes. Whether it pays is asked of the micro-batch's first records alone, so
that all depends on the micro-batch and on nothing else, and where no text comes twice it costs next to nothing.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from jobs.batch import Result

SAMPLE = 64  # records


class Distinct(NamedTuple):
    """The records without repeats, in the order in which they come first, and for each of all records which it is."""

    records: pa.RecordBatch
    which: pa.Int32Array


def distinct(records: pa.RecordBatch) -> Distinct | None:
    """None if there are several columns, or no repeats among the first SAMPLE records."""
    if records.num_columns != 1:
        return None
    sample = records.column(0).slice(0, SAMPLE).to_pylist()
    if len(set(sample)) == len(sample):
        return None
    encoded = records.column(0).dictionary_encode()
    return Distinct(pa.RecordBatch.from_arrays([encoded.dictionary], schema=records.schema), encoded.indices)


def repeat(result: Result, which: pa.Int32Array) -> Result:
    """From the result of the distinct records to that of all."""
    if not result.rejects:
        return Result({name: column.take(which) for name, column in result.columns.items()}, ())
    rejects = {reject.row: reject for reject in result.rejects}
    places = which.to_numpy()
    rejected = np.isin(places, list(rejects))
    again = tuple(replace(rejects[places[row]], row=int(row)) for row in np.flatnonzero(rejected))
    scored = np.ones(places.max() + 1, bool)
    scored[list(rejects)] = False
    rows = pa.array((np.cumsum(scored) - 1)[places[~rejected]])  # of the columns, which have the scored ones alone
    return Result({name: column.take(rows) for name, column in result.columns.items()}, again)
