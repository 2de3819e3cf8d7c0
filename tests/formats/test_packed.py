"""A packed input gives the bytes that were packed, whatever its name, or one line that says what is wrong with it."""

import io
import pickle
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import xxhash
from pyarrow import feather, orc, parquet

from formats.errors import ChangedError, InputError, NightshiftError
from formats.files.location import locate
from formats.files.open import open_file
from formats.packed.container import container_of
from formats.packed.folder import Copy
from formats.packed.unpack import peek, unpack
from tests.formats.damaged import damage, every_cut
from tests.formats.packing import KINDS, METHODS, SKIPPED, STREAMS, Memory, joined, pack, zipped
from tests.support.storage import Storage

CONTENT = b"id,text\n" + b"".join(b"%d,message %d\n" % (row, row * row % 977) for row in range(20_000))


@pytest.fixture
def packed(tmp_path: Path) -> Callable[..., Copy]:
    """Unpacks what it is given, of a file with no name to speak of."""

    def make(content: bytes, **options: object) -> Copy:
        path = tmp_path / "in"
        path.write_bytes(content)
        return unpack(open_file(path), tmp_path / "home" / "unpacked", **options)  # type: ignore[arg-type]

    return make


def refused(packed: Callable[..., Copy], content: bytes, **options: object) -> str:
    with pytest.raises(InputError) as error:
        packed(content, **options)
    text = str(error.value)
    assert text.isprintable(), repr(text)
    return text.partition("/in: ")[2] or text


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_gives_what_was_packed_and_what_is_to_be_known_of_it(packed: Callable[..., Copy], kind: str) -> None:
    archive = pack(kind, CONTENT)
    copy = packed(archive)
    assert copy.path.read_bytes() == CONTENT
    assert (copy.size, copy.packed_bytes) == (len(CONTENT), len(archive))
    assert copy.digest == xxhash.xxh3_128_hexdigest(CONTENT)
    assert copy.container == kind.partition(" ")[0]


@pytest.mark.parametrize("kind", STREAMS)
def test_several_one_behind_the_other_are_one(packed: Callable[..., Copy], kind: str) -> None:
    archive = joined(kind, [CONTENT, b"", b"1,x\n", CONTENT])
    assert packed(archive).path.read_bytes() == CONTENT + b"1,x\n" + CONTENT


@pytest.mark.parametrize("kind", ["zstd", "lz4"])
def test_frames_to_be_passed_over_are(packed: Callable[..., Copy], kind: str) -> None:
    archive = SKIPPED + pack(kind, CONTENT) + SKIPPED + pack(kind, b"1,x\n")
    copy = packed(archive)
    assert (copy.container, copy.path.read_bytes()) == (kind, CONTENT + b"1,x\n")


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_zeros_behind_the_end_are_padding_and_anything_else_is_not(packed: Callable[..., Copy], kind: str) -> None:
    archive = pack(kind, CONTENT)
    assert packed(archive + bytes(1000)).path.read_bytes() == CONTENT
    assert packed(archive + bytes(100_000) + archive).path.read_bytes() == CONTENT * 2
    text = refused(packed, archive + b"hello")
    assert text == (
        f"something else follows behind the {kind} data, at byte {len(archive):,}: cut it off, or get the file again"
    )


