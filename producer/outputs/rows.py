"""From a batch's kept columns and result to its rows in the scores file and the rejects file."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from formats.csv.lines import format_rows
from formats.csv.reader import Reader
from formats.position import Position
from formats.rejects import Reject
from jobs.batch import Kept, Result
from jobs.record import Job

REJECT_COLUMNS = ("record", "line", "code", "detail", "raw")


def reject_rows(rejects: Iterable[Reject]) -> bytes:
    """As they stand in the rejects file; a line that is not known is empty."""
    return format_rows([r.record, r.line or "", r.code, r.detail, r.raw] for r in rejects)


class Rows:
    """From a batch's kept columns and result to its rows in the two files."""

    def __init__(self, job: Job, reader: Reader | None) -> None:
        self._job = job
        # None: the input is gone or changed, and no raw text can be had of what a worker rejected.
        self._reader = reader
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
        if self._reader:
            places = self._reader.locate(start, records)
            if self._reader.unchanged():
                return places
        self.unread += len(records)
        return {}
