"""What a reject of the reader says for people."""

from formats.csv.quoting import Extent

MAX_RAW_BYTES = 64 << 10  # how much of a record_too_large its reject holds


def wrong_count(fields: int, wanted: int) -> str:
    """Of a record with so many fields, where the header has `wanted`."""
    return f"{fields} field{'' if fields == 1 else 's'}, the header has {wanted}"


def too_large(extent: Extent, start: int, limit: int) -> str:
    """Of a record that begins at file offset `start`, and is larger than `limit` bytes."""
    size = extent.end - start
    cut = f"; raw holds the first {MAX_RAW_BYTES}" if size > MAX_RAW_BYTES else ""
    return f"{size} bytes at byte offset {start}, the limit is {limit}{cut}"


def broken(extent: Extent, line: int) -> str:
    """Of a record whose quoting or line ends are broken; `line` is that of `extent.place`."""
    if extent.code == "stray_cr":
        return f"line {line} has a CR that is no line end: the lines of this file end in LF"
    if extent.code == "unclosed_quote":
        return f"the quote that opens on line {line} is never closed"
    return f"more text after the closing quote of the field that opens on line {line}"