@pytest.mark.parametrize("kind", ["zstd", "lz4", *METHODS])
def test_where_padding_is_not_usual_nothing_may_follow(packed: Callable[..., Copy], kind: str) -> None:
    refused(packed, pack(kind, CONTENT) + bytes(1000))
    refused(packed, pack(kind, CONTENT) + b"something else")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_not_whole_says_so_and_leaves_nothing(
    packed: Callable[..., Copy], kind: str, tmp_path: Path
) -> None:
    archive = pack(kind, CONTENT)
    text = refused(packed, archive[: len(archive) // 2])
    assert "not whole" in text or "ends too early" in text
    assert list((tmp_path / "home" / "unpacked").iterdir()) == []


def test_what_a_wrong_checksum_looks_like(packed: Callable[..., Copy]) -> None:
    archive = bytearray(pack("gzip", CONTENT))
    archive[-6] ^= 1
    assert refused(packed, bytes(archive)) == (
        f"the gzip data is damaged before byte {len(archive):,} (incorrect data check): get it again"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_cut_at_every_byte_and_with_each_bit_flipped_it_is_right_or_refused(kind: str) -> None:
    outcomes = every_cut(kind, b"id,text\n1,hello\n2,hello hello hello hello\n")
    assert outcomes["cut refused"] > 35, outcomes
    assert not outcomes["cut right"], outcomes
    assert outcomes["cut plain"] <= 4, outcomes  # less than a magic number
    assert outcomes["flipped refused"] > 250, outcomes


def test_damaged_at_random() -> None:
    outcomes = damage(seed=1, inputs=1500)
    for kind in KINDS:
        assert outcomes[f"{kind} refused"] > 50, outcomes


def test_a_zip_archive_has_one_file(packed: Callable[..., Copy]) -> None:
    extras = {"in/": b"", "__MACOSX/in/._a.csv": b"x", "in/.DS_Store": b"x", ".DS_Store": b"x"}
    assert packed(zipped(extras | {"in/a.csv": CONTENT})).path.read_bytes() == CONTENT
    assert refused(packed, zipped(extras)) == "the zip archive has no file in it"
    assert refused(packed, zipped({})) == "the zip archive has no file in it"
    names = {f"{name}\n\x1b[31m\u202e.csv": b"x" for name in "abcd"}
    assert refused(packed, zipped(names)) == (
        r"the zip archive has 4 files ('a\n\x1b[31m\u202e.csv', 'b\n\x1b[31m\u202e.csv', 'c\n\x1b[31m\u202e.csv', …): "
        "unpack it, and give one of them"
    )


def test_a_zip_archive_that_is_encrypted_or_packed_otherwise(packed: Callable[..., Copy]) -> None:
    archive = zipped({"a.csv": CONTENT})
    at = archive.index(b"PK\x01\x02")
    assert "is encrypted" in refused(packed, archive[: at + 8] + b"\x01" + archive[at + 9 :])
    assert "a method that is not known here (93)" in refused(packed, archive[: at + 10] + b"\x5d" + archive[at + 11 :])


def test_a_directory_of_a_zip_archive_that_is_huge_is_not_read(packed: Callable[..., Copy]) -> None:
    text = refused(packed, zipped({f"{number:080}": b"" for number in range(9000)}))
    assert text == "a zip archive of very many files: unpack it, and give them"


def test_two_zip_archives_one_behind_the_other_do_not_lose_the_first(packed: Callable[..., Copy]) -> None:
    text = refused(packed, zipped({"a.csv": CONTENT}) + zipped({"b.csv": b"id,text\n1,x\n"}))
    assert text == "the zip archive has something else in it, such as another one before it: unpack it"


def test_packed_twice_is_told_and_not_scored(packed: Callable[..., Copy]) -> None:
    text = refused(packed, zipped({"a.csv.gz": pack("gzip", CONTENT)}))
    assert text == "packed twice, by gzip and then by zip: unpack it once"


def test_what_is_known_and_no_table_of_text_is_named_with_a_way_out(
    packed: Callable[..., Copy], tmp_path: Path
) -> None:
    table = pa.table({"id": list(range(500)), "text": ["x"] * 500})
    parquet.write_table(table, tmp_path / "parquet")
    feather.write_feather(table, tmp_path / "feather")
    orc.write_table(table, tmp_path / "orc")
    with sqlite3.connect(tmp_path / "sqlite") as database:
        database.execute("create table messages (id, text)")
    database.close()
    for compression in ("", ":gz"):
        with tarfile.open(tmp_path / f"tar{compression}", f"w{compression}") as tar:
            tar.add(tmp_path / "orc", "messages.csv")
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    contents = {
        "an Excel workbook": zipped({"[Content_Types].xml": b"x", "xl/workbook.xml": b"x"}),
        "an OpenDocument": zipped({"mimetype": b"x", "content.xml": b"x", "META-INF/manifest.xml": b"x"}),
        "an Excel workbook of the old kind": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "an Arrow stream": stream.getvalue(),
        "a Python pickle": pickle.dumps({"text": ["a"]}),
        "an Avro file": b"Obj\x01\x04\x14avro.codec",
        "a PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        "a 7z archive": b"7z\xbc\xaf\x27\x1c\x00\x04",
        "a rar archive": b"Rar!\x1a\x07\x01\x00",
    }
    names = {"parquet": "a Parquet", "feather": "an Arrow", "orc": "an ORC", "sqlite": "an SQLite", "tar": "a tar"}
    contents |= {what: (tmp_path / name).read_bytes() for name, what in names.items()}
    for what, content in contents.items():
        text = refused(packed, content)
        assert text.startswith(what), text
        assert ": " in text.removeprefix(what), f"no way out: {text}"
    assert "in its gzip data: a tar archive: unpack it" in refused(packed, (tmp_path / "tar:gz").read_bytes())


@pytest.mark.parametrize(
    "text",
    ["PAR1,text\n1,x\n", "ORC\n1\n", "Obj\n", "BZh,text\n", "PK,text\n", "(a),b\n", "7z,x\n", "P", "", "DUCK" * 9],
)
def test_a_text_that_begins_like_one_is_a_text(packed: Callable[..., Copy], text: str) -> None:
    assert container_of(text.encode()) == ""
    assert packed(text.encode()).path.read_bytes() == text.encode()


def test_a_file_that_is_still_being_written_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "in.gz"
    archive = pack("gzip", CONTENT)
    path.write_bytes(archive[:-100])
    file = open_file(path)
    path.write_bytes(archive)
    with pytest.raises(ChangedError):
        unpack(file, tmp_path / "unpacked")
    file.close()


def test_progress_is_of_the_packed_bytes_and_comes_to_an_end(packed: Callable[..., Copy]) -> None:
    told: list[tuple[int, int | None]] = []
    archive = pack("gzip", CONTENT)
    packed(archive, progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (len(archive), len(archive))
    assert 1 < len(told) < 10


def test_the_beginning_is_there_without_a_copy(tmp_path: Path) -> None:
    for kind in KINDS:
        head = peek(Memory(pack(kind, CONTENT)), 100_000)
        assert CONTENT.startswith(head)
        assert 100_000 <= len(head) < len(CONTENT)
    with pytest.raises(InputError):
        peek(Memory(pack("gzip", CONTENT)[:5000]), 1 << 20)


def test_an_object_of_a_bucket_is_unpacked_as_a_file_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with Storage() as storage:
        storage.reach(monkeypatch)
        for kind in ("gzip", "zip deflated"):
            file = open_file(locate(storage.put("in/messages", pack(kind, CONTENT))))
            copy = unpack(file, tmp_path / "unpacked")
            assert copy.path.read_bytes() == CONTENT
            assert unpack(file, tmp_path / "unpacked").found
            file.close()


def test_a_disk_that_is_gone_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "unpacked").write_bytes(b"a file")
    with pytest.raises(NightshiftError) as error:
        unpack(Memory(pack("gzip", CONTENT)), tmp_path / "unpacked")
    assert str(error.value) == f"{tmp_path / 'unpacked'}: it is no folder"
