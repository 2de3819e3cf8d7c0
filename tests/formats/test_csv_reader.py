"""What the reader promises: every byte of the file ends up in exactly one record or one reject, at its right line.

The oracle walks through the file character by character, starts again at the next line after an error, and has Python's
own csv module, in strict mode, cut the records that it finds into fields.
"""

import csv
import io
import json
import os
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from formats.csv.reader import Reader
from formats.csv.splitter import MAX_BROKEN
from formats.errors import InputError
from formats.position import Position
from formats.rejects import Reject
from formats.source import Block, Range

# --- the oracle ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    record: int
    line: int
    raw: bytes
    fields: list[bytes] | None = None  # of an accepted record
    code: str = ""  # of a reject


@dataclass(frozen=True)
class Walk:
    """What a record is, character by character."""

    end: int  # behind its last character; of a broken one nothing
    code: str = ""  # bad_quoting or unclosed_quote
    quote: int = 0  # where the field opens that is broken
    stray: int | None = None  # its first CR that is no line end


def walk(text: str, lone_cr: bool) -> Walk:
    stray: int | None = None
    inside, opened, at = False, 0, 0
    while at < len(text):
        behind = text[at + 1 : at + 2]
        if inside and text[at] == '"':
            if behind == '"':
                at += 1
            elif behind in ("", ",", "\r", "\n"):
                inside = False
            else:
                return Walk(0, "bad_quoting", opened, stray)
        elif not inside and text[at] == '"' and (at == 0 or text[at - 1] in ",\r\n"):
            inside, opened = True, at
        elif not inside and (text[at] == "\n" or (text[at] == "\r" and (lone_cr or behind == "\n"))):
            return Walk(at, stray=stray)
        elif not inside and text[at] == "\r" and stray is None:
            stray = at
        at += 1
    return Walk(0, "unclosed_quote", opened, stray) if inside else Walk(at, stray=stray)


def oracle(body: bytes, columns: int, limit: int, lone_cr: bool = False) -> Iterator[Expected]:
    """The records and rejects, and for each blank line one whose record is 0."""
    end = r"(?:\r\n|\r|\n)" if lone_cr else r"\r?\n"
    lines = re.findall(rf"(?s)(?:(?!{end}).)*{end}|(?:(?!{end}).)+", body.decode("latin-1"))
    record, at = 1, 0
    while at < len(lines):
        if re.fullmatch(end, lines[at]):
            yield Expected(0, at + 2, b"")
            at += 1
            continue
        rest = "".join(lines[at:])
        found = walk(rest, lone_cr)
        if not found.code:
            taken = len(re.findall(end, rest[: found.end])) + 1
        elif found.quote > limit:
            # Up to the limit a broken field costs its record's first line; behind it, the record is too large anyway.
            taken = len(re.findall(end, rest[: found.quote])) + 1
        else:
            taken = 1
        raw = re.sub(rf"{end}\Z", "", "".join(lines[at : at + taken]))
        code = found.code
        if found.stray is not None and found.stray < len(raw):
            code = "stray_cr"
        fields = []
        if len(raw) > limit:
            code = "record_too_large"
        elif not code:
            (fields,) = csv.reader(io.StringIO(raw, newline=""), strict=True)
            if len(fields) != columns:
                code = "too_few_fields" if len(fields) < columns else "too_many_fields"
        if code:
            yield Expected(record, at + 2, raw.encode("latin-1"), code=code)
        else:
            yield Expected(record, at + 2, raw.encode("latin-1"), [field.encode("latin-1") for field in fields])
        record, at = record + 1, at + taken


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def flatten(reader: Reader, blocks: list[Block]) -> list[Expected]:
    """What the blocks say, in the oracle's terms; conservation is checked on the way."""
    flat: list[Expected] = []
    content = Path(str(reader.path)).read_bytes()
    for block in blocks:
        assert block.end.record - block.start.record == block.rows + len(block.rejects) > 0
        assert block.rows == block.records.num_rows
        block.records.validate(full=True)
        numbers = block.record_numbers.tolist()
        found = reader.locate(block.start, numbers)
        rows = zip(*(column.to_pylist() for column in block.records.columns), strict=True)
        for number, fields in zip(numbers, rows, strict=True):
            line, offset, raw = found[number]
            assert content.startswith(raw, offset)
            flat.append(Expected(number, line, raw, fields=list(fields)))
        assert [reject.record for reject in block.rejects] == sorted(reject.record for reject in block.rejects)
        assert all(content.startswith(reject.raw, reject.offset) for reject in block.rejects)
        flat += [Expected(reject.record, reject.line, reject.raw, code=reject.code) for reject in block.rejects]
    return sorted(flat, key=lambda item: item.record)


