"""Before a file is scored, what looks odd in it is said, in numbers and without a byte of its texts."""

import re
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.csv.reader import Reader
from formats.utf8 import count_not_utf8
from producer.pipeline.precheck import scan


def look(path: Path, content: bytes, *columns: str) -> list[str]:
    path.write_bytes(content)
    with Reader(path) as reader:
        return scan(reader, columns)


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    return tmp_path / "messages.csv"


def test_of_a_clean_file_there_is_nothing_to_say(messages: Path) -> None:
    assert look(messages, 'id,text\r\n1,"é\r\n\r\n"\r\n2,\U0001f600\r\n'.encode(), "id", "text") == []
    assert look(messages, b"id,text\r1,a\r2,b\r", "text") == []  # as old systems write it


def test_texts_that_are_not_utf8_are_counted(messages: Path) -> None:
    content = b"id,text,more\n" + b"1,caf\xe9,\xff\n" * 3 + b"2,ok,ok\n" * 2
    assert look(messages, content, "text", "more", "text") == [
        "3 of the 5 records have text in 'text', 'more' that is not UTF-8: they are scored as raw bytes"
    ]
    with Reader(messages) as reader:
        (said,) = scan(reader, ["text"], strict=True)
    assert said == "3 of the 5 records have text in 'text' that is not UTF-8: they are rejected"
    assert look(messages, content, "id") == []
    assert look(messages, b"text\n\xe9\n", "text") == [
        "the only record has a text in 'text' that is not UTF-8: it is scored as raw bytes"
    ]


def test_a_stray_cr_and_blank_lines_are_told_with_their_line_or_number(messages: Path) -> None:
    assert look(messages, b"id,text\n\n1,hello\rthere, my friend\n2,x\n\r\n", "text") == [
        "the record on line 3 has a CR in a file whose lines end in LF: it is rejected",
        "2 blank lines are no records, and are not counted as such",
    ]
    assert look(messages, b"text\nhello\n\nworld\n", "text") == ["1 blank line is no record, and is not counted as one"]


def test_only_the_beginning_of_a_large_file_is_looked_at_and_that_is_said(messages: Path) -> None:
    (said,) = look(messages, b"text\n" + b"caf\xe9 and more\n" * 1_000_000, "text")
    assert re.match(r"(6\d\d,\d\d\d) of the first \1 records have text", said)


def test_nothing_raw_is_shown(messages: Path) -> None:
    for said in look(messages, b'"te\x1b[31mxt"\n\x1b[2J\xff\n\n\x07\r\x1b\n', "te\x1b[31mxt"):
        assert said.isprintable()


def test_a_file_of_5_mb_takes_no_time(messages: Path) -> None:
    messages.write_bytes(b"id,text\n" + b'1,"some text, and more of it"\n' * 180_000)
    with Reader(messages) as reader:
        start = time.process_time()
        assert scan(reader, ["text"]) == []
        assert time.process_time() - start < 0.2  # 0.015 where nothing else runs


@given(st.lists(st.binary(max_size=4) | st.text(max_size=4).map(str.encode), max_size=600), st.integers(0, 5))
def test_a_text_is_judged_by_itself_even_if_its_neighbours_would_complete_it(values: list[bytes], skip: int) -> None:
    def bad(value: bytes) -> bool:
        return value.decode(errors="replace").encode() != value

    values += [b"\xc3", b"\xa9", "é".encode()]
    column = pa.array(values, pa.binary()).slice(skip)
    assert count_not_utf8(column) == sum(map(bad, values[skip:]))
