"""The quoting rules of CSV, on bytes: where records end, and what to do where the quoting is broken.

The functions judge a whole block at once and serve nearly every block; `Scanner` follows one record at a time, as far
as it reaches, and serves the blocks with broken or unusual quoting. Both agree with Python's `csv` module when strict.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUOTE, LF, CR = b'"\n\r'

# Outside quotes, a quote that follows neither a comma nor a line end is an ordinary character. The patterns are never
# ambiguous, so nothing is gained by going back; they don't say so with possessive quantifiers (`*+`), which are broken
# before Python 3.11.5 (gh-106052).
_PLAIN_RUN = rb'[^"\r\n]*(?:(?<=[^,\r\n])"[^"\r\n]*)*'
_QUOTED_RUN = rb'[^"]*(?:""[^"]*)*'
_PLAIN, _QUOTED = re.compile(_PLAIN_RUN), re.compile(_QUOTED_RUN)
_LINE_END = re.compile(rb"[\r\n]")

# A well-quoted record as group 1, behind blank lines and before its line end.
WELL_QUOTED = re.compile(
    rb'[\r\n]*(?![\r\n])(%b(?:(?<![^,\r\n])"%b"(?=[,\r\n])%b)*)(?=[\r\n])' % (_PLAIN_RUN, _QUOTED_RUN, _PLAIN_RUN)
)

# A quote that opens a field stands behind one of these, and one that closes a field before one of these: a comma, a
# line end, or the other half of a doubled quote.
_beside_quote = np.zeros(256, dtype=bool)
_beside_quote[list(b',\r\n"')] = True


def find_quotes(data: bytes) -> NDArray[np.int64]:
    """The positions of the quote characters."""
    if b'"' not in data:  # hundreds of times faster than looking at every byte
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == QUOTE)


def strictly_quoted(octets: NDArray[np.uint8], quotes: NDArray[np.int64]) -> bool:
    """Whether every quote opens a field, closes one, or is half of a doubled quote inside one.

    `octets` are whole records. Only then does the number of quotes before a byte tell whether the byte is quoted.
    """
    if len(quotes) % 2:
        return False
    # At the edges "clip" looks at the quote itself, which passes: the start and the end of the records are fine places.
    before = octets.take(quotes[0::2] - 1, mode="clip")
    after = octets.take(quotes[1::2] + 1, mode="clip")
    return bool(_beside_quote[before].all() and _beside_quote[after].all())


def cut_before(data: bytes, quotes: NDArray[np.int64], limit: int) -> int:
    """The position behind the last record end in `data[:limit]`; 0 if there is none. Trusts the quoting."""
    while True:
        cut = data.rfind(b"\n", 0, limit) + 1
        cut = max(cut, data.rfind(b"\r", cut, limit) + 1)
        quotes_before = int(np.searchsorted(quotes, cut))
        if quotes_before % 2 == 0:
            return cut
        limit = int(quotes[quotes_before - 1])  # a line end inside a field: look before that field


def records_fit(data: bytes, quotes: NDArray[np.int64], end: int, max_record_bytes: int) -> bool:
    """Whether no record of `data[:end]` is larger than that. Trusts the quoting."""
    start = 0
    while end - start > max_record_bytes:
        cut = cut_before(data, quotes, start + max_record_bytes + 1)
        if cut <= start:
            return False
        start = cut
    return True


def spans(octets: NDArray[np.uint8], quotes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Start and end (without its line end) of each record in strictly quoted records: int64, shape (records, 2)."""
    breaks = np.flatnonzero((octets == LF) | (octets == CR))
    breaks = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
    found = np.stack((np.append(0, breaks + 1), np.append(breaks, len(octets))), axis=1)
    return found[found[:, 1] > found[:, 0]]  # between \r and \n, and on blank lines, there is none


