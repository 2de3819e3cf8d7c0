"""Rewrites messages.csv and labelled.csv, and prints how many texts of each language and label they hold."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from data.generate import LabelledText, Message, labelled, messages

DATA = Path(__file__).parents[1]
MESSAGE_COLUMNS = Message._fields[:5]
LABELLED_COLUMNS = LabelledText._fields


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write RFC 4180 with LF line ends, in UTF-8, quoting only what needs it; of each row, the first columns."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(row[: len(columns)] for row in rows)


def table(rows: Iterable[Message | LabelledText]) -> str:
    """Return the Markdown table of how many rows there are by language and label."""
    counts = Counter((row.language, row.label) for row in rows)
    languages = dict.fromkeys(language for language, _ in sorted(counts, key=lambda key: (-counts[key], key)))
    lines = ["| language | ham | spam |", "| --- | ---: | ---: |"]
    lines += [f"| {code} | {counts[code, 'ham']:,} | {counts[code, 'spam']:,} |" for code in languages]
    ham, spam = (sum(counts[code, label] for code in languages) for label in ("ham", "spam"))
    return "\n".join([*lines, f"| all | {ham:,} | {spam:,} |"])


def write_samples(folder: Path) -> dict[str, str]:
    """Write both files into the folder, and return the table of each by the file's name."""
    night, training = list(messages()), list(labelled())
    write_csv(folder / "messages.csv", MESSAGE_COLUMNS, night)
    write_csv(folder / "labelled.csv", LABELLED_COLUMNS, training)
    return {"messages.csv": table(night), "labelled.csv": table(training)}


if __name__ == "__main__":
    for name, counts in write_samples(DATA).items():
        print(f"{name}\n\n{counts}\n")
