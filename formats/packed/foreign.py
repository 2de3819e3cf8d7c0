"""Formats of which one knows how they begin and that are no table of text, each with a way out."""

import re

_TABLE = "read it with pandas or pyarrow, and write it as CSV"
_PDF = b"%PDF-"
_UNPACK = "unpack it, and give the file that is in it"

# (where, the first bytes, what it is, the way out). What begins with letters is a text as well: it has to go on binary.
_KNOWN: list[tuple[int, bytes, str, str]] = [
    (0, b"PAR1", "a Parquet file", _TABLE),
    (0, b"PARE", "an encrypted Parquet file", _TABLE),
    (0, b"ARROW1", "an Arrow file (Feather)", _TABLE),
    (0, b"FEA1", "a Feather file", _TABLE),
    (0, b"\xff\xff\xff\xff", "an Arrow stream", _TABLE),
    (0, b"Obj\x01", "an Avro file", "read it with fastavro, and write it as CSV"),
    (0, b"ORC", "an ORC file", _TABLE),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", _TABLE),
    (0, b"\x93NUMPY", "a NumPy array", "write it as CSV with numpy.savetxt"),
    (0, b"SQLite format 3\x00", "an SQLite database", "export a table: sqlite3 -csv -header …"),
    (8, b"DUCK", "a DuckDB database", "export a table: COPY … TO 'FILE.csv'"),
    (4, b"Standard Jet DB", "an Access database", "export a table as CSV"),
    (4, b"Standard ACE DB", "an Access database", "export a table as CSV"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old kind (.xls), or another old Office document",
     "save it as CSV"),
    (0, _PDF, "a PDF", "it has no table that can be read; ask for a CSV"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a rar archive", _UNPACK),
    (0, b"\x1f\x9d", "packed by compress (.Z)", "unpack it with gzip -d"),
    (0, b"LZIP\x01", "packed by lzip", _UNPACK),
    (0, b"\x89LZO\x00\r\n\x1a\n", "packed by lzop", _UNPACK),
    (0, b"\x5d\x00\x00", "packed as .lzma, the older kind of xz", "unpack it with xz -d"),
    (0, b"\xff\x06\x00\x00sNaPpY", "packed by snappy", _UNPACK),
    (0, b"\x02\x21\x4c\x18", "packed by lz4 in its old format", "unpack it with lz4 -d"),
]  # fmt: skip
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LOOKED_AT = 256  # bytes
_TAR_BLOCK = 512


def foreign_format(head: bytes) -> str:
    """What it is and the way out, if it is one of these; else empty. `head` has the first 512 bytes, if there are so
    many."""
    for where, magic, what, way_out in _KNOWN:
        if head.startswith(magic, where) and (is_binary(head) or not magic.isascii() or magic == _PDF):
            return f"{what}: {way_out}"
    if _PICKLE.match(head):
        return "a Python pickle, which is a program: have whoever made it write it as CSV"
    if is_tar(head):
        return f"a tar archive: {_UNPACK}"
    return ""


def is_binary(head: bytes) -> bool:
    """Whether it has signs near its beginning that no text has: `PAR1,PAR2` is a header."""
    return _NO_TEXT.search(head[:_LOOKED_AT]) is not None


def is_tar(head: bytes) -> bool:
    """By the checksum of its first header, which tar archives of all kinds have: the sum of its bytes, with blanks for
    those of the sum itself."""
    block = head[:_TAR_BLOCK]
    if len(block) < _TAR_BLOCK or not block[0]:
        return False
    digits = block[148:156].strip(b" \x00")
    if not re.fullmatch(rb"[0-7]{1,7}", digits):
        return False
    return int(digits, 8) == sum(block[:148]) + 8 * 0x20 + sum(block[156:])
