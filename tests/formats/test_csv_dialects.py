"""A file in another dialect says what it would say in plain CSV; Python's csv module agrees wherever it can read it."""

import csv
import io
import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from formats.csv.dialect import Dialect
from formats.csv.fields import reader_of
from formats.csv.reader import Reader
from formats.errors import InputError
from formats.source import Block, Range
from tests.formats.test_csv_reader import bodies, write


def rows_of(blocks: Sequence[Block]) -> list[tuple[bytes, ...]]:
    return [row for block in blocks for row in zip(*(each.to_pylist() for each in block.records.columns), strict=True)]


def read_both_ways(
    path: Path, dialect: Dialect, limit: int = 1 << 20, block: int = 1 << 20, other_block: int = 7
) -> list[Block]:
    """The blocks; ranges, read elsewhere, and any block's end as a start give the same."""
    with Reader(path, limit, dialect, block_bytes=block) as reader:
        blocks = list(reader.blocks(reader.columns))
        with Reader(path, limit, dialect, block_bytes=other_block) as other:
            for one, found in zip(blocks, reader.ranges(), strict=True):
                assert other.read(Range.decode(json.loads(json.dumps(found.encode()))), reader.columns) == one
        for number, one in enumerate(blocks):
            assert list(reader.blocks(reader.columns, one.end)) == blocks[number + 1 :]
        for one in blocks:
            assert one.end.record - one.start.record == one.rows + len(one.rejects) > 0
            assert set(reader.locate(one.start, one.record_numbers.tolist())) >= set(one.record_numbers.tolist())
        return blocks


@settings(max_examples=200, deadline=None)
@given(
    body=bodies,
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    marks=st.sampled_from([b";'", b'\t"', b'|"', b';"', b" '", b"\x01\x02"]),
    limit=st.integers(12, 40),
    block=st.integers(1, 60),
)
def test_other_marks_mean_what_the_usual_ones_mean(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, end: bytes, marks: bytes, limit: int, block: int
) -> None:
    """The same file with its commas and quotes exchanged for other bytes, and these for them."""
    exchange = bytes.maketrans(b',"' + marks, marks + b',"')
    if end == b"\r":
        body = body.translate(bytes.maketrans(b"\r\n", b"\n\r")).lstrip(b"\n")
    folder = tmp_path_factory.getbasetemp()
    content = b"a,b" + end + body
    plain, other = write(folder / "plain.csv", content), write(folder / "other.csv", content.translate(exchange))
    dialect = Dialect(delimiter=chr(marks[0]), quote=chr(marks[1]))
    try:
        expected = read_both_ways(plain, Dialect(), limit, block)
    except InputError:
        with pytest.raises(InputError):
            Reader(other, limit, dialect).close()
        return
    found = read_both_ways(other, dialect, limit, block)
    for one, wanted in zip(found, expected, strict=True):
        assert (one.start, one.end, one.rows, one.blank_lines) == (
            wanted.start, wanted.end, wanted.rows, wanted.blank_lines,
        )  # fmt: skip
        assert [(each.record, each.line, each.code, each.detail) for each in one.rejects] == [
            (each.record, each.line, each.code, each.detail) for each in wanted.rejects
        ]
        assert [each.raw for each in one.rejects] == [each.raw.translate(exchange) for each in wanted.rejects]
        for column, wished in zip(one.records.columns, wanted.records.columns, strict=True):
            assert column.to_pylist() == [value.translate(exchange) for value in wished.to_pylist()]


letters = ["\\", '"', ",", "\n", "\r\n", "a", "b", "é", " ", '""', '\\"', "\\\\", ',"', '",', "\\,", "\\\n"]


