"""From a file's encoding to UTF-8, without a character that is lost and without a mark that is moved."""

import codecs
from collections.abc import Iterator

from formats.csv.dialect import UTF8

KEEP = "nightshift.keep"  # the error handler: bytes that are no character stay what they are
PIECE_BYTES = 64 << 10  # decoded at once: what fits a processor's cache takes half of the time


def to_utf8(data: bytes | memoryview, encoding: str) -> bytes | memoryview:
    """Bytes that are not valid in the encoding stay as they are: then they are not valid UTF-8, and are counted as
    such. None of them takes a delimiter, a quote or a line end with it."""
    if encoding == UTF8:
        return data
    data = bytes(data)
    if data.isascii():  # the marks of every encoding that is read in place, and most of most texts
        return data
    return b"".join(
        piece if piece.isascii() else piece.decode(encoding, KEEP).encode(UTF8, "surrogateescape")
        for piece in _pieces(data)
    )


def _pieces(data: bytes) -> Iterator[bytes]:
    """Each to the end of a line: no character has a LF in it."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", at + PIECE_BYTES) + 1 or len(data)
        yield data[at:end]
        at = end


def _keep(error: UnicodeError) -> tuple[str, int]:
    """As `surrogateescape`, which gives up where a broken character takes a byte of ASCII with it."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    broken = error.object[error.start : error.end]
    return "".join(chr(octet if octet < 0x80 else 0xDC00 + octet) for octet in broken), error.end


codecs.register_error(KEEP, _keep)
