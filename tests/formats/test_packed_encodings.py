"""What is in UTF-16 and the like is UTF-8 in the copy; what is not valid is counted, and swallows nothing."""

import encodings.aliases
import gzip
import itertools
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.csv.dialect import Dialect
from formats.errors import InputError
from formats.files.open import open_file
from formats.packed.encoding import NotInItError, Transcoder, canonical, wide_encoding
from formats.packed.unpack import unpack

TEXT = 'id,text\r\n1,"Grüße, 你好"\n2,"Да; ひらがな"\n3,😀\n'
SIMPLE = 'id,text\n1,+~{}\\|\n2,"a\nb"\n'
SEVEN_BITS = ["utf-7", "hz", "iso2022_jp", "iso2022_jp_2", "iso2022_kr"]
WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


def transcoded(content: bytes, encoding: str, *cuts: int) -> bytes:
    transcoder = Transcoder(encoding, content)
    edges = [0, *sorted(cuts), len(content)]
    parts = [transcoder.feed(content[begin:end]) for begin, end in itertools.pairwise(edges)]
    return b"".join([*parts, transcoder.feed(b"", last=True)])


@pytest.mark.parametrize("encoding", [*WIDE, "utf-16", "utf-32", "utf-7", "gb18030"])
def test_a_text_is_the_same_in_utf_8(encoding: str) -> None:
    assert transcoded(TEXT.encode(encoding), encoding) == TEXT.encode()


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("bom", ["\ufeff", ""])
def test_the_wide_ones_are_told_with_a_bom_and_without(encoding: str, bom: str) -> None:
    content = (bom + TEXT).encode(encoding)
    assert wide_encoding(content) == encoding
    assert transcoded(content, encoding[:6]) == TEXT.encode()
    assert transcoded(content, encoding) == TEXT.encode()


@pytest.mark.parametrize(
    "content", [b"", b"a", b"id,text\n1,x\n", TEXT.encode(), b"\xef\xbb\xbfid", bytes(100), "你好".encode("gbk")]
)
def test_what_is_not_wide_is_not_told_to_be(content: bytes) -> None:
    assert wide_encoding(content) == ""


def test_a_bom_of_another_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(("\ufeff" + TEXT).encode("utf-16-be"))
    with pytest.raises(InputError, match=r"in.csv: it is not utf-16-le: it begins with the BOM of utf-16-be$"):
        unpack(open_file(path), tmp_path / "unpacked", encoding="utf-16-le")


