"""A file's encoding changes no text, moves no mark, and loses nothing that is not valid in it."""

import itertools
import random
from pathlib import Path

import pytest

from formats.csv.dialect import MULTI_BYTE, SINGLE_BYTE, Dialect
from formats.csv.reader import Reader
from formats.csv.transcoding import to_utf8
from formats.utf8 import count_not_utf8
from tests.formats.test_csv_dialects import read_both_ways, rows_of
from tests.formats.test_csv_reader import write

MARKS = bytes([*range(0x20, 0x30), *range(0x3A, 0x40), *b"\t\r\n\x01"])
HIGH = range(0x80, 0x100)
CHINESE, CHINESE_TOO, KOREAN, JAPANESE = "中文，测试", "中文測試", "한국어", "日本語テスト"
TEXTS = {  # what each of them can say, at least
    "gb18030": f"{CHINESE} € 😀 ㄅ", "gbk": CHINESE, "gb2312": CHINESE,
    "big5": CHINESE_TOO, "big5hkscs": f"{CHINESE_TOO}嘅", "cp950": CHINESE_TOO,
    "cp949": f"{KOREAN} 똠방각하", "euc_kr": KOREAN,
    "euc_jp": JAPANESE, "euc_jis_2004": JAPANESE, "euc_jisx0213": JAPANESE,
    "cp932": f"{JAPANESE} ① ソ表", "shift_jis": f"{JAPANESE}ソ表能",
}  # fmt: skip


@pytest.mark.parametrize("encoding", sorted(SINGLE_BYTE | MULTI_BYTE))
def test_no_mark_is_a_part_of_a_character(encoding: str) -> None:
    """Quotes, delimiters and line ends are found among the bytes, whatever stands before them, valid or not."""
    ascii = bytes(range(0x40)) + bytes(range(0x40, 0x80)) if encoding in SINGLE_BYTE else bytes(range(0x40))
    assert ascii.decode(encoding) == ascii.decode("ascii")
    before = [bytes([one]) for one in HIGH]
    if encoding in MULTI_BYTE:
        before += [bytes(two) for two in itertools.product(HIGH, HIGH)]
        before += [bytes(two) for two in itertools.product(HIGH, range(0x30, 0x3A))]
        chance = random.Random(encoding)
        before += [bytes([chance.choice(HIGH), chance.randint(0x30, 0x39), chance.choice(HIGH)]) for _ in range(9000)]
    for each in before:
        for mark in MARKS if len(each) == 1 else b'",\n':
            assert to_utf8(each + bytes([mark, 0x61]), encoding)[-2:] == bytes([mark, 0x61]), (each, mark)


@pytest.mark.parametrize("encoding", sorted(SINGLE_BYTE | MULTI_BYTE))
def test_the_same_records_in_any_encoding_are_the_same_texts(tmp_path: Path, encoding: str) -> None:
    chance = random.Random(encoding)
    letters = TEXTS.get(encoding)
    if letters is None:
        letters = bytes(HIGH).decode(encoding, "ignore") + "az"
    letters += ' ",;\n'
    rows = [(str(n), "".join(chance.choices(letters, k=chance.randint(1, 40)))) for n in range(500)]
    text = "id;täxt\n".replace("ä", letters[0]) + "".join(
        f'{number};"{each.replace(chr(34), chr(34) * 2)}"\n' for number, each in rows
    )
    dialect = Dialect(delimiter=";", encoding=encoding)
    assert dialect.in_place
    path = write(tmp_path / "texts.csv", text.encode(encoding))
    blocks = read_both_ways(path, dialect, block=2000, limit=1000)
    assert len(blocks) > 3
    assert rows_of(blocks) == [(number.encode(), each.encode()) for number, each in rows]
    with Reader(path, dialect=dialect) as reader:
        assert reader.columns[1] == f"t{letters[0]}xt"


def test_what_is_not_valid_stays_as_it_is_and_is_counted(tmp_path: Path) -> None:
    """By the same count as texts that are not UTF-8: a receipt says it."""
    content = b"id,text\n1,a\x81\n2,\x80 5\n3,\xff\x81\x8d\n4,\x8f\n"
    path = write(tmp_path / "broken.csv", content)
    (block,) = read_both_ways(path, Dialect(encoding="cp1252"))
    texts = block.records.column("text")
    assert texts.to_pylist() == [b"a\x81", "€ 5".encode(), "ÿ".encode() + b"\x81\x8d", b"\x8f"]
    assert count_not_utf8(texts) == 3
    (block,) = read_both_ways(write(path, b'id,text\n1,"\x81"\n2,\x81\n3,"\xb0\xa1"\n'), Dialect(encoding="euc_kr"))
    assert block.records.column("text").to_pylist() == [b"\x81", b"\x81", "가".encode()]


def test_the_raw_text_of_a_reject_is_utf_8_too(tmp_path: Path) -> None:
    path = write(tmp_path / "rejects.csv", "id,text\n1,caf\xe9,x\n2,\xdcber\n3,na\xefve\n".encode("cp1252"))
    dialect = Dialect(encoding="cp1252")
    (block,) = read_both_ways(path, dialect)
    assert [reject.raw.decode() for reject in block.rejects] == ["1,café,x"]
    with Reader(path, dialect=dialect) as reader:
        assert reader.locate(reader.start, [2]) == {2: (3, 17, "2,Über".encode())}


@pytest.mark.parametrize(
    ("dialect", "in_place"),
    [
        (Dialect(), True), (Dialect(encoding="latin-1", delimiter="|", escape="\\"), True),
        (Dialect(encoding="gbk"), True), (Dialect(encoding="gbk", delimiter="|"), False),
        (Dialect(encoding="shift_jis", escape="\\"), False), (Dialect(encoding="gb18030", delimiter=";"), True),
        (Dialect(encoding="utf-16"), False), (Dialect(encoding="utf-7"), False),
        (Dialect(encoding="iso2022_jp"), False), (Dialect(encoding="cp037"), False),
    ],
)  # fmt: skip
def test_which_files_are_read_in_place(dialect: Dialect, in_place: bool) -> None:
    """The others are copied to UTF-8 first: their bytes don't tell where records end."""
    assert dialect.in_place == in_place
