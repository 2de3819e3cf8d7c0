"""The messages that everybody scores: as many as wanted, all different, from the vocabulary of data/generate.

Files are kept in the work directory under a name that tells how they were made, and made only once.
"""

import csv
from pathlib import Path

from data.generate import stream

SEED = 1
_LINE_ENDS = str.maketrans("\r\n", "  ")


def messages(work: Path, rows: int, duplicates: float = 0.0) -> Path:
    """A CSV file of `message_id,text`: the median text has 76 bytes of UTF-8, one in a hundred 490, the longest 930.

    `duplicates` is the fraction of texts that came before. Line ends inside a text become spaces, so that a record is
    a line: half of the contestants split a file at any line end. Commas and quotes stay, quoted as RFC 4180 says.
    """
    name = f"messages-{rows}" + (f"-duplicates-{duplicates:g}" if duplicates else "")
    path = work / f"{name}.csv"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("message_id", "text"))
            writer.writerows(
                (message.message_id, message.text.translate(_LINE_ENDS)) for message in stream(rows, SEED, duplicates)
            )
        partial.rename(path)
    return path


def blanks(work: Path, rows: int) -> Path:
    """A CSV file whose texts are one letter each: next to nothing to read; what is left is the control plane."""
    path = work / f"blanks-{rows}.csv"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("w", encoding="utf-8") as file:
            file.write("message_id,text\n")
            file.writelines(f"m{ordinal + 1:06d},x\n" for ordinal in range(rows))
        partial.rename(path)
    return path
