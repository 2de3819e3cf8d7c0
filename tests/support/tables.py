"""CSV files, read and written without anything of ours."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path


def read(path: Path) -> list[dict[str, str]]:
    """The rows; bytes that are not UTF-8 are surrogates."""
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as lines:
        return list(csv.DictReader(lines))


def csv_bytes(rows: Sequence[Sequence[str | bytes]]) -> bytes:
    """Rows of strings, or of bytes that are taken as they are."""
    lines = []
    for row in rows:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(
            [cell.decode("latin-1") if isinstance(cell, bytes) else cell.encode().decode("latin-1") for cell in row]
        )
        lines.append(text.getvalue().encode("latin-1"))
    return b"".join(lines)
