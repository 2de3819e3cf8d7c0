"""The public collections that `model corpus` knows: where they are, what they hold, whose they are."""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from model import corpus
from model.corpus import Labelled
from model.errors import ModelError
from model.published import archives

_UCI = "https://archive.ics.uci.edu/static/public"
_MARK = "\ufeff"  # ends 875 of 951 ham and 673 of 1,005 spam: a trace of the collecting, which would tell them apart


class Collection(NamedTuple):
    """A corpus, as published."""

    name: str
    title: str
    about: str
    url: str  # of its zip archive
    members: tuple[str, ...]  # the files of the archive that have the messages
    read: Callable[[str, bytes], Iterator[tuple[bool, str]]]  # (a member's name, its content) to (is spam, text)
    messages: int
    spam: int
    sha256: str  # of its messages as `label<TAB>message` lines
    licence: str
    citation: str

    @property
    def archive(self) -> str:
        return self.url.rpartition("/")[2]


def messages(collection: Collection, archive: bytes) -> Labelled:
    """What the published archive holds, in its order. Raises ModelError if it is another archive."""
    contents = archives.members(archive, collection.members)
    found = [
        row
        for name, content in zip(collection.members, contents, strict=True)
        for row in collection.read(name, content)
    ]
    texts = np.array([text.encode("utf-8", "surrogateescape") for _, text in found], dtype=object)
    data = Labelled(texts, np.array([spam for spam, _ in found], dtype=bool))
    digest = hashlib.sha256(corpus.as_lines(data)).hexdigest()
    if digest != collection.sha256:
        raise ModelError(
            f"the archive is not the {collection.title} that was published: messages {len(found):,}, spam "
            f"{data.labels.sum():,}, sha256 {digest}; published {collection.messages:,}, {collection.spam:,}, "
            f"{collection.sha256}"
        )
    return data


def lines_of_label_and_text(name: str, content: bytes) -> Iterator[tuple[bool, str]]:
    """`ham<TAB>message` lines without header or quoting, as the SMS Spam Collection has them."""
    lines = content.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").removesuffix("\n").split("\n")
    for number, line in enumerate(lines, 1):
        label, tab, text = line.partition("\t")
        if label not in ("ham", "spam") or not tab:
            raise ModelError(
                f"{name} in the archive, line {number}: it begins with {label[:20]!r}, not with ham or spam"
            )
        yield label == "spam", text


def csv_of_comments(name: str, content: bytes) -> Iterator[tuple[bool, str]]:
    """CSV with a header that has CONTENT and CLASS, 1 for spam, as the YouTube Spam Collection has it."""
    text = content.decode("utf-8-sig", "surrogateescape").lstrip("\r\n")
    records = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        if not {"CONTENT", "CLASS"} <= set(records.fieldnames or ()):
            raise ModelError(f"{name} in the archive has no columns CONTENT and CLASS")
        for record in records:
            if record["CLASS"] not in ("0", "1"):
                raise ModelError(f"{name} in the archive, line {records.line_num}: CLASS is neither 0 nor 1")
            yield record["CLASS"] == "1", (record["CONTENT"] or "").removesuffix(_MARK)
    except csv.Error as error:
        raise ModelError(f"{name} in the archive, line {records.reader.line_num}: {error}") from None


SMS = Collection(
    name="sms",
    title="SMS Spam Collection",
    about="English SMS, most of them British or Singaporean",
    url=f"{_UCI}/228/sms+spam+collection.zip",
    members=("SMSSpamCollection",),
    read=lines_of_label_and_text,
    messages=5574,
    spam=747,
    sha256="7d039a24a6083ed9ef0f806ebad56bbb976e3aeb8de05669173bfdc4996c239d",
    licence="CC BY 4.0",
    citation="T. A. Almeida and J. M. Gómez Hidalgo (2011). SMS Spam Collection. UCI Machine Learning Repository. "
    "https://doi.org/10.24432/C5CC84",
)

YOUTUBE = Collection(
    name="youtube",
    title="YouTube Spam Collection",
    about="YouTube comments of 2013 to 2015, on five music videos",
    url=f"{_UCI}/380/youtube+spam+collection.zip",
    members=(
        "Youtube01-Psy.csv",
        "Youtube02-KatyPerry.csv",
        "Youtube03-LMFAO.csv",
        "Youtube04-Eminem.csv",
        "Youtube05-Shakira.csv",
    ),
    read=csv_of_comments,
    messages=1956,
    spam=1005,
    sha256="5e11457382bd182d71e2d681fc6b578beedde1024ccb23076a4f04a9fd2e1082",
    licence="CC BY 4.0",
    citation="T. C. Alberto, J. V. Lochter and T. A. Almeida (2015). YouTube Spam Collection. UCI Machine Learning "
    "Repository. https://doi.org/10.24432/C58885",
)

COLLECTIONS = {each.name: each for each in (SMS, YOUTUBE)}