@settings(max_examples=600, deadline=None)
@given(
    body=st.lists(st.sampled_from(letters), max_size=30).map("".join),
    block=st.integers(1, 50),
    limit=st.integers(20, 60),
)
@example(body='"a\\"b",c\n', block=1, limit=20)
@example(body='a\\,"b,c\n', block=2, limit=20)
@example(body="a,b\\", block=2, limit=20)
@example(body="\\\n,b\n", block=1, limit=20)
@example(body='"\n\\\r\n', block=1, limit=20)
@example(body='\\éé\\\n\\\\\\\\\\\\é,"\r\n\r\n\\"\\\\\\éé', block=1, limit=20)
def test_escapes_are_those_of_pythons_csv(
    tmp_path_factory: pytest.TempPathFactory, body: str, block: int, limit: int
) -> None:
    """Where that can read the file, strictly; and what it can't read loses and shifts nothing."""
    dialect = Dialect(escape="\\")
    path = write(tmp_path_factory.getbasetemp() / "escapes.csv", b"a,b\n" + body.encode())
    blocks = read_both_ways(path, dialect, limit, block)
    try:
        expected = [row for row in reader_of(body, dialect) if row]
    except csv.Error:
        return
    if any(reject.code in ("record_too_large", "stray_cr", "bad_quoting") for one in blocks for reject in one.rejects):
        return
    good = [tuple(field.encode() for field in row) for row in expected if len(row) == 2]
    assert rows_of(blocks) == good
    assert sum(len(one.rejects) for one in blocks) == len(expected) - len(good)


@settings(max_examples=200, deadline=None)
@given(
    body=st.lists(st.sampled_from(['"', "'", "|", "\n", "a", "é", '"|"']), max_size=40).map("".join),
    block=st.integers(1, 50),
)
def test_without_quotes_every_line_is_a_record(tmp_path_factory: pytest.TempPathFactory, body: str, block: int) -> None:
    dialect = Dialect(delimiter="|", quote="none")
    path = write(tmp_path_factory.getbasetemp() / "unquoted.csv", b"a|b\n" + body.encode())
    blocks = read_both_ways(path, dialect, 60, block)
    lines = [line for line in body.split("\n") if line]
    assert rows_of(blocks) == [tuple(line.encode().split(b"|")) for line in lines if line.count("|") == 1]
    assert [reject.raw.decode() for one in blocks for reject in one.rejects] == [
        line for line in lines if line.count("|") != 1
    ]


COMMENTS = ["# a comment, with\n", "#\n", "#" * 90 + "\n"]


@settings(max_examples=200, deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from(
            [
                "# a comment, with\n",
                "#\n",
                '1,"x\n# no comment"\n',
                "2,#y\n",
                "\n",
                "3,z\n",
                "#" * 90 + "\n",
                '4,"\n',
                "5\n",
            ]
        ),
        max_size=20,
    ),
    block=st.integers(1, 80),
)
@example(pieces=["3,z\n", "#" * 90 + "\n"], block=20)
def test_comments_are_no_records_and_are_counted_as_lines(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str], block: int
) -> None:
    head = "# first of all\n\na,b\n"
    path = write(tmp_path_factory.getbasetemp() / "comments.csv", (head + "".join(pieces)).encode())
    blocks = read_both_ways(path, Dialect(comment="#"), 100, block)
    with Reader(path, 100, Dialect(comment="#")) as reader:
        assert reader.columns == ["a", "b"]
    if '4,"\n' not in pieces:  # else what is behind it may be in quotes
        expected, blank, line = [], 0, 4
        for piece in pieces:
            if piece[0] not in "#\n":
                expected.append(line)
            blank += piece == "\n"
            line += piece.count("\n")
        found = [reject.line for one in blocks for reject in one.rejects]
        with Reader(path, 100, Dialect(comment="#"), block_bytes=block) as reader:
            places = reader.locate(reader.start, list(range(1, len(pieces) + 1)))
            assert sorted({*found, *(line for line, *_ in places.values())}) == expected
        assert not blocks or sum(one.blank_lines for one in blocks) == blank
        assert not blocks or blocks[-1].end.line == line


def test_surplus_fields_belong_to_the_last_column_where_that_is_wished(tmp_path: Path) -> None:
    """A phone's backup of messages quotes nothing: its texts have commas."""
    content = (
        b'id,from,text\n1,+49,hello, you, there\n2,+1\n3,+2,plain\n4,+3,"quoted, one"\n5,+4,a "b", c\n6,+5,x,"y, z"\n'
    )
    blocks = read_both_ways(write(tmp_path / "phone.csv", content), Dialect(rest="text"))
    assert rows_of(blocks) == [
        (b"1", b"+49", b"hello, you, there"),
        (b"3", b"+2", b"plain"),
        (b"4", b"+3", b"quoted, one"),
        (b"5", b"+4", b'a "b", c'),
        (b"6", b"+5", b"x,y, z"),
    ]
    assert [(reject.record, reject.code) for one in blocks for reject in one.rejects] == [(2, "too_few_fields")]
    with Reader(tmp_path / "phone.csv", dialect=Dialect(rest="text")) as reader:
        (block,) = reader.blocks(["text"])
        assert block.records.column("text").to_pylist()[0] == b"hello, you, there"
        assert next(iter(reader.blocks([]))).rows == 5
    with pytest.raises(InputError, match="the last column, which is 'text', not 'from'"):
        Reader(tmp_path / "phone.csv", dialect=Dialect(rest="from"))


