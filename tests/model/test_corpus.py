"""Labelled files as people have them, and as they are written."""

from pathlib import Path

import numpy as np
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


def test_what_is_written_is_read_as_it_was_whatever_is_in_it(tmp_path: Path) -> None:
    texts = [
        b'"Go", now\r\nor\nlater',
        b"",
        b"FREE\ttabs\xff",
        "무료\ufeff".encode(),
        b"\xef\xbb\xbf",
        b"ham\tx",
        b"a\x00b\r",
    ]
    labels = [False, True, True, False, True, False, True]
    data = corpus.Labelled(np.array(texts, dtype=object), np.array(labels))
    assert read(tmp_path, corpus.as_csv(data)) == list(zip(labels, texts, strict=True))


def test_lines_of_label_and_message_are_read_as_they_were(tmp_path: Path) -> None:
    texts = [b'"Go", now', b"FREE\ttabs\xff", "무료".encode(), b""]
    data = corpus.Labelled(np.array(texts, dtype=object), np.array([False, True, True, False]))
    assert read(tmp_path, corpus.as_lines(data)) == list(zip(data.labels.tolist(), texts, strict=True))
