"""Labelled files as people have them, and the public corpus with its checksum."""

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from model import corpus
from model.errors import ModelError


def read(tmp_path: Path, content: bytes) -> list[tuple[bool, bytes]]:
    path = tmp_path / "file"
    path.write_bytes(content)
    data = corpus.read([path])
    return list(zip(data.labels.tolist(), data.texts.tolist(), strict=True))


def test_csv_with_a_header_in_any_column_order(tmp_path: Path) -> None:
    content = '\ufefftext,language,label\r\n"Hi, ""you""\nthere",en,ham\r\n무료,ko,1\r\n'.encode()
    assert read(tmp_path, content) == [(False, b'Hi, "you"\nthere'), (True, "무료".encode())]


def test_tab_separated_lines_have_no_quoting_and_no_header(tmp_path: Path) -> None:
    content = b'ham\t"Go, now\nspam\tFREE\ttabs\xff\r\n'
    assert read(tmp_path, content) == [(False, b'"Go, now'), (True, b"FREE\ttabs\xff")]


def test_several_files_are_one_corpus(tmp_path: Path) -> None:
    one, two = tmp_path / "one.tsv", tmp_path / "two.csv"
    one.write_text("ham\ta\n")
    two.write_text("label,text\nspam,b\n")
    assert corpus.read([one, two]).texts.tolist() == [b"a", b"b"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"label,text\nham,a\nmaybe,b\n", "line 3: the label is 'maybe', not ham or spam"),
        (b"ham\ta\nspma\tb\n", "line 2: the label is 'spma'"),
        (b"kind,text\nham,a\n", "has no column label in its header"),
        (b"label,text\n", "no labelled messages in"),
        (b"", "has no column label and no column text in its header"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        read(tmp_path, content)


def archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return file.getvalue()


def test_the_published_archive_is_unpacked_if_its_sum_is_right() -> None:
    content = b"ham\thello\nspam\tFREE\n"
    zipped = archive(readme=b"about", SMSSpamCollection=content)
    assert corpus.unpack(zipped, hashlib.sha256(content).hexdigest()) == content
    with pytest.raises(ModelError, match="it is not the published corpus"):
        corpus.unpack(zipped)


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", archive(other=b"x")])
def test_another_file_in_its_place_is_an_error(data: bytes) -> None:
    with pytest.raises(ModelError, match="not a zip archive with SMSSpamCollection in it"):
        corpus.unpack(data)


def test_the_corpus_is_fetched_over_https_only(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not https"):
        corpus.fetch(tmp_path / "corpus.tsv", "http://example.com/corpus.zip")
    assert list(tmp_path.iterdir()) == []
