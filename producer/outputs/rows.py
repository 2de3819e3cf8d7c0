"""From a batch's kept columns and result to its rows in the scores file and the rejects file."""

import numpy as np
import pyarrow as pa

from formats.position import Position
from formats.rejects import Reject
from formats.source import Source
from jobs.batch import Kept, Result
from jobs.record import Job


class Rows:
    """Of one job."""

    def __init__(self, job: Job, source: Source | None) -> None:
        self._job = job
        # None: the input is gone or changed, and no raw text can be had of what a worker rejected.
        self._source = source
        self.unread = 0  # rejects without it

    def scores(self, kept: Kept, result: Result) -> list[pa.Array]:
        """The scores file's columns: id, kept columns, outputs; one row a scored record."""
        numbers = kept.record_numbers()
        columns = list(kept.columns) if self._job.id_column else [pa.array(numbers), *kept.columns]
        if result.rejects:
            scored = pa.array(np.delete(np.arange(kept.rows), [reject.row for reject in result.rejects]))
            columns = [column.take(scored) for column in columns]
        return [*columns, *result.columns.values()]

    def rejects(self, kept: Kept, result: Result) -> list[Reject]:
        """All rejects of the batch, in record order."""
        found = list(kept.rejects)
        if result.rejects:
            numbers = kept.record_numbers()
            wanted = [int(numbers[reject.row]) for reject in result.rejects]
            places = self._locate(kept.position, wanted)
            for record, reject in zip(wanted, result.rejects, strict=True):
                line, raw = places.get(record, (0, b""))
                found.append(Reject(record, line, reject.code, reject.detail, raw))
            found.sort(key=lambda reject: reject.record)
        return found

    def _locate(self, start: Position, records: list[int]) -> dict[int, tuple[int, bytes]]:
        """Line and raw text of each; nothing once the input has changed."""
        if self._source:
            places = self._source.locate(start, records)
            if self._source.unchanged():
                return places
        self.unread += len(records)
        return {}
