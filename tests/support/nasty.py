"""Nasty files: each dialect, encoding, container and malformation, with what a receipt must say of each.

By hand: python -m tests.support.nasty FOLDER writes them all.
"""

import bz2
import gzip
import io
import lzma
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

ROWS = [("1", "hello there"), ("2", 'WIN a "FREE" prize, reply CLAIM'), ("3", "home by six; or later")]
ALL = ("1", "2", "3")


@dataclass(frozen=True)
class Nasty:
    """A file, what is said of it, and what is expected: a receipt, or an `error` of which that is a part."""

    name: str
    content: bytes
    said: Mapping[str, object] = field(default_factory=dict)
    scored: Sequence[str] = ALL  # ids
    codes: Mapping[str, int] = field(default_factory=dict)
    blank_lines: int = 0
    not_utf8: int = 0
    error: str = ""

    @property
    def records(self) -> int:
        return len(self.scored) + sum(self.codes.values())

    @property
    def exit_code(self) -> int:
        return 1 if self.error else 3 if self.records and not self.scored else 0


def table(
    delimiter: str = ",", quote: str = '"', end: str = "\n", rows: Sequence[Sequence[str]] = ROWS, header: bool = True
) -> str:
    """All quoted, quotes doubled."""
    lines = [("id", "text"), *rows] if header else rows
    quoted = ([f"{quote}{cell.replace(quote, quote * 2)}{quote}" for cell in row] for row in lines)
    return "".join(delimiter.join(row) + end for row in quoted)


def zipped(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), table())
    return target.getvalue()


def tarred() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        about = tarfile.TarInfo("messages.csv")
        about.size = len(PLAIN)
        archive.addfile(about, io.BytesIO(PLAIN))
    return target.getvalue()


def lz4(content: bytes) -> bytes:
    target = pa.BufferOutputStream()
    with pa.CompressedOutputStream(target, "lz4") as stream:
        stream.write(content)
    packed: bytes = target.getvalue().to_pybytes()
    return packed


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]


PLAIN = table().encode()
MANY = table(rows=[(str(number), f"message {number * number % 9973}") for number in range(1, 400)]).encode()
ZSTD = pa.Codec("zstd").compress(PLAIN, asbytes=True)
WIDE = 100_000


def _encodings() -> list[Nasty]:
    western = table(";", rows=[("1", "café à Zürich"), ("2", "¿Qué? £5"), ("3", "naïve")])
    texts = {
        "windows-1251": "Привет", "iso8859-2": "łódź", "koi8-r": "Привет", "gb18030": "你好，😀", "big5": "你好",
        "shift_jis": "ソース表", "euc-kr": "안녕", "utf-7": "café ~", "iso2022_jp": "日本語", "cp037": "hello",
    }  # fmt: skip
    said = [
        Nasty(f"{name}.csv", table(rows=[(id, text) for id in ALL]).encode(name), {"encoding": name})
        for name, text in texts.items()
    ]
    return [
        *said,
        Nasty("bom.csv", b"\xef\xbb\xbf" + PLAIN),
        Nasty("windows-1252.csv", western.encode("windows-1252")),
        Nasty("utf-16.csv", table("\t").encode("utf-16")),
        Nasty("utf-16-be.csv", b"\xfe\xff" + table().encode("utf-16-be")),
        Nasty("utf-16-le without a bom.csv", table(";").encode("utf-16-le")),
        Nasty("utf-32.csv", table().encode("utf-32")),
        Nasty("latin letters in utf-8.csv", b"id,text\n1,caf\xe9\n" + "2,été à 5 €\n3,你好\n".encode(), not_utf8=1),
        Nasty("half a character in gb18030.csv", "id,text\n1,你好\n2,".encode("gb18030") + b"\x81\n3,ok\n",
              {"encoding": "gb18030"}, not_utf8=1),
        Nasty("a byte that windows-1252 has not.csv", b"id,text\n1,a\n2,\x81\n3,b\n", {"encoding": "cp1252"},
              not_utf8=1),
        Nasty("half a pair in utf-16.csv", b"\xff\xfe" + "id,text\n1,a\n2,".encode("utf-16-le") + b"\x00\xd8"
              + "\n3,b\n".encode("utf-16-le"), not_utf8=1),
        Nasty("half a unit at the end of utf-16.csv", "id,text\n1,a\n2,b\n3,c".encode("utf-16") + b"x", not_utf8=1),
        Nasty("nobody knows which.csv", table(rows=[("1", "Привет")]).encode("cp1251"), error="--encoding NAME"),
        Nasty("no such encoding.csv", PLAIN, {"encoding": "utf-9"}, error="is none that Python knows"),
        Nasty("another bom.csv", table().encode("utf-16"), {"encoding": "utf-16-be"}, error="the BOM of utf-16-le"),
    ]  # fmt: skip