def test_packed_and_wide_is_both(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(gzip.compress((TEXT * 9000).encode("utf-16")))
    copy = unpack(open_file(path), tmp_path / "unpacked", encoding="UTF16")
    assert copy.path.read_bytes() == (TEXT * 9000).encode()
    assert (copy.container, copy.encoding) == ("gzip", "utf-16")


def test_which_can_be_read_in_place() -> None:
    for plain in ("utf-8", "latin-1", "windows-1252", "koi8-r", "gb18030", "euc-kr", "shift_jis", "big5"):
        assert Dialect(encoding=plain).in_place, plain
    for other in ("utf-16", "utf-32-be", "utf-7", "hz", "iso-2022-jp", "iso-2022-kr", "cp500", "cp037"):
        assert not Dialect(encoding=other).in_place, other
    assert not Dialect(encoding="gb18030", delimiter="|").in_place


@pytest.mark.parametrize(
    "name", ["utf-99", "", "base64", "rot13", "idna", "unicode_escape", "a\0b", "x" * 5000, "\ud800"]
)
def test_an_encoding_that_is_none(name: str) -> None:
    with pytest.raises(InputError) as error:
        canonical(name)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 100


@pytest.mark.parametrize("encoding", sorted({*SEVEN_BITS, "iso2022_jp_1", "iso2022_jp_3", "iso2022_jp_ext"}))
def test_in_seven_bits_a_text_is_the_same(encoding: str) -> None:
    text = "id,text\n" + {"hz": "你好", "iso2022_kr": "안녕"}.get(encoding, "ひらがな") + ',"x"\n' + SIMPLE
    content = text.encode(encoding)
    assert transcoded(content, encoding, *range(len(content))) == text.encode()


def test_ebcdic_lines_end_in_nel_too() -> None:
    content = (
        "id,text".encode("cp500") + b"\x15" + "1,ab".encode("cp500") + b"\x25" + "2,c".encode("cp500") + b"\x0d\x25"
    )
    assert transcoded(content, "cp500") == b"id,text\n1,ab\n2,c\r\n"


LONE = {
    "utf-16-le": b"\x00\xd8",
    "utf-16-be": b"\xdc\x01",
    "utf-32-le": b"\x00\xd8\x00\x00",
    "utf-32-be": b"\x7f\xff\xff\xff",
}


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("behind", [",", "\n", '"', "\r\n"])
def test_half_a_character_takes_no_delimiter_along(encoding: str, behind: str) -> None:
    content = "1,a".encode(encoding) + LONE[encoding] + f"{behind}b\n".encode(encoding)
    found = transcoded(content, encoding)
    assert found.startswith(b"1,a\xed")
    assert found.endswith(f"{behind}b\n".encode())
    with pytest.raises(UnicodeDecodeError):
        found.decode()


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("hz", b"1,~{<:Ky"),
        ("hz", b"1,~{<"),
        ("iso2022_jp", b"1,\x1b$B0l"),
        ("iso2022_jp", b"1,\x1b$B0"),
        ("iso2022_jp", b"1,\x1b"),
        ("iso2022_jp", b"1,\x1b(\x97 , "),
        ("iso2022_kr", b"\x1b$)C1,\x0e0!0"),
        ("utf-7", b"1,+A"),
        ("utf-7", b"1,+AGEA"),
        ("utf-7", b"1,+"),
    ],
)
def test_an_escape_that_is_not_closed_spoils_its_own_line_alone(encoding: str, line: bytes) -> None:
    for end in (b"\n", b"\r\n"):
        content = line + end + b'2,"x",y' + end
        for cut in range(len(content)):
            lines = transcoded(content, encoding, cut).split(b"\n")
            assert lines[1:] == [b'2,"x",y' + end[:-1], b""], (cut, lines)
            assert lines[0].startswith(b"1,")


def test_one_that_is_cut_in_utf_7_keeps_what_ends_it() -> None:
    assert transcoded(b"1,+A,x\n", "utf-7").endswith(b",x\n")


@pytest.mark.parametrize("encoding", ["utf-7", "iso2022_jp", "hz"])
def test_without_an_end_it_is_refused_and_not_held(encoding: str) -> None:
    transcoder = Transcoder(encoding, b"+")
    with pytest.raises(NotInItError):  # noqa: PT012
        for _ in range(200):
            transcoder.feed(b"+" + b"AGEA" * 25_000)


TEXTUAL = sorted(
    {name for name in encodings.aliases.aliases.values() if not name.endswith("_codec")} - {"mbcs", "rot_13"}
)


@given(chance=st.randoms(use_true_random=False), encoding=st.sampled_from(TEXTUAL))
def test_whatever_the_bytes_pieces_do_not_matter_and_what_is_invalid_shows(
    chance: random.Random, encoding: str
) -> None:
    content = "".join(chance.choice(TEXT + SIMPLE) for _ in range(chance.randrange(60))).encode(encoding, "ignore")
    damaged = bytearray(content)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(damaged) + 1)
        damaged[at : at + chance.randrange(2)] = chance.randbytes(chance.randrange(3))
    content = bytes(damaged)
    if wide_encoding(content):
        return  # of another byte order: an error, tried above
    found = transcoded(content, encoding)
    assert transcoded(content, encoding, *range(len(content))) == found
    if not encoding.startswith(("hz", "iso2022", "utf_16", "utf_32")):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            with pytest.raises(UnicodeDecodeError):
                found.decode()
    if encoding.startswith(("iso2022", "utf_7")):
        assert found.count(b"\n") == content.count(b"\n")
