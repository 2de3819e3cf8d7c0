"""Batches that travel: the producer reads them, and they go to the workers through the server, or through a spool."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from formats.source import Block, Source
from jobs import slices
from jobs.batch import encode_payload
from jobs.handover import Entry
from jobs.record import Job
from jobs.slices import Slice
from producer.pipeline.batching import Batch, cut, position


class Serving:
    """A Way, of one job."""

    def __init__(self, source: Source, job: Job) -> None:
        self._source, self._job = source, job

    def batches(self, cursor: Mapping[str, int]) -> Iterator[Batch[Block]]:
        blocks = self._source.blocks(self._job.read_columns, position(cursor), self._job.block_bytes or None)
        return cut(blocks, self._job, cursor["skip"])

    def payload(self, batch: Batch[Block]) -> memoryview:
        schema = pa.schema([(name, pa.binary()) for name in self._job.fed_columns])
        return encode_payload(schema, slices.fed(self._job, _slices(batch)), batch.first_record, batch.records)

    def entry(self, batch: Batch[Block]) -> Entry:
        parts = _slices(batch)
        kept, codes = slices.kept(self._job, parts).encode(), [each.code for part in parts for each in part.rejects]
        numbers = batch.first_record, batch.records
        return Entry(self.payload(batch), kept, batch.cursor, *numbers, codes, slices.odd(self._job, parts))


def _slices(batch: Batch[Block]) -> list[Slice]:
    return [Slice(block, batch.first_record, batch.end_record) for block in batch.found]
