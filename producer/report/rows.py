"""Scored rows with what the scores file lacks, the texts above all, which is read from the input in lockstep."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from formats.source import Block, Source
from jobs.errors import JobError
from producer.outputs.scored import Chunk


def with_input(chunks: Iterator[Chunk], source: Source, columns: Sequence[str]) -> Iterator[Chunk]:
    """The chunks with `columns` of the input added (binary; null where a record can't be read with today's limit).

    They are cut where the input's blocks end, so that a window of long texts stays a window.
    """
    if not columns:
        yield from chunks
        return
    blocks = source.blocks(columns)
    block: Block | None = None
    numbers = np.empty(0, np.int64)
    for chunk in chunks:
        start, total = 0, len(chunk.records)
        if not total:
            yield chunk
            continue
        while start < total:
            while block is None or block.end.record <= chunk.records[start]:
                block = next(blocks, None)
                if block is None:
                    raise JobError(f"{source.path} ends before record {int(chunk.records[start])}, which was scored")
                numbers = block.record_numbers
            stop = int(np.searchsorted(chunk.records, block.end.record))
            piece = chunk.slice(start, stop)
            added = dict(zip(columns, _at(block.records, numbers, piece.records), strict=True))
            yield Chunk(piece.records, {**piece.columns, **added}, chunk.rejects if start == 0 else ())
            start = stop


def _at(records: pa.RecordBatch, numbers: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> list[pa.Array]:
    """The rows of those record numbers; null for one that is not there."""
    rows = np.searchsorted(numbers, wanted)
    found = rows < len(numbers)
    found[found] = numbers[rows[found]] == wanted[found]
    if found.all() and len(wanted) == rows[-1] - rows[0] + 1:
        return [column.slice(int(rows[0]), len(wanted)) for column in records.columns]
    return [column.take(pa.array(rows, mask=~found)) for column in records.columns]
