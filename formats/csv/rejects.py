"""The rejects file beside a scores file: CSV with each record's number, line and raw text, and why it was rejected."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from formats.csv.lines import format_rows
from formats.csv.sink import CsvSink
from formats.rejects import Reject

SINK = CsvSink()  # whatever the format of the scores
REJECT_COLUMNS = ("record", "line", "code", "detail", "raw")


def reject_header() -> bytes:
    return SINK.header(REJECT_COLUMNS)


def reject_rows(rejects: Iterable[Reject]) -> bytes:
    """As they stand in the file; a line that is not known is empty."""
    return format_rows([r.record, r.line or "", r.code, r.detail, r.raw] for r in rejects)


def decode_rejects(file: BinaryIO) -> Iterator[Reject]:
    """The rejects in a file without its header, in record order, however large their raw text is."""
    for row in SINK.rows(file):
        record, line, code, detail, raw = SINK.fields(row)
        yield Reject(int(record), int(line or 0), code.decode(), detail.decode(), raw)
