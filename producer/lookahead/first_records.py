"""The first records of a source: as much of its blocks as a job with a limit reads."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from formats.position import Position
from formats.source import Block, Source


class FirstRecords:
    """Of the records up to the number `limit`. What is asked for but blocks is the source's own."""

    def __init__(self, source: Source, limit: int) -> None:
        self.start, self.size = source.start, source.size
        self._source, self._limit = source, limit

    def blocks(
        self, columns: Sequence[str], start: Position | None = None, block_bytes: int | None = None
    ) -> Iterator[Block]:
        """As the source's; the last one may be cut, and where it ends in the file is then an estimate."""
        for block in self._source.blocks(columns, start, block_bytes):
            yield _cut(block, self._limit)
            if block.end.record > self._limit:
                return


def _cut(block: Block, limit: int) -> Block:
    first, end = block.start, block.end
    records = limit + 1 - first.record
    if end.record - first.record <= records:
        return block
    rejects = [each for each in block.rejects if each.record <= limit]
    rows = records - len(rejects)
    share = records / (end.record - first.record)
    behind = Position(
        first.offset + round((end.offset - first.offset) * share),
        limit + 1,
        first.line + round((end.line - first.line) * share),
    )
    return replace(block, end=behind, rows=rows, records=block.records.slice(0, rows), rejects=rejects, blank_lines=0)
