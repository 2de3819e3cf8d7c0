"""Batches that travel: the producer reads them, and they go to the workers through the server, or through a spool."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from formats.source import Block, Source
from formats.utf8 import count_not_utf8
from jobs.batch import Kept, Slice, encode_payload
from jobs.ledger import Entry
from jobs.record import Job
from producer.pipeline.batching import Batch, cut, position


class Serving:
    """A Way, of one job."""

    def __init__(self, source: Source, job: Job) -> None:
        self._source, self._job = source, job
        self._kept = [*([job.id_column] if job.id_column else []), *job.keep]

    def batches(self, cursor: Mapping[str, int]) -> Iterator[Batch[Block]]:
        columns = list(dict.fromkeys([*self._job.fed_columns, *self._kept]))
        blocks = self._source.blocks(columns, position(cursor), self._job.block_bytes or None)
        return cut(blocks, self._job, cursor["skip"])

    def payload(self, batch: Batch[Block]) -> memoryview:
        names = self._job.fed_columns
        schema = pa.schema([(name, pa.binary()) for name in names])
        return encode_payload(
            schema,
            [
                pa.RecordBatch.from_arrays([records.column(name) for name in names], schema=schema)
                for part in _slices(batch)
                for records in part.micro_batches()
            ],
            batch.first_record,
            batch.records,
        )

    def kept(self, batch: Batch[Block]) -> memoryview:
        """What only the collector needs."""
        parts = _slices(batch)
        return Kept(
            columns=tuple(pa.concat_arrays([part.records.column(name) for part in parts]) for name in self._kept),
            rows=sum(part.rows for part in parts),
            first_record=batch.first_record,
            position=batch.found[0].start,
            rejects=tuple(reject for part in parts for reject in part.rejects),
        ).encode()

    def entry(self, batch: Batch[Block]) -> Entry:
        codes = [reject.code for part in _slices(batch) for reject in part.rejects]
        numbers = batch.first_record, batch.records
        return Entry(self.payload(batch), self.kept(batch), batch.cursor, *numbers, codes, self._odd(batch))

    def _odd(self, batch: Batch[Block]) -> dict[str, int]:
        parts = _slices(batch)
        found = {
            "blank_lines": sum(part.blank_lines for part in parts),
            "not_utf8": sum(
                count_not_utf8(part.records.column(name)) for part in parts for name in self._job.text_columns
            ),
        }
        return {name: number for name, number in found.items() if number}


def _slices(batch: Batch[Block]) -> list[Slice]:
    return [Slice(block, batch.first_record, batch.end_record) for block in batch.found]
