"""Where a record is in its source."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Position:
    """All that is needed to resume reading at a record."""

    offset: int  # byte offset in the file
    record: int  # 1-based; the header and blank lines are not counted
    line: int  # 1-based physical line


class Located(NamedTuple):
    """Where one record is found again, for people."""

    line: int  # 1-based physical line of its file
    offset: int  # of its first byte in its file
    raw: bytes  # the record without its line end, as UTF-8
