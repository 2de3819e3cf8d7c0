"""Labelled messages: reading them from files, and fetching the SMS Spam Collection from its public home."""

import csv
import hashlib
import io
import urllib.request
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from formats.files import safe
from model.errors import ModelError

# SMS Spam Collection v.1 (Almeida and Gómez Hidalgo, 2011), UCI Machine Learning Repository, DOI 10.24432/C5CC84;
# CC BY 4.0.
SMS_URL = "https://archive.ics.uci.edu/static/public/228/sms+spam+collection.zip"
SMS_MEMBER = "SMSSpamCollection"
SMS_SHA256 = "7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d"
_MAX_BYTES = 50_000_000  # a hundred times the corpus: neither a download nor a zip may fill the memory

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


def fetch(destination: Path, url: str = SMS_URL) -> None:
    """Download the SMS Spam Collection and write its messages to `destination`, once their sha256 is right."""
    if not url.startswith("https://"):
        raise ModelError(f"{url} is not https")
    try:
        with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310 (https, checked above)
            archive = response.read(_MAX_BYTES)
    except OSError as error:
        raise ModelError(f"cannot fetch {url}: {error}") from None
    content = unpack(archive)
    with safe.replacing(destination) as file:
        file.write(content)


def unpack(archive: bytes, sha256: str = SMS_SHA256) -> bytes:
    """Return the bytes of the messages inside the zip `archive`; ModelError if missing or not the expected ones."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened, opened.open(SMS_MEMBER) as member:
            content = member.read(_MAX_BYTES)
    except (zipfile.BadZipFile, KeyError):
        raise ModelError(f"not a zip archive with {SMS_MEMBER} in it") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ModelError(f"{SMS_MEMBER} has sha256 {found}, not {sha256}: it is not the published corpus")
    return content
