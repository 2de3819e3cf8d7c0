"""The quoting rules of CSV, on bytes: where records end, and what to do where the quoting is broken.

The functions judge a whole block at once and serve nearly every block; `Scanner` follows one record at a time, as far
as it reaches, and serves the blocks with broken or unusual quoting, or with a CR that is no line end. Both agree with
Python's `csv` module when strict, but for those CRs, at which it would cut the record in two.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from formats.csv.grammar import NONE, Grammar
from formats.csv.line_ends import ANY_END, CR, LF, LineEnds


def cut_before(data: bytes, quotes: NDArray[np.int64], limit: int, line_ends: LineEnds) -> int:
    """The position behind the last record end in `data[:limit]`; 0 if there is none. Trusts the quoting."""
    while True:
        cut = line_ends.last(data, limit)
        quotes_before = int(np.searchsorted(quotes, cut))
        if quotes_before % 2 == 0:
            return cut
        limit = int(quotes[quotes_before - 1])  # a line end inside a field: look before that field


def records_fit(data: bytes, quotes: NDArray[np.int64], end: int, max_record_bytes: int, line_ends: LineEnds) -> bool:
    """Whether no record of `data[:end]` is larger than that; False too if it can't tell. Trusts the quoting."""
    start = 0
    while end - start > max_record_bytes:
        cut = cut_before(data, quotes, start + max_record_bytes + 1, line_ends)
        if cut <= start:
            return False
        start = cut
    return True


def spans(octets: NDArray[np.uint8], quotes: NDArray[np.int64], line_ends: LineEnds) -> NDArray[np.int64]:
    """Start and end (without its line end) of each record in strictly quoted records: int64, shape (records, 2)."""
    ends, behind = line_ends.lines(octets)
    outside = np.searchsorted(quotes, ends) % 2 == 0
    ends, behind = ends[outside], behind[outside]
    found = np.stack((np.append(0, behind), np.append(ends, len(octets))), axis=1)
    return found[found[:, 1] > found[:, 0]]  # on blank lines there is none


