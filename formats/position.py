"""Where a record starts in its source."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """All that is needed to resume reading at a record."""

    offset: int  # byte offset in the file
    record: int  # 1-based; the header and blank lines are not counted
    line: int  # 1-based physical line
