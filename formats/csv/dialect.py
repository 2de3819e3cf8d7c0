"""A dialect of CSV: how the bytes of a file are to be read. The default is RFC 4180 in UTF-8, with a header."""

import codecs
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

from formats.errors import InputError

UTF8 = "utf-8"
NAMED = {"tab": "\t", "\\t": "\t", "space": " ", "none": ""}  # how people write what a shell makes hard to type

# Python's codecs in which most bytes below 0x40 are those characters of ASCII and never a part of another: a file can
# be cut at its quotes, delimiters and line ends without being decoded. tests/formats/test_csv_encodings.py tries all.
_SINGLE = (
    "iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11 "
    "iso8859-13 iso8859-14 iso8859-15 iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 "
    "cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp865 cp866 cp869 cp874 koi8-r "
    "koi8-u koi8-t kz1048 mac-roman mac-cyrillic mac-greek mac-latin2 mac-turkish mac-iceland tis-620 ascii"
)
_MULTIPLE = "gb18030 gbk gb2312 big5 big5hkscs cp950 cp949 euc_kr euc_jp euc_jis_2004 euc_jisx0213 cp932 shift_jis"
# A later byte of a character of the latter is a digit (GB18030 has such) or at least 0x40.
_FIRST_DIGIT, _BEHIND_DIGITS, _FIRST_TRAILING = 0x30, 0x3A, 0x40
# Codecs of other things than texts.
_NO_TEXT = frozenset(("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"))


def _canonical(names: str) -> frozenset[str]:
    return frozenset(codecs.lookup(name).name for name in names.split())


SINGLE_BYTE = _canonical(_SINGLE)
MULTI_BYTE = _canonical(_MULTIPLE)


@dataclass(frozen=True)
class Dialect:
    """Each field is an option of the same name. Raises InputError for what is no dialect."""

    delimiter: str = ","  # one character of ASCII
    quote: str = '"'  # empty: nothing is quoted
    escape: str = ""  # takes the meaning from the character behind it; empty: none does
    encoding: str = UTF8  # as Python names its codec
    header: bool = True  # whether the first record has the columns' names
    columns: tuple[str, ...] = ()  # their names, where there is no header; by default they are 1, 2, ...
    skip_lines: int = 0  # before the header
    comment: str = ""  # a line that begins with it is no record; empty: none is
    rest: str = ""  # the last column: surplus fields belong to it

    def __post_init__(self) -> None:
        for name in ("delimiter", "quote", "escape"):
            text = getattr(self, name)
            text = NAMED.get(text, text)
            object.__setattr__(self, name, text)
            if text and (len(text) > 1 or not text.isascii() or text.isalnum() or text in "\r\n\0"):
                raise InputError(f"--{name} is one character of ASCII, neither a letter, a digit nor a line end")
        if not self.delimiter:
            raise InputError("--delimiter is one character: without it a file has one column, which any other gives")
        if len({self.delimiter, self.quote, self.escape} - {""}) < 1 + bool(self.quote) + bool(self.escape):
            raise InputError("--delimiter, --quote and --escape are different characters")
        comment = self.comment
        if comment and (not comment.isascii() or not comment.isprintable() or comment == self.quote):
            raise InputError("--comment is what such lines begin with: characters of ASCII, and not a quote")
        if self.skip_lines < 0:
            raise InputError("--skip-lines is a number of lines")
        object.__setattr__(self, "encoding", codec(self.encoding))
        object.__setattr__(self, "columns", tuple(self.columns))
        if self.columns and self.header:
            object.__setattr__(self, "header", False)

    @cached_property
    def is_plain(self) -> bool:
        """Whether it is the default."""
        return self == Dialect()

    @property
    def encoding_name(self) -> str:
        """For people."""
        return self.encoding.replace("cp125", "windows-125").replace("utf-", "UTF-").replace("iso8859", "ISO-8859")

    @cached_property
    def marks(self) -> tuple[str, str, str, str]:
        """What tells where records end and which fields they have."""
        return self.delimiter, self.quote, self.escape, self.comment

    @cached_property
    def in_place(self) -> bool:
        """Whether a file of it can be cut into records without being decoded. If not, it is copied to UTF-8 first."""
        if self.encoding == UTF8 or self.encoding in SINGLE_BYTE:
            return True
        return self.encoding in MULTI_BYTE and all(
            mark < _FIRST_DIGIT or _BEHIND_DIGITS <= mark < _FIRST_TRAILING for mark in "".join(self.marks).encode()
        )

    @property
    def copied(self) -> "Dialect":
        """That of a plain copy."""
        return self if self.in_place else replace(self, encoding=UTF8)

    def to_dict(self) -> dict[str, Any]:
        """What differs from the default, as JSON."""
        said = asdict(self)
        default = asdict(Dialect())
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in said.items()
            if value != default[name]
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Raises InputError, TypeError, ValueError for what `to_dict` did not make: it may come from elsewhere."""
        kinds = {field.name: type(field.default) for field in fields(cls)}
        values: dict[str, Any] = {
            name: tuple(value) if kinds.get(name) is tuple else value for name, value in content.items()
        }
        for name, value in values.items():
            if type(value) is not kinds.get(name, type(value)):
                raise TypeError(f"{name} is no {kinds[name].__name__}")
        if not all(isinstance(name, str) for name in values.get("columns", ())):
            raise TypeError("the columns' names are texts")
        return cls(**values)

    def __str__(self) -> str:
        """For people: `';', cp1252, with a header`."""
        parts = [f"{self.delimiter!r} between fields", self.encoding_name]
        if self.quote != '"':
            parts.append(f"{self.quote!r} as quote" if self.quote else "no quotes")
        if self.escape:
            parts.append(f"{self.escape!r} as escape")
        if self.skip_lines:
            parts.append(f"{self.skip_lines} line{'s' if self.skip_lines > 1 else ''} skipped")
        if self.comment:
            parts.append(f"comments behind {self.comment!r}")
        parts.append("with a header" if self.header else "without a header")
        if self.rest:
            parts.append(f"surplus fields in {self.rest!r}")
        return ", ".join(parts)


def codec(name: str) -> str:
    """Python's name of a text encoding. Raises InputError for one that is not known."""
    try:
        found = codecs.lookup(name)
        if not getattr(found, "_is_text_encoding", True) or found.name in _NO_TEXT:
            raise LookupError
    except (LookupError, ValueError, UnicodeError):
        raise InputError(f"--encoding {name[:40]!r} is none that Python knows") from None
    return {"utf-8-sig": UTF8}.get(found.name, found.name)


PLAIN = Dialect()