def _dialects() -> list[Nasty]:
    unquoted = 'id{0}text\n1{0}a\n2{0}b "c" d\n3{0}e\n'
    return [
        Nasty("tabs.tsv", table("\t").encode()),
        Nasty("semicolons.csv", table(";").encode()),
        Nasty("pipes.txt", table("|").encode()),
        Nasty("colons.csv", unquoted.format(":").encode(), {"delimiter": ":"}),
        Nasty("sep.csv", b"sep=;\r\n" + table(";", end="\r\n").encode()),
        Nasty("single quotes.csv", table(quote="'").encode(), {"quote": "'"}),
        Nasty("no quotes.csv", b'id,text\n1,"a\n2,b"\n3,"c"d\n', {"quote": "none"}),
        Nasty("escapes.csv", b'id,text\n1,"a \\"b\\", c"\n2,d\\, e\n3,"f\\\\"\n', {"escape": "\\"}),
        Nasty("comments.csv", b"# of today\n" + PLAIN + b"# the end\n"),
        Nasty("a title.csv", b"Messages of the day\n\n" + PLAIN, {"skip_lines": 1}),
        Nasty("no header.csv", table(header=False).encode(), {"columns": ("id", "text")}),
        Nasty("surplus.csv", b"id,text\n1,well, well, well\n2,b\n3,c, d\n", {"rest": "text"}),
        Nasty("two delimiters.csv", b"id,text;x\n1,a;b\n2,c;d\n", error="its delimiter is in doubt"),
        Nasty("a delimiter of two.csv", PLAIN, {"delimiter": "::"}, error="--delimiter is one character"),
    ]