def lines_end_in_cr(data: bytes, grammar: Grammar) -> bool:
    """Of `data`, which starts with the lone CR behind a header: whether at least as many lines end in one as in LF.

    Blank lines don't count: they may be halves of a CR CR LF.
    """
    if not grammar.by_quotes:  # quotes in comments are none, nor are escaped ones
        data = grammar.no_line.sub(b"x", data)
    octets = np.frombuffer(data, dtype=np.uint8)
    feeds = octets == LF
    returns = octets == CR
    returns[:-1] &= ~feeds[1:]
    ends = np.setdiff1d(np.flatnonzero(feeds | returns), ANY_END.blank_lines(octets)[1:])
    ends = ends[np.searchsorted(grammar.find_quotes(data), ends) % 2 == 0]
    return int(np.count_nonzero(returns[ends])) * 2 >= len(ends)


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a record, or the line rejected in its place, reaches."""

    end: int  # file offset behind its last byte, before the line end
    code: str | None = None  # why it is rejected
    place: int = 0  # file offset of the opening quote (bad_quoting, unclosed_quote) or of the CR (stray_cr)
    seen: int = 0  # and how far the file had to be looked at
    stray: int | None = None  # file offset of its first unquoted CR that is no line end, before the quoting breaks
    line: int = 0  # that of `place`, where somebody else has looked it up


class Scanner:
    """Follows single records through a file of `size` bytes, which `read(offset, length)` reads.

    `window` is how many bytes it looks at at once, at least max_record_bytes + 2.
    """

    def __init__(
        self, read: Callable[[int, int], bytes], size: int, max_record_bytes: int, window: int, line_ends: LineEnds,
        grammar: Grammar,
    ) -> None:  # fmt: skip
        self._read, self._size, self._limit, self._window = read, size, max_record_bytes, window
        self._line_ends = line_ends
        self._lone_cr, self._plain, self._quoted = line_ends.lone_cr, grammar.plain[line_ends.lone_cr], grammar.quoted
        self._quote, self._escape = grammar.quote, grammar.escape
        self._closes = bytes([grammar.delimiter, CR, LF])  # what stands behind a closing quote
        # Opening quotes of records found to be broken, and how. Later lines of such a record often run into the same
        # quotes; they need not be followed to the same end (perhaps gigabytes away) again.
        self._broken: dict[int, Extent] = {}

    def follow(self, data: bytes, base: int, start: int) -> Extent | None:
        """The extent of the record at file offset `start`; `data` is the block at `base` that holds it.

        None if the block ends before the record does and doesn't show that it exceeds max_record_bytes: the caller then
        comes back with a block that starts at the record.

        If the quoting breaks in a field that opens within max_record_bytes, the first line is rejected alone. If it
        breaks further on, the record is too large and ends with the line where that field opens. A CR that is no line
        end spoils its record and is otherwise a character like any other.
        """
        limit = start + self._limit
        extent = self._match(data, base, start)
        if extent is None:
            return None
        if extent.code is None:
            if extent.stray is not None:
                extent = Extent(extent.end, "stray_cr", extent.stray)
        elif extent.place > limit:
            extent = Extent(self._line_end(data, base, extent.place))
        else:
            end = self._line_end(data, base, start)
            if extent.stray is not None and extent.stray < end:
                extent = Extent(end, "stray_cr", extent.stray, extent.seen)
            else:
                extent = Extent(end, extent.code, extent.place, extent.seen)
        return Extent(extent.end, "record_too_large") if extent.end > limit else extent

    def _match(self, data: bytes, base: int, start: int) -> Extent | None:
        """The record's extent by the grammar; of a broken record all but its `end`."""
        limit = start + self._limit
        exceeds = base + len(data) > limit
        opening: list[int] = []
        strays: list[int] = []
        inside = False
        at = start - base
        while True:
            begin = at
            at = (self._quoted if inside else self._plain).match(data, at).end()  # type: ignore[union-attr]  # both match anything
            if not inside and not self._lone_cr:
                strays += self._strays(data, base, begin, at, limit)
            if at + inside >= len(data) and base + len(data) < self._size:  # a quote needs its next byte as well
                if not exceeds:
                    return None
                at = self._before_escapes(data, begin, at)
                keep = at if inside else max(at - 1, 0)  # outside quotes a pattern looks one byte back
                base, at = base + keep, at - keep
                data = self._read(base, self._window)
            elif not inside:
                if at == len(data) or data[at] != self._quote:
                    half = not self._lone_cr and at < len(data) and data[at - 1 : at] == b"\r"  # of a \r\n
                    half = half and not self._is_escaped(data, begin, at - 1)
                    return Extent(base + at - half, stray=strays[0] if strays else None)
                quote = base + at
                known = self._broken.get(quote)
                if known is not None:
                    # What is remembered saves time only; blocks are cut as if it had to be found out again.
                    found_later = known.seen + 1 >= base + len(data) and base + len(data) < self._size
                    return None if found_later and not exceeds else self._remember(opening, strays, known)
                if quote <= limit:
                    opening.append(quote)
                inside = True
                at += 1
            elif at == len(data):
                return self._remember(opening, strays, Extent(0, "unclosed_quote", quote, self._size))
            elif data[at + 1 : at + 2] in self._closes:  # or nothing: the end of the file
                inside = False
                at += 1
            else:
                return self._remember(opening, strays, Extent(0, "bad_quoting", quote, base + at))

    def _before_escapes(self, data: bytes, begin: int, at: int) -> int:
        """From where on to look again when more has been read than `data[begin:at]`: an escape belongs to what is
        behind it. Pairs of them don't: a file of nothing else has an end, too."""
        if self._escape == NONE or at == begin:
            return at
        escape = bytes([self._escape])
        escaped = data[begin : at - 1].endswith(escape)  # or what escapes is escaped itself: no harm
        end = at - escaped
        run = len(data[begin:end]) - len(data[begin:end].rstrip(escape))
        return end - run % 2 if run else at

    def _is_escaped(self, data: bytes, begin: int, at: int) -> bool:
        """Whether `data[at]`, outside quotes from `begin` on, is: each escape takes the next sign with it."""
        if self._escape == NONE or at <= begin:
            return False
        before = data[begin:at]
        return (len(before) - len(before.rstrip(bytes([self._escape])))) % 2 == 1

    def _strays(self, data: bytes, base: int, begin: int, end: int, limit: int) -> list[int]:
        """The file offset of the first CR that is no line end in `data[begin:end]`, a part of an unquoted run, or one
        byte before: of the last byte of `data` it can't be told. None behind `limit`, where it does not matter."""
        at = data.find(b"\r", max(begin - 1, 0), end)
        while self._is_escaped(data, begin, at):
            at = data.find(b"\r", at + 1, end)
        if at < 0 or data[at + 1 : at + 2] == b"\n" or (at + 1 == len(data) and base + len(data) < self._size):
            return []
        return [base + at] if base + at <= limit else []

    def _remember(self, opening: list[int], strays: list[int], extent: Extent) -> Extent:
        """Of each opening quote, the extent of the records that run into it; returns that of the record itself."""
        for quote in reversed(opening):
            while strays and strays[-1] > quote:
                extent = replace(extent, stray=strays.pop())
            self._broken[quote] = extent
        return replace(extent, stray=strays[0]) if strays else extent

    def forget_before(self, offset: int) -> None:
        """Drop what was remembered about quotes before that file offset."""
        if self._broken:
            self._broken = {quote: extent for quote, extent in self._broken.items() if quote >= offset}

    def _line_end(self, data: bytes, base: int, offset: int) -> int:
        while True:
            found = self._line_ends.one.search(data, offset - base)
            if found:
                return base + found.start()
            end = base + len(data)
            if end >= self._size:
                return self._size
            base = offset = max(offset, end - data.endswith(b"\r"))  # perhaps half of a \r\n
            data = self._read(base, self._window)