def count_lines(data: bytes, start: int = 0, end: int | None = None) -> int:
    """How many line ends `data[start:end]` has: \\n, \\r\\n or a lone \\r, quoted ones too."""
    octets = np.frombuffer(data, dtype=np.uint8)[start:end]
    lines = int(np.count_nonzero(octets == LF))
    if data.find(b"\r", start, end) >= 0:
        returns = octets == CR
        lines += int(np.count_nonzero(returns)) - int(np.count_nonzero(returns[:-1] & (octets[1:] == LF)))
    return lines


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a record, or the line rejected in its place, reaches."""

    end: int  # file offset behind its last byte, before the line end
    code: str | None = None  # why it is rejected
    quote: int = 0  # for bad_quoting and unclosed_quote: file offset of the opening quote
    seen: int = 0  # and how far the file had to be looked at


class Scanner:
    """Follows single records through a file of `size` bytes, which `read(offset, length)` reads.

    `window` is how many bytes it looks at at once, at least max_record_bytes + 2.
    """

    def __init__(self, read: Callable[[int, int], bytes], size: int, max_record_bytes: int, window: int) -> None:
        self._read, self._size, self._limit, self._window = read, size, max_record_bytes, window
        # Opening quotes of records found to be broken, and how. Later lines of such a record often run into the same
        # quotes; they need not be followed to the same end (perhaps gigabytes away) again.
        self._broken: dict[int, Extent] = {}

    def follow(self, data: bytes, base: int, start: int) -> Extent | None:
        """The extent of the record at file offset `start`; `data` is the block at `base` that holds it.

        None if the block ends before the record does and doesn't show that it exceeds max_record_bytes: the caller then
        comes back with a block that starts at the record.

        If the quoting breaks in a field that opens within max_record_bytes, the first line is rejected alone. If it
        breaks further on, the record is too large and ends with the line where that field opens.
        """
        limit = start + self._limit
        extent = self._match(data, base, start)
        if extent is None:
            return None
        if extent.code is not None:
            if extent.quote > limit:
                extent = Extent(self._line_end(data, base, extent.quote))
            else:
                extent = Extent(self._line_end(data, base, start), extent.code, extent.quote, extent.seen)
        return Extent(extent.end, "record_too_large") if extent.end > limit else extent

    def _match(self, data: bytes, base: int, start: int) -> Extent | None:
        """The record's extent by the grammar; of a broken record only `code`, `quote` and `seen` mean anything."""
        limit = start + self._limit
        exceeds = base + len(data) > limit
        opening: list[int] = []
        inside = False
        at = start - base
        while True:
            at = (_QUOTED if inside else _PLAIN).match(data, at).end()  # type: ignore[union-attr]  # both match anything
            if at + inside >= len(data) and base + len(data) < self._size:  # a quote needs its next byte as well
                if not exceeds:
                    return None
                keep = at if inside else at - 1  # _PLAIN looks one byte back
                base, at = base + keep, at - keep
                data = self._read(base, self._window)
            elif not inside:
                if at == len(data) or data[at] != QUOTE:
                    return Extent(base + at)
                quote = base + at
                known = self._broken.get(quote)
                if known is not None:
                    # What is remembered saves time only; blocks are cut as if it had to be found out again.
                    found_later = known.seen + 1 >= base + len(data) and base + len(data) < self._size
                    return None if found_later and not exceeds else self._remember(opening, known)
                if quote <= limit:
                    opening.append(quote)
                inside = True
                at += 1
            elif at == len(data):
                return self._remember(opening, Extent(0, "unclosed_quote", quote, self._size))
            elif data[at + 1 : at + 2] in b",\r\n":  # or nothing: the end of the file
                inside = False
                at += 1
            else:
                return self._remember(opening, Extent(0, "bad_quoting", quote, base + at))

    def _remember(self, opening: list[int], extent: Extent) -> Extent:
        self._broken.update(dict.fromkeys(opening, extent))
        return extent

    def forget_before(self, offset: int) -> None:
        """Drop what was remembered about quotes before that file offset."""
        if self._broken:
            self._broken = {quote: extent for quote, extent in self._broken.items() if quote >= offset}

    def _line_end(self, data: bytes, base: int, offset: int) -> int:
        while True:
            found = _LINE_END.search(data, offset - base)
            if found:
                return base + found.start()
            base = offset = max(offset, base + len(data))
            if offset >= self._size:
                return self._size
            data = self._read(base, self._window)
