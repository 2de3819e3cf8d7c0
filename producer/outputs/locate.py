"""Where a file differs from what its receipt says: the batches' parts are looked for by their first lines, whatever was
cut out, doubled or moved before them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import xxhash

from jobs import digest
from jobs.digest import Part


class Gap(NamedTuple):
    """Consecutive batches [first, end) that are not in the file as they were written, and what stands in their place:
    the bytes [start, stop). No batches: something stands between two that are right."""

    first: int
    end: int
    start: int
    stop: int


def find_gaps(content: memoryview, begin: int, parts: Sequence[Part], heads: Sequence[str]) -> list[Gap]:
    """`content` is the whole file, whose header ends at `begin`; `heads` are the parts' digest.head."""
    places = _places(content, begin, set(heads) - {""})
    gaps: list[Gap] = []
    position, waiting = begin, 0  # behind the last batch that was found, and the first that was not found since
    for batch, (part, head) in enumerate(zip(parts, heads, strict=True)):
        if not part.size:
            continue
        found = next((at for at in places.get(head, []) if at >= position and _is(content, at, part)), None)
        if found is None:
            continue
        if found > position or any(parts[each].size for each in range(waiting, batch)):
            gaps.append(Gap(waiting, batch, position, found))
        position, waiting = found + part.size, batch + 1
    if position < len(content) or any(parts[each].size for each in range(waiting, len(parts))):
        gaps.append(Gap(waiting, len(parts), position, len(content)))
    return gaps


def _places(content: memoryview, begin: int, heads: set[str]) -> dict[str, list[int]]:
    """Where lines begin whose digest is one of `heads`."""
    found: dict[str, list[int]] = {}
    for at, line in _lines(content, begin):
        name = xxhash.xxh3_64_hexdigest(line[: 1 << 16])
        if name in heads:
            found.setdefault(name, []).append(at)
    return found


def _lines(content: memoryview, begin: int) -> Iterator[tuple[int, bytes]]:
    at = begin
    for line in bytes(content[begin:]).split(b"\n"):
        yield at, line
        at += len(line) + 1


def _is(content: memoryview, at: int, part: Part) -> bool:
    return digest.part(content[at : at + part.size]) == part