def _containers() -> list[Nasty]:
    packed, many = gzip.compress(PLAIN, mtime=0), gzip.compress(MANY, mtime=0)
    zeros = gzip.compress(bytes(1 << 20), mtime=0) * 80
    return [
        Nasty("gzip.csv.gz", packed),
        Nasty("gzip by another name.csv", packed),
        Nasty("zstd.csv.zst", ZSTD),
        Nasty("bzip2.csv.bz2", bz2.compress(PLAIN)),
        Nasty("xz.csv.xz", lzma.compress(PLAIN)),
        Nasty("lz4.csv.lz4", lz4(PLAIN)),
        Nasty("zip.zip", zipped("messages.csv")),
        Nasty("two streams.csv.gz", packed + gzip.compress(b"4,again\n", mtime=0), scored=(*ALL, "4")),
        Nasty("utf-16 in gzip.gz", gzip.compress(table(";").encode("utf-16"), mtime=0)),
        Nasty("two files.zip", zipped("a.csv", "b.csv"), error="the zip archive has 2 files"),
        Nasty("a workbook.xlsx", zipped("[Content_Types].xml", "xl/workbook.xml"), error="save it as CSV"),
        Nasty("packed twice.csv.gz", gzip.compress(bz2.compress(PLAIN), mtime=0), error="packed twice"),
        Nasty("a tar.tar", tarred(), error="a tar archive"),
        Nasty("parquet.csv", b"PAR1\x15\x04\x15\x10" + bytes(99), error="a Parquet file"),
        Nasty("cut.csv.gz", many[: len(many) // 2], error="the gzip data ends too early"),
        Nasty("cut.zip", zipped("messages.csv")[:-9], error="the zip archive is damaged"),
        Nasty("cut.csv.xz", lzma.compress(MANY)[:-20], error="the xz data ends too early"),
        Nasty("flipped.csv.gz", flipped(many, len(many) // 2), error="the gzip data is damaged"),
        Nasty("flipped.csv.bz2", flipped(bz2.compress(MANY), 100), error="the bzip2 data is damaged"),
        Nasty("flipped.csv.zst", flipped(ZSTD, 5), error="the zstd data"),
        Nasty("nothing in it.csv.gz", gzip.compress(b"", mtime=0), error="empty, not even a header"),
        Nasty("more behind it.csv.gz", packed + b"hello", error="something else follows"),
        Nasty("a bomb.csv.gz", gzip.compress(b"id,text\n1,", mtime=0) + zeros, error="a decompression bomb"),
        Nasty("a bomb of zeros alone.csv.gz", zeros, error="a decompression bomb"),
    ]


def _lines() -> list[Nasty]:
    return [
        Nasty("crlf.csv", table(end="\r\n").encode()),
        Nasty("cr.csv", table(end="\r").encode()),
        Nasty("mixed.csv", b"id,text\r\n1,a\n2,b\r\n3,c\n"),
        Nasty("a lone cr.csv", b"id,text\n1,a\n2,b\rc\n3,c\n", scored=("1", "3"), codes={"stray_cr": 1}),
        Nasty("a lone cr in quotes.csv", b'id,text\n1,a\n2,"b\rc"\n3,c\n'),
        Nasty("lines in quotes.csv", b'id,text\n1,"a\n\n\r\nb"\n2,b\n3,c\n'),
        Nasty("no final line end.csv", PLAIN[:-1]),
        Nasty("blank lines.csv", b"\n\nid,text\n\n1,a\n\n\n2,b\n3,c\n\n", blank_lines=4),
        Nasty("header only.csv", b"id,text\n", scored=()),
        Nasty("header only, without a line end.csv", b"id,text", scored=()),
        Nasty("empty.csv", b"", error="empty, not even a header"),
        Nasty("only blank lines.csv", b"\n\r\n\n", error="empty, not even a header"),
    ]


def _malformed() -> list[Nasty]:
    big = b"x" * (1 << 20)
    return [
        Nasty("nuls.csv", b"id,text\n1,\x00\n2,a\x00b\n3,c\n"),
        Nasty("a bom in the middle.csv", b"id,text\n1,a\n\xef\xbb\xbf2,b\n3,c\n", scored=("1", "\ufeff2", "3")),
        Nasty("an unclosed quote.csv", b'id,text\n1,a\n2,"b\n3,c\n', scored=("1", "3"), codes={"unclosed_quote": 1}),
        Nasty("text behind a quote.csv", b'id,text\n1,a\n2,"b"c\n3,c\n', scored=("1", "3"), codes={"bad_quoting": 1}),
        Nasty("few and many.csv", b"id,text\n1,a\n2\n3,c\n4,d,e\n", {"delimiter": ","}, scored=("1", "3"),
              codes={"too_few_fields": 1, "too_many_fields": 1}),
        Nasty("rejects alone.csv", b"id,text\n1\n2\n", scored=(), codes={"too_few_fields": 2}),
        Nasty("a large record.csv", b"id,text\n1,a\n2," + big + b"\n3,c\n", scored=("1", "3"),
              codes={"record_too_large": 1}),
        Nasty("one column.csv", b'text\na\n""\nb\n\n', blank_lines=1),
        Nasty("text twice.csv", b"id,text,text\n1,a,b\n", error="more than one column 'text'"),
        Nasty("another twice.csv", b"id,text,x,x\n1,a,b,c\n2,a,b,c\n3,a,b,c\n"),
        Nasty("no text.csv", b"id,body\n1,a\n2,b\n", error="text"),
        Nasty("very wide.csv", b"id,text" + b"".join(b",c%d" % n for n in range(WIDE)) + b"\n"
              + b"".join(b"%d,a" % n + b",1" * WIDE + b"\n" for n in (1, 2, 3))),
    ]  # fmt: skip


NASTY = [*_encodings(), *_dialects(), *_containers(), *_lines(), *_malformed()]


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for each in NASTY:
        (folder / each.name).write_bytes(each.content)
        print(f"{each.name}: {each.error or f'{each.records} records, scored {len(each.scored)}, {dict(each.codes)}'}")


if __name__ == "__main__":
    main()
