"""The first records of a file, read as its job would read them: what is odd in them, and micro-batches to try out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from formats.glance import Glance
from formats.rejects import Reject
from formats.source import Block, Source
from jobs.record import Job
from jobs.slices import Slice, fed
from producer.lookahead.first_records import FirstRecords
from producer.lookahead.trial import Trial
from producer.pipeline.precheck import EXAMPLES, SCAN_BYTES, Sample, take_sample

MOST_TRIED = 64  # micro-batches, from all over the sample
MOST_TEXTS = 100  # columns that are looked at where nobody knows which of them are texts


class MicroBatch(NamedTuple):
    """Of the sample."""

    records: pa.RecordBatch  # the columns to feed
    numbers: Sequence[int]  # the records' numbers
    size: float  # their share of the input, in bytes


@dataclass(slots=True)
class Sampled:
    """The sample, how fast it was read, and what may be tried out of it."""

    sample: Sample
    seconds: float
    size: int  # bytes
    densities: list[float] = field(default_factory=list)  # records a byte, of each block
    batches: list[MicroBatch] = field(default_factory=list)


def sampled(found: Glance, job: Job | None, limit: int = 0) -> Sampled:
    """Without a job no records are kept; `limit`: of so many records alone, if it isn't 0. Raises InputError as
    `Source.blocks` does."""
    source = found.source
    if job is None:
        unique = [name for name in source.columns[:MOST_TEXTS] if source.columns.count(name) == 1]
        texts, columns, block_bytes = unique, [], None
    else:
        texts, columns, block_bytes = list(job.text_columns), job.read_columns, job.block_bytes
    densities: list[float] = []
    batches: list[MicroBatch] = []

    def hear(block: Block) -> None:
        size = block.end.offset - block.start.offset
        records = block.end.record - block.start.record
        densities.append(records / max(1, size))
        if job is None or not block.rows:
            return
        numbers, first = block.record_numbers.tolist(), 0
        for each in fed(job, [Slice(block, block.start.record, block.end.record)]):
            batches.append(MicroBatch(each, numbers[first : first + each.num_rows], size * each.num_rows / block.rows))
            first += each.num_rows

    began = time.perf_counter()
    size = min(SCAN_BYTES, found.safe_bytes)
    blocks = FirstRecords(source, limit) if limit else source
    sample = take_sample(blocks, texts, columns, size=size, block_bytes=block_bytes, hear=hear)
    seconds = time.perf_counter() - began
    return Sampled(sample, seconds, sample.end.offset - source.start.offset, densities, batches)


def spread(batches: Sequence[MicroBatch]) -> list[MicroBatch]:
    """Some of them from all over, in an order of which each beginning is as well."""
    step = -(-len(batches) // MOST_TRIED) or 1
    chosen = batches[::step]
    return [chosen[place] for first in range(8) for place in range(first, len(chosen), 8)]


def with_model(sample: Sample, source: Source, tried: Sequence[MicroBatch], trial: Trial) -> None:
    """Adds what the model rejects. Of each code the first records are located in the input."""
    rejects = sorted((tried[batch].numbers[row], code, detail) for batch, row, code, detail in trial.rejects)
    sample.codes.update(code for _, code, _ in rejects)
    shown = rejects[:EXAMPLES]
    places = source.locate(source.start, [record for record, *_ in shown]) if shown else {}
    for record, code, detail in shown:
        line, offset, raw = places.get(record, (0, None, b""))
        sample.rejects.append(Reject(record, line, code, detail, raw, offset))
    sample.rejects.sort(key=lambda reject: reject.record)
    del sample.rejects[EXAMPLES:]
