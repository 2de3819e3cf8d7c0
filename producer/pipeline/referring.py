"""Batches by reference: workers read them, where they can reach the input themselves. No value is looked at here."""

from collections.abc import Iterator, Mapping

from formats.source import Range, Source
from jobs.handover import Entry
from jobs.record import Job
from jobs.reference import Reference
from producer.pipeline.batching import Batch, cut, position


class Referring:
    """A Way, of one job."""

    def __init__(self, source: Source, job: Job) -> None:
        self._source, self._job = source, job

    def batches(self, cursor: Mapping[str, int]) -> Iterator[Batch[Range]]:
        ranges = self._source.ranges(position(cursor), self._job.block_bytes or None)
        return cut(ranges, self._job, cursor["skip"])

    def payload(self, batch: Batch[Range]) -> bytes:
        return _reference(batch).encode()

    def entry(self, batch: Batch[Range]) -> Entry:
        codes = _reference(batch).broken_codes
        return Entry(self.payload(batch), b"", batch.cursor, batch.first_record, batch.records, codes)


def _reference(batch: Batch[Range]) -> Reference:
    return Reference(batch.first_record, batch.end_record, tuple(batch.found))
