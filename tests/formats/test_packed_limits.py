"""A bomb is told before it fills the disk, and a window before it fills the memory; a text that repeats is neither."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from formats.errors import InputError
from formats.files.open import open_file
from formats.packed import limits
from formats.packed.folder import Copy
from formats.packed.unpack import unpack
from tests.formats.packing import METHODS, STREAMS, pack, zipped

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


def test_a_bomb_is_told_before_it_fills_the_disk(packed: Callable[..., Copy], tmp_path: Path) -> None:
    assert refused(packed, pack("gzip", bytes(200 << 20))) == (
        "a decompression bomb, 64 MiB without a line end, packed more than 100 times; if it is meant to be like that, "
        "unpack it, and give the plain file"
    )
    assert "it has more than 1,000 bytes" in refused(packed, pack("gzip", CONTENT), limit=1000)
    assert list((tmp_path / "home" / "unpacked").iterdir()) == []


@pytest.mark.parametrize("kind", STREAMS)
def test_one_message_ten_thousand_times_is_none(packed: Callable[..., Copy], kind: str) -> None:
    content = b"id,text\n" + b"7,WIN a FREE prize. Reply CLAIM now\n" * 50_000
    assert packed(pack(kind, content)).path.read_bytes() == content


def test_more_than_deflate_can_do_is_one_where_it_is_large(
    packed: Callable[..., Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"7,WIN a FREE prize. Reply CLAIM now\n" * 500_000
    archive = pack("zstd", content)
    assert len(content) > limits.RATIO * len(archive)
    monkeypatch.setattr(limits, "RATIO_FROM", len(content) // 2)
    assert refused(packed, archive).startswith("a decompression bomb, ")


def test_a_disk_that_fills_up_meanwhile(packed: Callable[..., Copy], monkeypatch: pytest.MonkeyPatch) -> None:
    """The room that has to be left is what there is, so that any byte is too many."""
    monkeypatch.setattr(limits, "LOOK_BYTES", 1)
    real = os.statvfs

    def all_is_to_be_left(folder: Path) -> object:
        found = real(folder)
        monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((*found[:4], 0, *found[5:])))
        return found

    monkeypatch.setattr(os, "statvfs", all_is_to_be_left)
    assert "make room" in refused(packed, pack("gzip", CONTENT))


def test_memory_stays_within_bounds_whatever_the_window(tmp_path: Path) -> None:
    """A window of 1 GiB, of which the header alone speaks, and a bomb whose pieces would be gigabytes."""
    wide = b"\x28\xb5\x2f\xfd\x00" + bytes([20 << 3]) + pack("zstd", CONTENT)[9:]
    (tmp_path / "wide").write_bytes(wide)
    (tmp_path / "bomb").write_bytes(zipped({"a.csv": b"7,x\n" * (25 << 20)}, METHODS["zip lzma"]))
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from formats.errors import InputError\n"
        "from formats.files.open import open_file\n"
        "from formats.packed.unpack import unpack\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for name in sys.argv[2:]:\n"
        "    try:\n"
        "        print(unpack(open_file(Path(name)), Path(sys.argv[1])).size)\n"
        "    except InputError as error:\n"
        "        print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", program, tmp_path / "unpacked", tmp_path / "wide", tmp_path / "bomb"]
    told, size, grown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "to unpack it zstd wants more than 128 MiB of memory: unpack it, " in told
    assert int(size) == 100 << 20
    assert int(grown) >> (10 if sys.platform == "linux" else 20) < 50