# --- against the oracle ----------------------------------------------------------------------------------------------

# Small enough that every kind of boundary falls everywhere, and that quoting is mostly nearly right.
letters = [b'"', b",", b"\r", b"\n", b"\r\n", b"a", b" ", b"\xe9", b"\x00", b"\xef\xbb\xbf"]
phrases = [
    b'""',
    b'",',
    b',"',
    b'"\n',
    b'\n"',
    b"x,y\n",
    b'1,"z"\n',
    b'"a\nb",""\r\n',
    b'"","",\n',
    b'p",q,"r\n',
    b"y" * 25,
]
bodies = st.lists(st.sampled_from(letters + phrases), max_size=40).map(b"".join)


@settings(max_examples=500, deadline=None)
@given(
    body=bodies,
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    columns=st.integers(1, 3),
    limit=st.integers(3, 40),
    block=st.integers(1, 60),
)
@example(body=b'x,y\n"1,"z"\n"""', end=b"\n", columns=1, limit=6, block=1)
@example(body=b'1,"hello\n2,world\n', end=b"\n", columns=2, limit=40, block=1)
@example(body=b'x",y,"z\n' * 6, end=b"\n", columns=2, limit=20, block=1)
@example(body=b'"' + b"a\n" * 30 + b'"x\n1,2\n', end=b"\n", columns=2, limit=9, block=1)
@example(body=b'1,a\r"b\nc"\n2,"\r"\r\r\n\r', end=b"\r\n", columns=2, limit=30, block=1)
@example(body=b"\n" * 200 + b"1\n" + b"\r\n" * 200 + b"2", end=b"\n", columns=1, limit=5, block=1)
def test_every_record_is_what_the_oracle_says_wherever_the_blocks_are_cut(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, end: bytes, columns: int, limit: int, block: int
) -> None:
    names = ["a", "b", "c"][:columns]
    header = ",".join(names).encode() + end
    limit = max(limit, len(header))
    if end == b"\r":
        body = body.translate(bytes.maketrans(b"\r\n", b"\n\r")).lstrip(b"\n")
    path = write(tmp_path_factory.getbasetemp() / "random.csv", header + body)
    try:
        Reader(path, limit).close()
    except InputError:
        reject()  # a lone CR ends the header, but most lines end in LF
    found = list(oracle(body, columns, limit, lone_cr=end == b"\r"))
    expected = [one for one in found if one.record]
    blank = len(found) - len(expected) if expected else 0
    with Reader(path, limit, block_bytes=block) as reader:
        blocks = list(reader.blocks(names))
        assert flatten(reader, blocks) == expected
        assert sum(one.blank_lines for one in blocks) == blank
        for number, one in enumerate(blocks):
            assert list(reader.blocks(names, one.end)) == blocks[number + 1 :]
            assert list(reader.blocks(names, one.start)) == blocks[number:]
        # A fresh reader has seen nothing of the lines before, and must not need to.
        for number, one in enumerate(blocks[:: max(1, len(blocks) // 3)]):
            with Reader(path, limit, block_bytes=block) as fresh:
                assert list(fresh.blocks(names, one.end)) == blocks[number * max(1, len(blocks) // 3) + 1 :]
        # Whoever gets a range alone, as JSON and with another idea of how large blocks are, reads the same block.
        with Reader(path, limit, block_bytes=60 - block) as other:
            for one, found in zip(blocks, reader.ranges(), strict=True):
                assert other.read(Range.decode(json.loads(json.dumps(found.encode()))), names) == one
    with Reader(path, limit) as reader:
        blocks = list(reader.blocks(names))
        assert flatten(reader, blocks) == expected
        assert sum(one.blank_lines for one in blocks) == blank


# --- case by case ----------------------------------------------------------------------------------------------------


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    return tmp_path / "messages.csv"


def read(path: Path, columns: list[str], **limits: int) -> tuple[list[tuple[bytes, ...]], list[Reject]]:
    """All accepted rows and all rejects."""
    rows: list[tuple[bytes, ...]] = []
    rejects: list[Reject] = []
    with Reader(path, **limits) as reader:
        for block in reader.blocks(columns):
            rows += zip(*(column.to_pylist() for column in block.records.columns), strict=True)
            rejects += block.rejects
    return rows, rejects


def test_quotes_commas_and_line_ends_within_a_field_come_out_as_they_were_meant(messages: Path) -> None:
    write(messages, b'id,text\r\n1,"he said ""hi"", then\r\nleft"\r\n2,5" wide\r\n3,"\n"\r\n')
    assert read(messages, ["text", "id"])[0] == [
        (b'he said "hi", then\r\nleft', b"1"),
        (b'5" wide', b"2"),
        (b"\n", b"3"),
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_files_from_any_system_read_the_same_with_and_without_a_final_line_end(messages: Path, end: bytes) -> None:
    for last in (b"", end, end * 3):
        write(messages, end.join([b"\xef\xbb\xbfid,text", b"1,a", b"", b"2,b"]) + last)
        with Reader(messages) as reader:
            assert reader.columns == ["id", "text"]
            assert reader.start.line == 2
            (block,) = reader.blocks(["id", "text"])
            assert block.records.to_pydict() == {"id": [b"1", b"2"], "text": [b"a", b"b"]}
            assert reader.locate(reader.start, [2]) == {2: (4, messages.read_bytes().index(b"2,b"), b"2,b")}


def test_bytes_pass_through_unaltered_even_if_they_are_no_text(messages: Path) -> None:
    nasty = bytes(set(range(256)) - set(b'",\r\n'))
    write(messages, b"\xef\xbb\xbftext\n\xef\xbb\xbf" + nasty + b'\nNULL\nnan\n 1 \n""\n')
    rows = [(b"\xef\xbb\xbf" + nasty,), (b"NULL",), (b"nan",), (b" 1 ",), (b"",)]
    assert read(messages, ["text"]) == (rows, [])


def test_a_record_with_the_wrong_number_of_fields_is_told_and_costs_no_other(messages: Path) -> None:
    write(messages, b'id,text\n1\n2,b\n\n3,"c\n",\xff\n4,d\n')
    rows, rejects = read(messages, ["id"])
    assert rows == [(b"2",), (b"4",)]
    assert rejects == [
        Reject(1, 2, "too_few_fields", "1 field, the header has 2", b"1", 8),
        Reject(3, 5, "too_many_fields", "3 fields, the header has 2", b'3,"c\n",\xff', 15),
    ]
    write(messages, b"id,text\n" + b"long" * 50_000 + b"\n")
    assert read(messages, ["id"])[1][0].raw == b"long" * 50_000


def test_broken_quoting_names_its_line_and_swallows_no_record(messages: Path) -> None:
    write(messages, b'id,text\n1,"hello\n2,world\n3,"x"y\n4,"z\n5,end')
    rows, rejects = read(messages, ["id", "text"])
    assert rows == [(b"2", b"world"), (b"5", b"end")]
    behind = "more text after the closing quote of the field that opens on line"
    assert rejects == [
        Reject(1, 2, "bad_quoting", f"{behind} 2", b'1,"hello', 8, "text"),
        Reject(3, 4, "bad_quoting", f"{behind} 4", b'3,"x"y', 25, "text"),
        Reject(4, 5, "unclosed_quote", "the quote that opens on line 5 is never closed", b'4,"z', 32, "text"),
    ]


@pytest.mark.parametrize("field", [b"x" * 300_000, b'"' + b'x\n""' * 75_000 + b'"'], ids=["plain", "quoted"])
def test_a_giant_record_is_one_reject_if_it_is_over_the_limit_and_else_a_record(messages: Path, field: bytes) -> None:
    write(messages, b"id,text\n1,a\n2," + field + b"\r\n3,c\n")
    rows, rejects = read(messages, ["id", "text"], max_record_bytes=len(field) + 2)
    assert ([row[0] for row in rows], rejects) == ([b"1", b"2", b"3"], [])
    for limit in (len(field) + 1, 1000):
        rows, (reject,) = read(messages, ["id", "text"], max_record_bytes=limit, block_bytes=4096)
        assert rows == [(b"1", b"a"), (b"3", b"c")]
        size = len(field) + 2
        detail = f"{size} bytes at byte offset 12, the limit is {limit}; raw holds the first 65536"
        assert reject == Reject(2, 3, "record_too_large", detail, (b"2," + field)[:65536], 12)
    with Reader(messages, 1000, block_bytes=4096) as reader:
        *_, last = reader.blocks(["id"])
        assert last.end == Position(messages.stat().st_size, 4, messages.read_bytes().count(b"\n") + 1)


def test_an_unclosed_quote_early_in_a_large_file_costs_one_line_and_one_look_ahead(
    messages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(messages, b'id,text\n1,"oops\n' + b"2,fine\n" * 200_000)
    taken = 0

    def pread(fd: int, length: int, offset: int) -> bytes:
        nonlocal taken
        taken += length
        return real(fd, length, offset)

    real = os.pread
    monkeypatch.setattr(os, "pread", pread)
    rows, (reject,) = read(messages, ["id"], max_record_bytes=1000, block_bytes=20_000)
    assert len(rows) == 200_000
    assert (reject.record, reject.line, reject.code, reject.raw) == (1, 2, "unclosed_quote", b'1,"oops')
    assert taken < 2.1 * messages.stat().st_size


def test_lines_that_run_into_the_same_broken_field_are_not_followed_to_it_again_and_again(messages: Path) -> None:
    # Outer quotes lost: from each line the text runs on, well quoted, to the end of the file.
    write(messages, b"a,b,c\n" + b'1","hello","ham\n' * 30_000)
    rows, rejects = read(messages, ["a"])
    assert (len(rows), len(rejects)) == (0, 30_000)
    assert {reject.code for reject in rejects} == {"unclosed_quote"}


def test_very_short_records_are_no_problem_however_many_fit_a_block(messages: Path) -> None:
    write(messages, b"a\n" + b"1\n" * 300_000)
    assert len(read(messages, ["a"])[0]) == 300_000


def test_records_are_counted_even_if_no_column_is_asked_for(messages: Path) -> None:
    write(messages, b"a,b\n1,2\n3\n4,5\n")
    with Reader(messages) as reader:
        (block,) = reader.blocks([])
    assert (block.rows, block.record_numbers.tolist(), len(block.rejects)) == (2, [1, 3], 1)


def test_a_header_alone_has_no_records(messages: Path) -> None:
    for content in (b"a,b", b"a,b\n", b"\n\na,b\n\n\n"):
        with Reader(write(messages, content)) as reader:
            assert (reader.columns, reader.start.record, list(reader.blocks(["a"]))) == (["a", "b"], 1, [])


def test_a_header_may_be_quoted_and_hold_line_ends(messages: Path) -> None:
    with Reader(write(messages, '"the ""id""","téxt\nbody"\n1,2\n'.encode())) as reader:
        assert reader.columns == ['the "id"', "téxt\nbody"]
        assert reader.start == Position(messages.read_bytes().index(b"1,2"), 1, 3)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty, not even a header"),
        (b"\xef\xbb\xbf\n\n", "empty, not even a header"),
        (b"caf\xe9,b\n", "the header is not UTF-8"),
        (b'a,"b\n1,2\n', "the header is badly quoted"),
        (b'"a"x,b\n', "the header is badly quoted"),
        (b"a," + b"b" * 2000, "the header is larger than 1000 bytes"),
    ],
)
def test_a_file_whose_header_cannot_be_read_is_refused_in_one_line(
    messages: Path, content: bytes, problem: str
) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(str(messages))}: {problem}$"):
        Reader(write(messages, content), max_record_bytes=1000)


def test_what_is_not_a_file_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: No such file or directory$"):
        Reader(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"Is a directory$"):
        Reader(tmp_path)


def test_a_column_that_is_missing_or_ambiguous_is_refused_before_anything_is_read(messages: Path) -> None:
    with Reader(write(messages, b"id,text,text\n1,2,3\n")) as reader:
        with pytest.raises(InputError, match=r"no column named 'body'; the header has 'id', 'text', 'text'$"):
            reader.blocks(["body"])
        with pytest.raises(InputError, match="more than one column named 'text'"):
            reader.blocks(["text"])
        (block,) = reader.blocks(["id"])
        assert block.records.to_pydict() == {"id": [b"1"]}


def test_a_file_that_changes_while_open_is_noticed(messages: Path) -> None:
    with Reader(write(messages, b"a\n" + b"1\n" * 100), 10, block_bytes=20) as reader:
        assert reader.unchanged()
        blocks = reader.blocks(["a"])
        assert next(blocks).rows > 0
        write(messages, b"a\n1\n")
        assert not reader.unchanged()
        with pytest.raises(InputError, match="got shorter while it was being read"):
            list(blocks)
        messages.unlink()
        assert not reader.unchanged()


def test_a_range_with_a_giant_record_is_read_without_the_giant(messages: Path) -> None:
    """Whoever splits has followed it to its end already."""
    messages.write_bytes(b"a\n1\n2\n")
    os.truncate(messages, 200 << 20)  # a record of zeros
    with messages.open("ab") as file:
        file.write(b"\n3\n")
    with Reader(messages) as reader, Reader(messages) as other:
        tracemalloc.start()
        try:
            blocks = [other.read(found, ["a"]) for found in reader.ranges()]
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 32 << 20
        assert blocks == list(reader.blocks(["a"]))
    assert [len(block.rejects) for block in blocks] == [0, 1, 0]


def test_a_range_of_a_file_that_changed_is_refused(messages: Path) -> None:
    write(messages, b"a,b\n" + b"1,x\n" * 20)
    with Reader(messages, 100, block_bytes=102) as reader:
        ranges = list(reader.ranges())
    assert len(ranges) == 1
    for content in (b"a,b\n" + b"1,x\n" * 19, b"a,b\n" + b"1,x\n" * 10 + b"11\n\n\n" * 10, b"a,b\n" + b'1,"\n' * 20):
        with Reader(write(messages, content), 100) as reader, pytest.raises(InputError):
            reader.read(ranges[0], ["a"])


def test_thousands_of_broken_records_make_no_blank_lines(messages: Path) -> None:
    """They cut a block, which ends behind a line and not before its end."""
    count = 3 * MAX_BROKEN + 7
    with Reader(write(messages, b"id,text\n" + b'1,"x"y\n' * count + b"2,z\n")) as reader:
        blocks = list(reader.blocks(["id"]))
        assert [len(block.rejects) for block in blocks] == [MAX_BROKEN] * 3 + [7]
        assert sum(block.blank_lines for block in blocks) == 0
        assert [reader.read(found, ["id"]) for found in reader.ranges()] == blocks
        assert blocks[-1].end.line == count + 3


def test_a_million_rejects_are_the_same_as_a_few_and_cost_little(messages: Path) -> None:
    """One for every two bytes of a file: as objects they would take 800 bytes each, and a gigabyte for a block."""
    lines = [b"x", b"1,ok", b"1,2,3", b'"a"b,c', b""] * 4000
    messages.write_bytes(b"message_id,text\n" + b"\n".join(lines) + b"\n")
    with Reader(messages) as reader:
        whole = [block.rejects for block in reader.blocks(["text"])]
        small = [each for block in reader.blocks(["text"], None, 4 << 10) for each in block.rejects]
    many = [each for rejects in whole for each in rejects]
    assert many == small
    assert len(many) == 12_000
    data = messages.read_bytes()
    for each in many[::97]:
        assert data[each.offset :].startswith(each.raw)
        assert data[: each.offset].count(b"\n") + 1 == each.line
    messages.write_bytes(b"message_id,text\n" + b"x\n" * 300_000)
    with Reader(messages) as reader:
        tracemalloc.start()
        try:
            [block] = reader.blocks(["text"])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    rejects = block.rejects
    assert peak < 200 * len(rejects)
    last = Reject(300_000, 300_001, "too_few_fields", "1 field, the header has 2", b"x", 600_014)
    assert (len(rejects), rejects[-1], rejects[299_999]) == (300_000, last, last)
    assert list(rejects[5:7]) == list(rejects)[5:7]
    with pytest.raises(IndexError):
        rejects[300_000]
    assert list(block.record_numbers) == []
