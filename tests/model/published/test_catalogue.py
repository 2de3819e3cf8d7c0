"""What comes out of a publisher's archive: the messages that were published, or an error that says what is there."""

import struct

import pytest

from model.errors import ModelError
from model.published import archives, catalogue
from model.published.catalogue import SMS, YOUTUBE
from tests.model.published.conftest import comments, holding, zipped

VIDEOS = [
    [("Check out my channel\ufeff", "1"), ('a song, and "what" a song', "0")],
    [("two\nlines", "0"), ("&lt;3 it&#39;s good<br />\ufeff", "0")],
    [("  blanks\u00a0", "1")],
    [("무료 \udcff\udcfe", "1")],
    [("", "0"), ("\ufeff in the middle\ufeff ", "0")],
]
LABELS = [True, False, False, False, True, True, False, False]
TEXTS = [
    b"Check out my channel", b'a song, and "what" a song', b"two\nlines", b"&lt;3 it&#39;s good<br />",
    "  blanks\u00a0".encode(), "무료 ".encode() + b"\xff\xfe", b"", "\ufeff in the middle\ufeff ".encode(),
]  # fmt: skip


def youtube(prefix: str = "", start: bytes = b"") -> dict[str, bytes]:
    members = {prefix + name: start + comments(rows) for name, rows in zip(YOUTUBE.members, VIDEOS, strict=True)}
    return members | {f"{prefix}__MACOSX/._{name}": b"\x00\x05\x16\x07" for name in YOUTUBE.members}


def test_comments_come_as_they_were_published_but_for_the_mark_at_their_end() -> None:
    """The mark is a trace of how they were collected: no live comment has it, and a model would learn it."""
    data = catalogue.messages(holding(YOUTUBE, LABELS, TEXTS), zipped(youtube()))
    assert data.labels.tolist() == LABELS
    assert data.texts.tolist() == TEXTS


@pytest.mark.parametrize(
    ("prefix", "start"), [("YouTube-Spam-Collection-v1/", b""), ("../../", b"\xef\xbb\xbf"), ("/etc/", b"\n")]
)
def test_folders_of_the_archive_and_what_a_spreadsheet_adds_change_nothing(prefix: str, start: bytes) -> None:
    data = catalogue.messages(holding(YOUTUBE, LABELS, TEXTS), zipped(youtube(prefix, start)))
    assert data.texts.tolist() == TEXTS


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_messages_come_as_they_were_published(end: bytes) -> None:
    lines = [b'ham\thello, "you"', b"spam\tFREE\ttabs \xff", b"ham\t"]
    archive = zipped({"readme": b"about", "SMSSpamCollection": end.join(lines) + end})
    texts = [b'hello, "you"', b"FREE\ttabs \xff", b""]
    data = catalogue.messages(holding(SMS, [False, True, False], texts), archive)
    assert data.texts.tolist() == texts
    assert data.labels.tolist() == [False, True, False]


def test_one_other_message_and_it_is_not_what_was_published() -> None:
    members = youtube()
    members["Youtube03-LMFAO.csv"] = comments([("  blanks", "1")])
    with pytest.raises(ModelError, match="not the YouTube Spam Collection that was published: messages 8, spam 3, "):
        catalogue.messages(holding(YOUTUBE, LABELS, TEXTS), zipped(members))
    with pytest.raises(ModelError, match="published 5,574, 747, 7d039a24"):
        catalogue.messages(SMS, zipped({"SMSSpamCollection": b"ham\thello\n"}))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"COMMENT_ID,AUTHOR,DATE,CONTENT,TAG\nz,a,d,c,1\n", "Youtube02-KatyPerry.csv in the archive has no columns"),
        (b"", "has no columns CONTENT and CLASS"),
        (comments([("a", "0"), ("b", "spam")]), "line 3: CLASS is neither 0 nor 1"),
        (b"CONTENT,CLASS\na,1\nb\n", "line 3: CLASS is neither 0 nor 1"),
        (b'CONTENT,CLASS\n"a,1\n', "Youtube02-KatyPerry.csv in the archive, line 2: unexpected end of data"),
    ],
)
def test_a_file_of_another_form_is_named_with_its_line(content: bytes, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        catalogue.messages(YOUTUBE, zipped(youtube() | {"Youtube02-KatyPerry.csv": content}))


def test_a_line_without_a_label_is_named() -> None:
    with pytest.raises(ModelError, match="SMSSpamCollection in the archive, line 2: it begins with 'spma'"):
        catalogue.messages(SMS, zipped({"SMSSpamCollection": b"ham\ta\nspma\tb\n"}))


def encrypted() -> bytes:
    """The flag alone makes the reader ask for a password."""
    content = bytearray(zipped({"SMSSpamCollection": b"ham\thello\n"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", content, content.index(mark) + place, 1)
    return bytes(content)


def damaged() -> bytes:
    content = bytearray(zipped({"SMSSpamCollection": bytes(range(256)) * 9}))
    content[60] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    ("archive", "complaint"),
    [
        (b"", "not a zip archive with SMSSpamCollection in it"),
        (b"<html>not found</html>", "not a zip archive with SMSSpamCollection in it"),
        (zipped({"SMSSpamCollection": b"ham\thello\n"})[:-30], "not a zip archive"),
        (encrypted(), "not a zip archive with SMSSpamCollection in it: .*encrypted"),
        (damaged(), "not a zip archive"),
        (zipped({"other": b"x"}), "the archive has no SMSSpamCollection in it"),
        (zipped({"SMSSpamCollection/": b""}), "the archive has no SMSSpamCollection in it"),
        (zipped({"a/SMSSpamCollection": b"", "b/SMSSpamCollection": b""}), "the archive has 2 SMSSpamCollection in it"),
    ],
)
def test_another_file_in_its_place_is_said_to_be_none(archive: bytes, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        catalogue.messages(SMS, archive)


def test_an_archive_that_swells_when_it_is_unpacked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_BYTES", 1_000_000)
    archive = zipped({"SMSSpamCollection": bytes(1_000_001)})
    assert len(archive) < 2_000
    with pytest.raises(ModelError, match="SMSSpamCollection in the archive has more than 1,000,000 bytes"):
        catalogue.messages(SMS, archive)
