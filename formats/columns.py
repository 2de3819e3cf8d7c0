"""What a table's columns are taken for when nobody says."""

from collections.abc import Sequence

ID_COLUMNS = ("message_id", "id")


def id_column_of(columns: Sequence[str]) -> str | None:
    """The column that has the records' ids; None if no name tells, or two columns have it."""
    return next((name for name in ID_COLUMNS if columns.count(name) == 1), None)
