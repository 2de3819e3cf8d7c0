"""Place and raw text of what workers rejected, from the input: they had only the columns that they fed."""

from formats.position import Located, Position
from formats.source import Source


class RawText:
    """Of one job. `source` is None where the input is gone or changed: then no raw text can be had."""

    def __init__(self, source: Source | None) -> None:
        self._source = source
        self.unread = 0  # rejects without it

    def locate(self, start: Position, records: list[int]) -> dict[int, Located]:
        """Where each is, and its raw text, none before `start`; nothing once the input has changed."""
        if self._source:
            places = self._source.locate(start, records)
            if self._source.unchanged():
                return places
        self.unread += len(records)
        return {}
