"""The rejects file beside a scores file: CSV with each record's number, line and raw text, why it was rejected, and
where it begins. Older versions' files end with the raw text."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO

from formats.csv.lines import format_rows
from formats.csv.sink import CsvSink
from formats.rejects import Reject

SINK = CsvSink()  # whatever the format of the scores
REJECT_COLUMNS = ("record", "line", "code", "detail", "raw", "offset", "column")
OLDER_COLUMNS = REJECT_COLUMNS[:5]


def reject_header(placed: bool = True) -> bytes:
    """`placed`: with the columns that older versions did not have."""
    return SINK.header(REJECT_COLUMNS if placed else OLDER_COLUMNS)


def reject_rows(rejects: Iterable[Reject], placed: bool = True) -> bytes:
    """As they stand in the file; a line or an offset that is not known is empty."""
    columns = len(REJECT_COLUMNS if placed else OLDER_COLUMNS)
    return format_rows(
        [r.record, r.line or "", r.code, r.detail, r.raw, "" if r.offset is None else r.offset, r.column][:columns]
        for r in rejects
    )


def is_placed(lines: bytes) -> bool:
    """Whether they have the columns that older versions did not have."""
    return len(SINK.fields(next(SINK.rows(BytesIO(lines))))) > len(OLDER_COLUMNS)


def decode_rejects(file: BinaryIO) -> Iterator[Reject]:
    """The rejects in a file without its header, in record order, however large their raw text is."""
    for row in SINK.rows(file):
        record, line, code, detail, raw, *place = SINK.fields(row)
        offset, column = place or (b"", b"")
        begins = int(offset) if offset else None
        yield Reject(int(record), int(line or 0), code.decode(), detail.decode(), raw, begins, column.decode())
