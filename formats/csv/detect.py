"""In which dialect a file is, found from its beginning by plain rules; what they leave in doubt is asked, not guessed.

- *Encoding*: a BOM says it; zero bytes at every second place are UTF-16; else it is UTF-8 if most of what is not ASCII
  is valid so. What is not is windows-1252 if its letters beyond ASCII stand alone among others, as in words of western
  languages; where they come in runs it may be any of several, and is asked.
- *Delimiter*: the one of `,` `;` tab `|` that cuts every record into the same number of fields, two at least. A comma,
  if none does. One that is rarer, or two that do, are asked.
- *Header*: the first record is one, unless it looks like all others: it has numbers or dates where they have them, or
  one of its texts comes again below it.
- Lines that begin with # and have another number of fields than all others are comments; those of several fields below
  the first record may be texts, and are asked. `sep=;` says the delimiter.
- A backslash before a quote is asked, if it may be an escape or not.
- Quotes of another kind, escapes and titles before the header are asked, if only they make sense of the file.

What somebody has said is never looked for.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from formats.csv.dialect import Dialect
from formats.csv.encoding import MOSTLY, InDoubtError, decoded, encoding_of
from formats.csv.header import has_header
from formats.csv.sample import Sample, lines_of, sample_of
from formats.shown import cut

HEAD_BYTES = 256 << 10  # of the file, that are looked at
COMMON = ",;\t|"
RARE = ":^~`#&"
_SEP = re.compile(r'"?sep=(?P<mark>[^\r\n"])"?\r?\n?')


@dataclass(frozen=True)
class Way:
    """One way to read the sample."""

    dialect: Dialect
    sample: Sample

    @property
    def fits(self) -> bool:
        """Whether all records have the same number of fields, two at least."""
        return self.sample.fields > 1 and self.sample.share == 1 and not self.sample.broken

    @property
    def is_likely(self) -> bool:
        """Whether it makes some sense of the sample."""
        records = self.sample.records
        return self.sample.fields > 1 and self.sample.share >= 0.5 and len(records[0]) > 1

    @property
    def is_one_column(self) -> bool:
        """Whether each record is one field: its delimiter is in none."""
        return self.sample.fields == 1 and self.sample.share == 1 and not self.sample.broken

    def reads_as(self, other: "Way") -> bool:
        return self.sample.records == other.sample.records

    @property
    def hides_quotes(self) -> bool:
        """Whether cells look quoted by what is no quote in it."""
        cells = (cell for record in self.sample.records for cell in record if len(cell) > 3)
        return any(cell[0] == cell[-1] == "'" and re.search(r"''|\\'", cell[1:-1]) for cell in cells)


def detect(name: object, head: bytes, whole: bool, said: Mapping[str, Any]) -> Dialect:
    """The dialect of a file that begins with `head`, which is all of it if `whole`; `said` are the options that
    somebody gave, by the fields of Dialect. Raises InDoubtError; InputError for an option that is none."""
    encoding = Dialect(encoding=said["encoding"]).encoding if "encoding" in said else encoding_of(name, head, whole)
    text = decoded(name, head, encoding, whole)
    fixed = {**said, "encoding": encoding}
    sep = _SEP.match(text)
    if sep and "skip_lines" not in said and sep["mark"] == fixed.setdefault("delimiter", sep["mark"]):
        fixed["skip_lines"] = 1
    asked = Dialect(**fixed)
    chosen = _best(name, _ways(text, whole, asked, fixed))
    if not chosen.fits:
        chosen = _otherwise(name, text, whole, chosen, fixed)
    if "quote" not in fixed and chosen.fits and chosen.hides_quotes:
        escape = {} if "escape" in fixed or "\\'" not in text else {"escape": "\\"}
        quoted = _with(chosen.dialect, quote="'", **escape)
        both = [Way(quoted, sample_of(text, quoted, whole)), chosen]
        raise InDoubtError(f"{name}: its quotes are in doubt: {_choices(both)}")
    if "escape" not in fixed and (escaped := _escaped(chosen, text, whole)):
        raise InDoubtError(f"{name}: its backslashes are in doubt: {_choices([escaped, chosen])}")
    dialect = chosen.dialect
    if "comment" not in fixed and dialect.comment == "" and chosen.sample.begins_with("#"):
        raise InDoubtError(
            f"{name}: its first line may be a comment (--comment '#') or not (--comment ''): {shown(chosen.sample)}"
        )
    if "header" in said or "columns" in said:
        return dialect
    header = has_header(chosen.sample.records)
    if header is None:
        raise InDoubtError(
            f"{name}: its first record may be the header (--header) or not (--no-header): {shown(chosen.sample)}"
        )
    return _with(dialect, header=header)


def _with(dialect: Dialect, **changes: Any) -> Dialect:
    return Dialect.from_dict({**dialect.to_dict(), **changes})


def _delimited(asked: Dialect, fixed: Mapping[str, Any], marks: str) -> list[Dialect]:
    if "delimiter" in fixed:
        return [asked]
    return [_with(asked, delimiter=mark) for mark in marks if mark not in (asked.quote, asked.escape)]


def _best(name: object, ways: Sequence[Way]) -> Way:
    """By the delimiter. Raises InDoubtError."""
    first = ways[0]
    fitting = [way for way in ways if way.fits]
    if len(fitting) > 1:
        raise InDoubtError(f"{name}: its delimiter is in doubt: {_choices(fitting)}")
    if fitting:
        return fitting[0]
    mostly = [way for way in ways if way.sample.fields > 1 and way.sample.share >= MOSTLY and way.sample.heads]
    if first in mostly or len(mostly) != 1:
        return first
    return mostly[0]


def _otherwise(name: object, text: str, whole: bool, chosen: Way, fixed: Mapping[str, Any]) -> Way:
    """Where no delimiter alone makes sense of all records. Raises InDoubtError."""
    asked, plain = Dialect(**fixed), chosen.sample
    may_have_comments = "comment" not in fixed and re.search(r"(?:\A|[\r\n])#", text)
    if may_have_comments:
        fitting = [way for way in _ways(text, whole, _with(asked, comment="#"), fixed) if way.fits]
        if len(fitting) == 1:
            if lost := _like_a_record(text, fitting[0].dialect):
                raise InDoubtError(
                    f"{name}: its lines that begin with '#' may be comments (--comment '#') or records (--comment ''), "
                    f"such as {lost[:60]!a}"
                )
            return fitting[0]
    sound = plain.share >= MOSTLY and plain.fields > 1 and plain.heads
    if sound and not plain.broken:
        return chosen  # what is wrong with some records is said of each
    unusual = _unusual(text, whole, asked, fixed)
    found = [way for way in unusual if way.fits and len(way.sample.records) > 1]
    if found and (len(found[0].sample.records) > len(plain.records) or not sound):
        raise InDoubtError(
            f"{name}: with {chosen.dialect.delimiter!r} between fields, not all of its records can be read: "
            f"{_choices(found)}"
        )
    if plain.fields < 2 and "delimiter" not in fixed:
        likely = [*_ways(text, whole, asked, fixed), *unusual]
        if may_have_comments:
            likely = [max(way, _commented(way, text, whole), key=lambda each: each.sample.share) for way in likely]
        one = plain.share < 1 and [*map(len, plain.records[:1])] == [1]  # a column's name above texts with commas
        likely = [way for way in likely if way.is_likely or (one and way.is_one_column)]
        several = [each for at, each in enumerate(likely) if not any(map(each.reads_as, likely[:at]))]
        if several:
            raise InDoubtError(f"{name}: its delimiter is in doubt: {_choices([*several[:2], chosen])}")
    return chosen


def _ways(text: str, whole: bool, asked: Dialect, fixed: Mapping[str, Any], marks: str = COMMON) -> list[Way]:
    """By delimiters."""
    return [Way(each, sample_of(text, each, whole)) for each in _delimited(asked, fixed, marks)]


def _unusual(text: str, whole: bool, asked: Dialect, fixed: Mapping[str, Any]) -> list[Way]:
    """What somebody would have to ask for, as little as possible: what fits comes with nothing behind it."""
    steps: list[dict[str, Any]] = [{}]
    if "escape" not in fixed and "\\" in text:
        steps.append({"escape": "\\"})
    if "quote" not in fixed and "'" in text:
        steps.append({"quote": "'"})
        if "escape" not in fixed and "\\'" in text:
            steps.append({"quote": "'", "escape": "\\"})
    ways: list[Way] = []
    for step in steps:
        here = _ways(text, whole, _with(asked, **step), fixed, COMMON if step else COMMON + RARE)
        if "skip_lines" not in fixed:
            titled = [(way.dialect, way.sample.title_lines) for way in here if way.dialect.delimiter in COMMON]
            skipped = [_with(dialect, skip_lines=lines) for dialect, lines in titled if lines]
            here += [Way(each, sample_of(text, each, whole)) for each in skipped]
        if any(way.fits for way in here):
            return here
        ways += here
    return ways


def _escaped(way: Way, text: str, whole: bool) -> Way | None:
    """Another way, if there are quotes behind backslashes that may have taken their meaning from them."""
    quote = way.dialect.quote
    if not quote or f"\\{quote}" not in text:
        return None
    dialect = _with(way.dialect, escape="\\")
    other = Way(dialect, sample_of(text, dialect, whole))
    fits = other.fits or (other.is_one_column and way.sample.fields == 1)
    return other if fits and other.sample.records != way.sample.records else None


def _like_a_record(text: str, dialect: Dialect) -> str:
    """A comment below the first record that has several fields, as a text with a hashtag at its beginning; or empty."""
    below = False
    for line in lines_of(text):
        if not line.startswith(dialect.comment):
            below = below or bool(line.strip())
        elif below and dialect.delimiter in line:
            return line.rstrip("\r\n")
    return ""


def _commented(way: Way, text: str, whole: bool) -> Way:
    dialect = _with(way.dialect, comment="#") if way.dialect.delimiter != "#" else way.dialect
    return Way(dialect, sample_of(text, dialect, whole))


def _choices(ways: Sequence[Way]) -> str:
    return "; or ".join(f"{option_text(way.dialect)} reads {shown(way.sample)}" for way in ways[:3])


def option_text(dialect: Dialect) -> str:
    """What to type for it."""
    words = []
    for name, value in dialect.to_dict().items():
        option = "--" + name.replace("_", "-")
        if name == "header":
            words.append("--no-header")
        elif name == "columns":
            words.append(f"{option} {_quoted(','.join(value))}")
        elif name != "encoding" or value not in ("cp1252", "utf-16", "utf-32"):
            words.append(f"{option} {'tab' if value == chr(9) else _quoted(str(value))}")
    return " ".join(words) or f"--delimiter , --quote {_quoted(dialect.quote)}"


def _quoted(text: str) -> str:
    return '"\'"' if text == "'" else shlex.quote(text)


def shown(sample: Sample) -> str:
    """Its first records, as they would be read, escaped and short."""
    return " / ".join(ascii(cut(record)) for record in sample.records[:3])
