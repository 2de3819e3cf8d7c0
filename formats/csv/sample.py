"""The first records of a file as a dialect would read them, by Python's csv module: enough to tell a dialect by."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from formats.csv.dialect import Dialect
from formats.csv.fields import reader_of

MOST = 500  # records that are looked at


@dataclass(frozen=True, slots=True)
class Sample:
    """`records` without blank ones. `fields` is how many most of them have, and `share` that of those which do."""

    records: list[list[str]]
    fields: int
    share: float
    broken: bool  # the quoting is

    @property
    def heads(self) -> bool:
        """Whether the first record has as many fields as most."""
        return bool(self.records) and len(self.records[0]) == self.fields

    def begins_with(self, comment: str) -> bool:
        return bool(self.records) and self.records[0][0].startswith(comment)

    @property
    def title_lines(self) -> int:
        """How many records of one field there are before others, which all have the same number; 0 if it isn't so."""
        titles = next((place for place, record in enumerate(self.records) if len(record) > 1), 0)
        rest = self.records[titles:]
        return titles if len(rest) > 1 and all(len(record) == len(rest[0]) for record in rest) else 0


def _folded(record: list[str], dialect: Dialect, before: list[list[str]]) -> list[str]:
    """With its surplus fields in the last column, if that is wished."""
    columns = len(dialect.columns or (before[0] if before else record))
    if not dialect.rest or len(record) <= columns:
        return record
    return [*record[: columns - 1], dialect.delimiter.join(record[columns - 1 :])]


def lines_of(text: str) -> list[str]:
    """Its lines as a CSV file has them: str.splitlines cuts at form feeds, and at U+2028, too."""
    return io.StringIO(text, newline="").readlines()


def sample_of(text: str, dialect: Dialect, whole: bool) -> Sample:
    """Of a file that begins with `text`. What its end may have cut is left out, unless it is `whole`."""
    records: list[list[str]] = []
    broken = False
    lines = lines_of(text)[dialect.skip_lines :]
    body = "".join(line for line in lines if not dialect.comment or not line.startswith(dialect.comment))
    reader: Iterator[list[str]] = reader_of(body, dialect)
    try:
        for record in reader:
            if record:
                records.append(_folded(record, dialect, records))
            if len(records) > MOST:
                break
        else:
            if not whole and len(records) > 1:
                records.pop()
    except csv.Error as error:
        broken = whole or "unexpected end" not in str(error)
    counts = Counter(map(len, records))
    fields, most = counts.most_common(1)[0] if counts else (0, 0)
    return Sample(records, fields, most / max(1, len(records)), broken)
