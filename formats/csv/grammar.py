"""What a dialect's bytes mean: patterns and tables that tell where a record ends, made once for each dialect."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from formats.csv.dialect import PLAIN, Dialect
from formats.csv.line_ends import find

NONE = -1  # no byte


@dataclass(frozen=True, eq=False)
class Grammar:
    """For files in which `delimiter`, `quote` and `escape` are those bytes; NONE for what there is not."""

    delimiter: int
    quote: int
    escape: int
    comment: bytes  # what a line that is no record begins with; empty: nothing
    # By whether a lone CR ends a line, too:
    well_quoted: dict[bool, re.Pattern[bytes]] = field(init=False)  # a record as group 1, behind blank lines
    plain: dict[bool, re.Pattern[bytes]] = field(init=False)  # what is outside quotes, up to a quote or a line end
    quoted: re.Pattern[bytes] = field(init=False)  # what is inside them, up to the closing one
    no_line: re.Pattern[bytes] = field(init=False)  # quoted fields, comments and what is escaped: no line ends there
    _beside: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        """Outside quotes, a quote that follows neither a delimiter nor a CR or LF is an ordinary character. The
        patterns are never ambiguous, so nothing is gained by going back; they don't say so with possessive quantifiers
        (`*+`), which are broken before Python 3.11.5 (gh-106052)."""
        quote, escape = self._class(self.quote), self._class(self.escape)
        delimiter = self._class(self.delimiter)
        escaped = rb"|%b(?:[\s\S]|\Z)" % escape if escape else b""
        inner = rb"%b%b%b" % (quote, quote, escaped)
        if escape and quote:  # behind an escaped delimiter one is in the middle of a field: a quote is an ordinary one
            ends = rb"%b\r\n" % delimiter
            escaped = rb"|%b(?:[^%b]|[%b](?:%b|(?!%b))|\Z)" % (escape, ends, ends, quote, quote)
        runs = {}
        for lone_cr, ends in ((True, rb"\r\n"), (False, rb"\n")):
            ordinary = rb"(?<=[^%b\r\n])%b%b" % (delimiter, quote, escaped) if quote else escaped[1:]
            runs[lone_cr] = (
                rb"[^%b%b%b]*(?:(?:%b)[^%b%b%b]*)*" % (quote, escape, ends, ordinary, quote, escape, ends)
                if ordinary
                else rb"[^%b]*" % ends
            )
        inside = rb"[^%b%b]*(?:(?:%b)[^%b%b]*)*" % (quote, escape, inner, quote, escape) if quote else rb"[\s\S]*"
        # A well-quoted record has no CR outside quotes but those of its line end: others are followed one by one.
        outside = runs[True]
        record = rb"(%b)" % outside
        if quote:
            field = rb"(?<![^%b\r\n])%b%b%b(?=[%b\r\n])" % (delimiter, quote, inside, quote, delimiter)
            record = rb"(%b(?:%b%b)*)" % (outside, field, outside)
        if self.comment:
            record = rb"(?!%b)%b" % (re.escape(self.comment), record)
        well = {
            True: re.compile(rb"[\r\n]*(?![\r\n])%b(?=[\r\n])" % record),
            False: re.compile(rb"(?:\r?\n)*(?!\r?\n)%b(?=\r?\n)" % record),
        }
        closed = rb"(?<![^%b\r\n])%b%b%b" % (delimiter, quote, inside, quote)
        others = rb"|(?<![^\r\n])%b[^\r\n]*" % re.escape(self.comment) if self.comment else b""
        no_line = (closed if quote else rb"(?!)") + others + (rb"|%b[\s\S]" % escape if escape else b"")
        # A quote that opens a field stands behind one of these, and one that closes a field before one of these: a
        # delimiter, a line end, or the other half of a doubled quote.
        beside = np.zeros(256, dtype=bool)
        beside[[self.delimiter, *b"\r\n", *([self.quote] if quote else [])]] = True
        object.__setattr__(self, "well_quoted", well)
        object.__setattr__(self, "plain", {lone_cr: re.compile(run) for lone_cr, run in runs.items()})
        object.__setattr__(self, "quoted", re.compile(inside))
        object.__setattr__(self, "no_line", re.compile(no_line))
        object.__setattr__(self, "_beside", beside)

    @property
    def by_quotes(self) -> bool:
        """Whether a block can be cut by its quotes and line ends alone. If not, it is cut record by record."""
        return self.escape == NONE and not self.comment

    def find_quotes(self, data: bytes) -> NDArray[np.int64]:
        """The positions of the quote characters."""
        if self.quote == NONE or self.quote not in data:  # hundreds of times faster than looking at every byte
            return np.empty(0, dtype=np.int64)
        return find(np.frombuffer(data, dtype=np.uint8), self.quote)

    def strictly_quoted(self, octets: NDArray[np.uint8], quotes: NDArray[np.int64]) -> bool:
        """Whether every quote opens a field, closes one, or is half of a doubled quote inside one.

        `octets` are whole records. Only then does the number of quotes before a byte tell whether the byte is quoted.
        """
        if len(quotes) % 2:
            return False
        # At the edges "clip" looks at the quote itself, which passes: the start and the end of the records are fine
        # places.
        before = octets.take(quotes[0::2] - 1, mode="clip")
        after = octets.take(quotes[1::2] + 1, mode="clip")
        return bool(self._beside[before].all() and self._beside[after].all())

    @staticmethod
    def _class(octet: int) -> bytes:
        """The byte in a pattern, inside or outside of brackets."""
        return b"" if octet == NONE else b"\\x%02x" % octet


@lru_cache(maxsize=16)
def _grammar(delimiter: str, quote: str, escape: str, comment: str) -> Grammar:
    def octet(mark: str) -> int:
        return ord(mark) if mark else NONE

    return Grammar(octet(delimiter), octet(quote), octet(escape), comment.encode())


def grammar_of(dialect: Dialect) -> Grammar:
    return _grammar(*dialect.marks)


PLAIN_GRAMMAR = grammar_of(PLAIN)
