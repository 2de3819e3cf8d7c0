"""Labelled messages: reading them from files, and writing them."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from model.errors import ModelError

FEW = 20  # messages of a label; below, a user is warned

_LABELS = {"ham": False, "spam": True, "0": False, "1": True}


class Labelled(NamedTuple):
    """N messages and what they are."""

    texts: npt.NDArray[np.object_]  # [N] of bytes, as they stand in the file
    labels: npt.NDArray[np.bool_]  # [N], True for spam


def read(paths: Iterable[Path]) -> Labelled:
    """Read labelled files, one after the other.

    A file whose first line starts with a label and a tab is `label<TAB>message` lines without header or quoting, as the
    SMS Spam Collection is; any other is CSV with a header that names the columns `label` and `text`. Labels are ham or
    spam, or 0 or 1. Raises ModelError, naming file and line, for anything else.
    """
    texts: list[bytes] = []
    labels: list[bool] = []
    for path in paths:
        for line, label, text in _rows(path):
            if label.strip().lower() not in _LABELS:
                raise ModelError(f"{path}, line {line}: the label is {label[:40]!r}, not ham or spam (or 0 or 1)")
            labels.append(_LABELS[label.strip().lower()])
            texts.append(text.encode("utf-8", "surrogateescape"))
    if not texts:
        raise ModelError("no labelled messages in " + ", ".join(map(str, paths)))
    return Labelled(np.array(texts, dtype=object), np.array(labels))


def doubts(data: Labelled) -> list[str]:
    """What somebody who trains on these messages should know, in a line each. ModelError if all have one label."""
    spam = int(data.labels.sum())
    if spam in (0, len(data.labels)):
        many = len(data.labels)
        said = f"all {many} messages are" if many > 1 else "the only message is"
        raise ModelError(f"{said} {'spam' if spam else 'ham'}: a model learns from messages of both labels")
    found = []
    rarer = min(spam, len(data.labels) - spam)
    if rarer < FEW:
        found.append(
            f"warning: only {rarer} {'spam' if spam == rarer else 'ham'} message{'s' if rarer > 1 else ''}: the model, "
            "and what is said of it, hang on chance"
        )
    labels: dict[bytes, set[bool]] = {}
    texts = [text.lower() for text in data.texts]  # as the classifier reads them
    for text, label in zip(texts, data.labels, strict=True):
        labels.setdefault(text, set()).add(bool(label))
    both = [row for row, text in enumerate(texts) if len(labels[text]) > 1]
    if both:
        found.append(
            f"warning: {len(both)} messages have the same text as one with the other label (the first is message "
            f"{both[0] + 1}): scores of such texts go to the middle"
        )
    return found


def _rows(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield (line, label, text). Bytes that are not UTF-8 survive as surrogates."""
    content = _content(path)
    if _is_bare(content):
        for number, row in enumerate(content.removesuffix("\n").split("\n"), 1):
            label, _, text = row.removesuffix("\r").partition("\t")
            yield number, label, text
        return
    records = csv.DictReader(io.StringIO(content, newline=""))
    missing = {"label", "text"} - set(records.fieldnames or ())
    if missing:
        raise ModelError(f"{path} has no column {' and no column '.join(sorted(missing))} in its header")
    for record in records:
        yield records.line_num, record["label"] or "", record["text"] or ""


def column(paths: Iterable[Path], name: str) -> npt.NDArray[np.object_]:
    """The values (str; bytes that are not UTF-8 as surrogates) of another column of the same files, [N]: one for each
    message of `read`. Raises ModelError for a file that has no such column, as one without a header has none."""
    found: list[str] = []
    for path in paths:
        content = _content(path)
        records = None if _is_bare(content) else csv.DictReader(io.StringIO(content, newline=""))
        if records is None or name not in (records.fieldnames or ()):
            there = ", ".join(records.fieldnames or ()) if records else "it has no header"
            raise ModelError(f"{path} has no column {name!r} ({there})")
        found += [record[name] or "" for record in records]
    return np.array(found, dtype=object)


def _content(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from None


def _is_bare(content: str) -> bool:
    """Whether it is lines of a label, a tab and a message."""
    return content.split("\t", 1)[0].strip().lower() in _LABELS


def as_csv(data: Labelled) -> bytes:
    """The messages as CSV with the columns label and text, which `read` reads as they are, and so does the producer."""
    rows = "".join(f"{label},{_quoted(text)}\n" for label, text in _pairs(data))
    return b"label,text\n" + rows.encode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    """A cell of CSV. (Python's own writer leaves a lone carriage return bare, where readers then end the record.)"""
    return '"' + text.replace('"', '""') + '"' if any(each in text for each in ',"\r\n') else text


def as_lines(data: Labelled) -> bytes:
    """The messages as `label<TAB>message` lines: without quoting, so that only those without line ends can be read."""
    return "".join(f"{label}\t{text}\n" for label, text in _pairs(data)).encode("utf-8", "surrogateescape")


def _pairs(data: Labelled) -> Iterator[tuple[str, str]]:
    for text, is_spam in zip(data.texts, data.labels, strict=True):
        yield "spam" if is_spam else "ham", text.decode("utf-8", "surrogateescape")
