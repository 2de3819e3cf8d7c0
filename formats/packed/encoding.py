"""Which encodings a reader of ASCII delimiters can't read in place, and from them to UTF-8.

What is not valid in its encoding becomes something that is not valid in UTF-8, so that it is counted later, and takes
nothing along: a lone surrogate of UTF-16 or UTF-32 becomes the three bytes that would be its UTF-8; any other byte b
those of U+DC00 + b. A line end is never taken for a part of what is invalid. In ISO-2022 (RFC 1468, 1557) and HZ (RFC
1843) each line begins in ASCII: one whose escape is not closed spoils no other.
"""

import codecs

from formats.errors import InputError, NightshiftError

_BOMS = {  # the longer one first: that of UTF-16 begins that of UTF-32
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
BOMS = tuple(_BOMS)
_WIDE = {"utf-16": 2, "utf-16-le": 2, "utf-16-be": 2, "utf-32": 4, "utf-32-le": 4, "utf-32-be": 4}
# Of a line in these: Python's incremental decoders lose what follows an escape that is cut.
_LINE_BYTES = 8 << 20
_KOREAN, _DESIGNATION = "iso2022_kr", b"\x1b$)C"  # which stands in the first line alone (RFC 1557), and is for all
_NO_ENCODINGS = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem")
_PENDING_BYTES = 64 << 10  # of a character, or of a shifted text in UTF-7, that is not at its end
_LOOKED_AT = 1024  # bytes
_RULE = "nightshift.kept"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def canonical(encoding: str) -> str:
    """Python's name of it. Raises InputError if it has no such encoding of texts."""
    try:
        name = codecs.lookup(encoding).name
        b"a".decode(name, "replace")  # base64 and the like are codecs, and encode no text
    except (LookupError, ValueError, UnicodeError):
        name = ""
    if not name or name.replace("-", "_") in _NO_ENCODINGS:
        raise InputError(f"{encoding[:40]!r} is no encoding that is known here")
    return name


def wide_encoding(head: bytes) -> str:
    """UTF-16 or UTF-32, told by a BOM or by the zero bytes of ASCII signs in it; empty if it is neither. `head` is the
    file's beginning."""
    for bom, name in _BOMS.items():
        if head.startswith(bom):
            return name
    near = head[: min(len(head), _LOOKED_AT) // 4 * 4] or head
    zeros = [near[place::4].count(0) for place in range(4)]
    units = len(near) / 4
    if units < 1:
        return ""
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    for name, zero, others in (
        ("utf-32-le", min(zeros[2], zeros[3]), zeros[0]),
        ("utf-32-be", min(zeros[0], zeros[1]), zeros[3]),
    ):
        if zero > 0.9 * units and others * 4 <= zero:
            return name
    # A quarter of the units are ASCII signs, and few have a zero in their other half (as U+4E00 has).
    if odd * 2 >= units and even * 4 <= odd:
        return "utf-16-le"
    return "utf-16-be" if even * 2 >= units and odd * 4 <= even else ""


class NotInItError(NightshiftError):
    """The bytes are in another encoding than the one that was named."""


class Transcoder:
    """From an encoding to UTF-8, piece by piece, without the BOM. `head` is the beginning of what will be fed. Without
    a BOM `utf-16` is the one whose zero bytes are there, else the little-endian one, as `utf-32`.

    Raises InputError if there is no such encoding, NotInItError if the BOM is that of another.
    """

    def __init__(self, encoding: str, head: bytes) -> None:
        name = canonical(encoding)
        if name in _WIDE:
            name = _with_byte_order(name, head)
        self.encoding = name
        self._decoder = codecs.getincrementaldecoder(name)(_RULE)
        self._linewise = name == "hz" or name.startswith("iso2022")
        self._line = b""
        self._nel = _decoded(b"\x15\x25", name) == "\x85\n"  # EBCDIC: lines end in NEL as often as in LF
        self._first = True

    def feed(self, data: bytes, last: bool = False) -> bytes:
        """The UTF-8 of as much of it as is whole. Raises NotInItError."""
        text = self._lines(data, last) if self._linewise else self._pieces(data, last)
        if self._first and text:
            text, self._first = text.removeprefix("\ufeff"), False
        if self._nel:
            text = text.replace("\x85", "\n")
        return text.encode("utf-8", "surrogatepass")

    def _pieces(self, data: bytes, last: bool) -> str:
        text = self._decoder.decode(data, last)
        if len(self._decoder.getstate()[0]) > _PENDING_BYTES:  # UTF-7's is read again with each piece
            raise NotInItError(f"it is not {self.encoding}: there is a sequence without an end")
        return text

    def _lines(self, data: bytes, last: bool) -> str:
        *lines, rest = (self._line + data).split(b"\n")
        if len(rest) > _LINE_BYTES:
            raise NotInItError(f"a line of more than {_LINE_BYTES >> 20} MiB can't be read in {self.encoding}")
        begin = _DESIGNATION if self.encoding == _KOREAN else b""
        texts = [(begin + line + b"\n").decode(self.encoding, _RULE) for line in lines]
        if last:
            texts.append((begin + rest).decode(self.encoding, _RULE))
        self._line = b"" if last else rest
        return "".join(texts)


def _with_byte_order(name: str, head: bytes) -> str:
    family = name[:6]
    begins = next((each for bom, each in _BOMS.items() if head.startswith(bom) and each.startswith(family)), "")
    if name != family:
        if begins not in ("", name):
            raise NotInItError(f"it is not {name}: it begins with the BOM of {begins}")
        return name
    found = begins or wide_encoding(head)
    return found if found.startswith(family) else f"{family}-le"


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeError:
        return None


def _kept(error: UnicodeError) -> tuple[str, int]:
    """The rule above for one invalid place."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    if width := _WIDE.get(error.encoding):
        unit = int.from_bytes(bad, "big" if error.encoding.endswith("be") else "little")
        if len(bad) == width and 0xD800 <= unit < 0xE000:
            return chr(unit), error.end
        return "".join(chr(0xDC00 + byte) for byte in bad), error.end
    size = next((at for at, byte in enumerate(bad) if byte in b"\r\n"), len(bad))
    if error.encoding == "utf7" and size > 1 and bad[size - 1] not in _BASE64:
        size -= 1  # what ends a shifted text is a text itself
    if not size:
        return chr(bad[0]), error.start + 1
    return "".join(chr(0xDC00 + byte) for byte in bad[:size]), error.start + size


codecs.register_error(_RULE, _kept)