def test_surplus_fields_wherever_they_are(tmp_path: Path) -> None:
    """Seeded: rows in any order, some with too few fields, against Python."""
    chance = random.Random(5)
    rows = [["x"] * chance.choice([1, 2, 3, 3, 3, 4, 7]) for _ in range(2000)]
    for number, row in enumerate(rows):
        row[0] = str(number)
        row[-1] += chance.choice(["", ' "q"', "é"])
    path = write(tmp_path / "rest.csv", ("a;b;c\n" + "".join(";".join(row) + "\n" for row in rows)).encode("cp1252"))
    dialect = Dialect(delimiter=";", rest="c", encoding="cp1252")
    found = rows_of(read_both_ways(path, dialect, block=3000))
    assert found == [tuple(field.encode() for field in (*row[:2], ";".join(row[2:]))) for row in rows if len(row) >= 3]


def test_a_file_without_a_header(tmp_path: Path) -> None:
    path = write(tmp_path / "bare.csv", b"\xef\xbb\xbf1,hello\n2,you\n")
    with Reader(path, dialect=Dialect(header=False)) as reader:
        assert reader.columns == ["1", "2"]
        assert rows_of(list(reader.blocks(["2", "1"]))) == [(b"hello", b"1"), (b"you", b"2")]
    with Reader(path, dialect=Dialect(columns=("id", "text"))) as reader:
        (block,) = reader.blocks(["text"])
        assert block.record_numbers.tolist() == [1, 2]
        assert reader.locate(reader.start, [2]) == {2: (2, 11, b"2,you")}
    with Reader(path, dialect=Dialect(columns=("id", "text", "more"))) as reader:
        assert [reject.code for reject in next(iter(reader.blocks([]))).rejects] == ["too_few_fields"] * 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_before_the_header_are_skipped_and_counted(tmp_path: Path, end: str) -> None:
    content = end.join(['Report, of "the day', "", "a;b", "1;x", "2", ""])
    path = write(tmp_path / "report.csv", content.encode())
    (block,) = read_both_ways(path, Dialect(delimiter=";", skip_lines=1))
    assert rows_of([block]) == [(b"1", b"x")]
    assert [(reject.record, reject.line) for reject in block.rejects] == [(2, 5)]


def test_an_excerpt_is_read_as_it_says(tmp_path: Path) -> None:
    """What is scored again is a file of some of the records, in UTF-8, whatever the input is."""
    dialect = Dialect(
        delimiter="\t", quote="'", encoding="cp1252", columns=("id", "the text"), skip_lines=1, comment="%"
    )
    path = write(tmp_path / "some.tsv", "title\n1\t'caf\xe9 \t x'\n% no\n2\tb\n".encode("cp1252"))
    with Reader(path, dialect=dialect) as reader:
        places = reader.locate(reader.start, [1, 2])
        raw = b"".join(reader.excerpt(text) for *_, text in places.values())
        excerpt = write(tmp_path / "excerpt.tsv", reader.excerpt_head() + raw)
        with Reader(excerpt, dialect=reader.excerpt_dialect) as again:
            assert rows_of(list(again.blocks(again.columns))) == rows_of(list(reader.blocks(reader.columns)))
            assert again.columns == ["id", "the text"]


def test_a_dialect_says_what_differs_and_is_read_again() -> None:
    dialect = Dialect(delimiter="tab", encoding="latin1", columns=("a", "b"), comment="#")
    said = dialect.to_dict()
    assert said == {"delimiter": "\t", "encoding": "iso8859-1", "header": False, "columns": ["a", "b"], "comment": "#"}
    assert Dialect.from_dict(json.loads(json.dumps(said))) == dialect
    assert Dialect().to_dict() == {}
    assert Dialect().is_plain


