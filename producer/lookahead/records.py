"""How many records a file has: counted where that takes a moment, else estimated from how dense they are."""

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from formats.files.open import open_file
from formats.glance import Glance
from formats.joined.source import JoinedSource
from formats.source import Source
from producer.pipeline.precheck import Sample

COUNT_SECONDS = 2.0
WINDOWS = 32  # places of the rest at which line ends are counted,
WINDOW_BYTES = 64 << 10
LEAST = 0.05  # an interval's half width, as a part of the estimate
PACKED = 0.2  # where the size of what is packed is no more than an estimate


class Count(NamedTuple):
    """Records, rejected ones included. `low` and `high` bound them."""

    records: int
    low: int
    high: int
    is_exact: bool


def count(found: Glance, sample: Sample, densities: Sequence[float], limit: int = 0) -> Count:
    """`densities` are the records a byte in the sample's blocks; `limit`: so many would be scored, if it isn't 0."""
    counted = _count(found, sample, densities, limit)
    if not limit or counted.high <= limit:
        return counted
    return Count(min(counted.records, limit), min(counted.low, limit), limit, counted.is_exact)


def _count(found: Glance, sample: Sample, densities: Sequence[float], limit: int) -> Count:
    """No more than `limit` need be counted."""
    source = found.source
    seen, end = sample.records, sample.end
    if (sample.is_whole and found.whole) or 0 < limit <= seen:
        return Count(seen, seen, seen, True)
    lines = end.line - source.start.line
    if found.held is None:
        deadline = time.monotonic() + COUNT_SECONDS
        for each in source.ranges(end):
            seen, end, lines = seen + each.records, each.end, each.end.line - source.start.line
            if 0 < limit <= seen:
                return Count(seen, seen, seen, True)
            if time.monotonic() > deadline and end.offset < source.size:
                if lines:
                    densities = [each * seen / lines for each in _line_densities(found, end.offset)]
                break
        else:
            return Count(seen, seen, seen, True)
    mean = statistics.fmean(densities)
    noise = 2 * statistics.stdev(densities) / mean / len(densities) ** 0.5 if len(densities) > 1 else 1.0
    part = max(LEAST, noise) + (PACKED if found.is_copied else 0.0)
    rest = max(0, found.read_bytes - end.offset) * mean
    low, high = rest * max(0.0, 1 - part), rest * (1 + part + 2 * found.share_error)
    return Count(seen + round(rest), seen + round(low), seen + round(high), False)


def _line_densities(found: Glance, begin: int) -> Iterator[float]:
    """The line ends a byte, at places all over the rest of a file, or of several."""
    source = found.source
    step = (source.size - begin) / WINDOWS
    for number in range(WINDOWS):
        data = _window(source, int(begin + number * step))
        yield max(data.count(b"\n"), data.count(b"\r"), 1) / max(1, len(data))


def _window(source: Source, offset: int) -> bytes:
    location = source.read_from
    if isinstance(source, JoinedSource):
        for member in source.members:
            location = member.location
            if offset < member.size:
                break
            offset -= member.size
    file = open_file(location)
    try:
        return file.read(offset, WINDOW_BYTES)
    finally:
        file.close()
