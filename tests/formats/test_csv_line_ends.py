"""A CR that ends no line spoils its own record and makes none; blank lines are no records, and are counted."""

import re
from pathlib import Path

import pytest

from formats.csv.reader import Reader
from formats.errors import InputError
from formats.rejects import Reject, codes_by, is_mendable


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    return tmp_path / "messages.csv"


def read(path: Path, content: bytes, block_bytes: int = 1 << 20) -> tuple[list[bytes], list[Reject], int]:
    """The accepted records as they stand in the file, the rejects, and the number of blank lines."""
    path.write_bytes(content)
    rows: list[bytes] = []
    rejects: list[Reject] = []
    blank = 0
    with Reader(path, 1000, block_bytes=block_bytes) as reader:
        for block in reader.blocks([]):
            rows += [raw for *_, raw in reader.locate(block.start, block.record_numbers.tolist()).values()]
            rejects += block.rejects
            blank += block.blank_lines
    return rows, rejects, blank


def test_a_stray_cr_is_one_reject_of_the_whole_line_and_later_records_keep_number_and_line(messages: Path) -> None:
    rows, rejects, _ = read(messages, b"message_id,text\n1,hello\rthere, my friend\n2,x\n3\n")
    assert rows == [b"2,x"]
    detail = "line 2 has a CR that is no line end: the lines of this file end in LF"
    assert rejects == [
        Reject(1, 2, "stray_cr", detail, b"1,hello\rthere, my friend", 16, "text"),
        Reject(3, 4, "too_few_fields", "1 field, the header has 2", b"3", 45),
    ]


@pytest.mark.parametrize(
    ("line", "raw"),
    [
        (b"1,a\rb\n", b"1,a\rb"),
        (b"\r1,a\n", b"\r1,a"),
        (b"1,a\r\r\n", b"1,a\r"),
        (b'1,"a"\rb\n', b'1,"a"\rb'),
        (b'1,a\r"b" c\n', b'1,a\r"b" c'),
        (b'1,"a\nb",c\rd\n', b'1,"a\nb",c\rd'),
        (b'1,a\r2,"b\nc"\n', b'1,a\r2,"b\nc"'),
        (b"1,a\r2,b\r3,c\r\n", b"1,a\r2,b\r3,c"),
        (b'1,a\rb,"c\n', b'1,a\rb,"c'),
        (b"\r\r\n", b"\r"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
def test_wherever_it_stands(messages: Path, line: bytes, raw: bytes, end: bytes, block_bytes: int) -> None:
    around = b"0,x" + end
    rows, rejects, blank = read(messages, b"id,text" + end + around * 400 + line + around * 3, block_bytes)
    assert rows == [b"0,x"] * 403
    assert [(reject.record, reject.line, reject.code, reject.raw) for reject in rejects] == [
        (401, 402, "stray_cr", raw)
    ]
    assert blank == 0


def test_a_cr_at_the_very_end_is_none_either(messages: Path) -> None:
    rows, (reject,), _ = read(messages, b"id,text\r\n1,a\r\n2,b\r")
    assert (rows, reject.code, reject.raw) == ([b"1,a"], "stray_cr", b"2,b\r")


def test_within_quotes_it_is_text_and_ends_no_line(messages: Path) -> None:
    rows, (reject,), _ = read(messages, b'id,text\n1,"a\rb"\n2,"\r"\n3\n')
    assert rows == [b'1,"a\rb"', b'2,"\r"']
    assert (reject.record, reject.line) == (3, 4)


def test_lines_may_end_in_lf_and_crlf_as_they_come(messages: Path) -> None:
    assert read(messages, b"id,text\r\n1,a\n2,b\r\n3,c\n") == ([b"1,a", b"2,b", b"3,c"], [], 0)


def test_in_a_file_whose_header_ends_in_a_cr_each_cr_ends_a_line(messages: Path) -> None:
    rows, (reject,), blank = read(messages, b"id,text\r1,a\r2,b\n\r3,c\r\n4\r5,e")
    assert rows == [b"1,a", b"2,b", b"3,c", b"5,e"]
    assert (reject.record, reject.line, reject.code, blank) == (4, 6, "too_few_fields", 1)
    assert read(messages, b"id,text\r\r\n1,a\r\r\n2,b\r\r\n")[0] == [b"1,a", b"2,b"]  # LF made CRLF twice


def test_a_header_with_a_cr_in_a_file_of_lf_lines_is_refused_in_one_line(messages: Path) -> None:
    problem = "the header has a CR that is no line end: most lines end in LF"
    with pytest.raises(InputError, match=f"^{re.escape(str(messages))}: {problem}$"):
        read(messages, b"id,te\rxt\n1,hello\n2,x\n")


def test_no_model_and_no_limit_mends_a_stray_cr() -> None:
    assert "stray_cr" in codes_by("reader")
    assert not is_mendable("stray_cr")


@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_blank_lines_are_counted_and_no_records(messages: Path, end: bytes, block_bytes: int) -> None:
    lines = [b"text", b"", b"hello", b"", b"", b'"a', b"", b'b"', b"world", b"1,2", b""]
    content = end.join(lines) + end * 2000
    rows, (reject,), blank = read(messages, content, block_bytes)
    assert rows == [b"hello", b'"a' + end * 2 + b'b"', b"world"]
    assert (reject.record, reject.line) == (4, 10)
    assert blank == 3 + 2000
    messages.write_bytes(content)
    with Reader(messages, 1000, block_bytes=block_bytes) as reader:
        blocks = list(reader.blocks(["text"]))
        assert blocks[0].start == reader.start
        assert [one.start for one in blocks[1:]] == [one.end for one in blocks[:-1]]  # no blank line lies between
        assert blocks[-1].end.offset == reader.size
        assert sum(one.blank_lines for one in blocks) == blank