@pytest.mark.parametrize(
    "wrong",
    [
        {"delimiter": ""}, {"delimiter": ",,"}, {"delimiter": "§"}, {"delimiter": "\n"}, {"delimiter": "a"},
        {"quote": ","}, {"escape": '"'}, {"encoding": "rot13"}, {"encoding": "no such"}, {"encoding": "idna"},
        {"comment": "\n"}, {"comment": '"'}, {"skip_lines": -1},
    ],
)  # fmt: skip
def test_what_is_no_dialect_is_refused_with_the_options_name(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError, match=f"--{next(iter(wrong)).replace('_', '-')} "):
        Dialect(**wrong)  # type: ignore[arg-type]


def test_a_tab_separated_file_as_python_writes_it(tmp_path: Path) -> None:
    chance = random.Random(3)
    rows = [["".join(chance.choices('ab"\t\n,;é', k=chance.randint(0, 9))) for _ in range(3)] for _ in range(3000)]
    text = io.StringIO(newline="")
    csv.writer(text, dialect="excel-tab").writerows([["a", "b", "c"], *rows])
    path = write(tmp_path / "excel.tsv", text.getvalue().encode("utf-8"))
    found = rows_of(read_both_ways(path, Dialect(delimiter="tab"), block=5000))
    assert found == [tuple(field.encode() for field in row) for row in rows]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_line_end_behind_an_escaped_one_is_no_blank_line(tmp_path: Path, end: str) -> None:
    path = write(tmp_path / "escaped.csv", f"a{end}x\\\n{end}b;c;\\{end}{end}y{end}{end}z".encode())
    for columns in (["a"], []):
        with Reader(path, dialect=Dialect(escape="\\", delimiter=";")) as reader:
            blocks = list(reader.blocks(columns))
            assert [reader.read(found, columns) for found in reader.ranges()] == blocks
            assert sum(block.blank_lines for block in blocks) == 1 + (end == "\r\n")


def test_a_comment_larger_than_a_record_may_be_is_still_a_comment(tmp_path: Path) -> None:
    path = write(
        tmp_path / "long.csv", b"a,b\n#" + b"x" * 200 + b"\n1,2\n#" + b'"' * 201 + b"\n\n#y\n3,4\n#" + b"z" * 99
    )
    for block in (1, 30, 150, 1000):
        blocks = read_both_ways(path, Dialect(comment="#"), 20, block)
        assert rows_of(blocks) == [(b"1", b"2"), (b"3", b"4")]
        assert [reject for one in blocks for reject in one.rejects] == []


def test_a_file_of_escapes_alone_has_an_end(tmp_path: Path) -> None:
    for body in (b"\\" * 5000, b'"' + b"\\" * 5001, b'x,"' + b"\\" * 5001 + b'"\n', b"\\" * 4999 + b"\n1,2\n"):
        path = write(tmp_path / "escapes.csv", b"a,b\n" + body)
        blocks = read_both_ways(path, Dialect(escape="\\"), 20, 1)
        assert [reject.code for one in blocks for reject in one.rejects] == ["record_too_large"]


def test_quotes_in_comments_do_not_tell_what_ends_a_line(tmp_path: Path) -> None:
    path = write(tmp_path / "old.csv", b'a,b\r# it\'s "\r"1\n",2\r"\n#",\\"\r' + b'# "\r"\n\n","\n\n"\r' * 9)
    assert len(rows_of(read_both_ways(path, Dialect(comment="#", escape="\\")))) == 11


def test_an_escaped_cr_is_text_also_behind_a_broken_record(tmp_path: Path) -> None:
    """There each record is followed by itself, as others are not."""
    path = write(tmp_path / "cr.csv", b'a,b\n1,"x\n2,y\\\rz\\\r\n3,b"c\n4,\rx\n')
    for block in (1, 12, 1000):
        blocks = read_both_ways(path, Dialect(escape="\\"), 40, block)
        assert rows_of(blocks) == [(b"2", b"y\rz\r"), (b"3", b'b"c')]
        assert [reject.code for one in blocks for reject in one.rejects] == [
            "bad_quoting",
            "stray_cr",
        ]
