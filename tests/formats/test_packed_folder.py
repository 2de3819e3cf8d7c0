"""Copies appear whole, are found again, and are nobody else's; what is piped is a file by its content."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from formats.errors import InputError, NightshiftError
from formats.files.open import open_file
from formats.packed.folder import Copy, Folder, use
from formats.packed.spool import is_stream, open_stream, spool_stream
from formats.packed.unpack import unpack
from tests.formats.packing import pack
from tests.support.waiting import until

CONTENT = b"id,text\n" + b"".join(b"%d,message %d\n" % (row, row * row % 977) for row in range(20_000))
UNPACK = (
    "import sys\n"
    "from pathlib import Path\n"
    "from formats.files.open import open_file\n"
    "from formats.packed.unpack import unpack\n"
    "copy = unpack(open_file(Path(sys.argv[1])), Path(sys.argv[2]))\n"
    "print(copy.path, copy.digest)\n"
)
SPOOL = (
    "import sys\n"
    "from pathlib import Path\n"
    "from formats.packed.spool import spool_stream\n"
    "print(spool_stream(sys.stdin.buffer, Path(sys.argv[1])).path)\n"
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home" / "unpacked"


@pytest.fixture
def original(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv.gz"
    path.write_bytes(pack("gzip", CONTENT))
    return path


def make(original: Path, home: Path, **options: str) -> Copy:
    return unpack(open_file(original), home, **options)


def names(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir())


def test_it_is_made_once_and_found_again(original: Path, home: Path, tmp_path: Path) -> None:
    copy = make(original, home)
    status = copy.path.stat()
    again = make(original, home)
    assert (copy.found, again.found) == (False, True)
    assert (again.path, again.size, again.digest, again.packed_bytes) == (
        copy.path, copy.size, copy.digest, original.stat().st_size
    )  # fmt: skip
    assert copy.path.stat() == status, "who reads it by range would take it for another file"
    (tmp_path / "link").symlink_to(tmp_path)
    assert make(tmp_path / "link" / "in.csv.gz", home).found
    assert names(home) == sorted([copy.path.name, f"{copy.path.name}.json"])


def test_made_again_it_is_the_same_file(original: Path, home: Path) -> None:
    copy = make(original, home)
    assert copy.mtime_ns == original.stat().st_mtime_ns
    copy.path.unlink()
    again = make(original, home)
    assert not again.found
    assert (again.path, again.size, again.mtime_ns) == (copy.path, copy.size, copy.mtime_ns)


def test_another_version_or_encoding_is_another_copy(original: Path, home: Path) -> None:
    paths = {make(original, home).path, make(original, home, encoding="cp500").path}
    os.utime(original, ns=(0, 5))
    paths.add(make(original, home).path)
    original.write_bytes(pack("gzip", CONTENT + b"1,x\n"))
    paths.add(make(original, home).path)
    assert len(paths) == 4


@pytest.mark.parametrize("spoiled", ["shorter", "written", "about", "link", "about a link"])
def test_a_copy_that_is_not_as_it_was_made_is_made_anew(
    original: Path, home: Path, tmp_path: Path, spoiled: str
) -> None:
    copy = make(original, home)
    about = copy.path.with_name(f"{copy.path.name}.json")
    other = tmp_path / "other"
    other.write_bytes(b"theirs")
    match spoiled:
        case "shorter":
            os.truncate(copy.path, 10)
        case "written":
            copy.path.write_bytes(CONTENT[::-1])
        case "about":
            about.write_bytes(b"{")
        case "link":
            copy.path.unlink()
            copy.path.symlink_to(other)
        case "about a link":
            about.unlink()
            about.symlink_to(other)
    assert not make(original, home).found
    assert copy.path.read_bytes() == CONTENT
    assert make(original, home).found
    assert other.read_bytes() == b"theirs"


def test_nobody_else_may_look_into_it(original: Path, home: Path) -> None:
    home.mkdir(mode=0o755, parents=True)
    before = os.umask(0)
    try:
        copy = make(original, home)
    finally:
        os.umask(before)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for name in names(home):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert copy.path.parent == home


def test_a_folder_that_is_a_link_is_refused(original: Path, home: Path, tmp_path: Path) -> None:
    home.parent.mkdir()
    home.symlink_to(tmp_path)
    with pytest.raises(NightshiftError, match="a link: remove it"):
        make(original, home)


def test_a_killed_one_is_made_from_the_beginning_and_it_is_said(home: Path, tmp_path: Path) -> None:
    """Killed while it waits for more of a FIFO, since a whole archive is unpacked too fast to be met."""
    command = [sys.executable, "-c", SPOOL, home]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(CONTENT)
        process.stdin.flush()
        until(lambda: home.exists() and any(path.stat().st_size for path in home.glob(".piped.*.partial")), 20)
        with Folder(home).begin("piped") as other:
            assert not other.again, "it is written still"
        assert len(names(home)) == 1
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert names(home)[0].endswith(".partial")
    with (tmp_path / "in").open("wb") as file:
        file.write(CONTENT)
    with (tmp_path / "in").open("rb") as stream:
        copy = spool_stream(stream, home)
    assert copy.again
    assert copy.path.read_bytes() == CONTENT
    assert names(home) == sorted([copy.path.name, f"{copy.path.name}.json"])


def test_two_at_the_same_moment_do_not_disturb_each_other(original: Path, home: Path) -> None:
    command = [sys.executable, "-c", UNPACK, original, home]
    for _ in range(3):
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        told = {process.communicate()[0] for process in processes}
        assert [process.returncode for process in processes] == [0, 0, 0]
        assert len(told) == 1
        path = Path(told.pop().split()[0])
        assert path.read_bytes() == CONTENT
        assert names(home) == sorted([path.name, f"{path.name}.json"])
        path.unlink()


def test_what_nobody_used_for_so_long_goes(original: Path, home: Path, tmp_path: Path) -> None:
    os.utime(original, (1, 1))
    copy = make(original, home)
    folder = Folder(home)
    (home / ".x.0.partial").write_bytes(b"left by a killed process")
    assert folder.tidy(keep_seconds=60) == []
    about = copy.path.with_name(f"{copy.path.name}.json")
    os.utime(about, (1, 1))
    use(copy.path)
    assert folder.tidy(keep_seconds=60) == []
    os.utime(about, (1, 1))
    make(original, home)
    assert folder.tidy(keep_seconds=60) == []
    with folder.begin("being-written") as partial:
        os.utime(about, (1, 1))
        assert folder.tidy(keep_seconds=60) == [copy.path.name]
        time.sleep(0.05)
        assert folder.tidy(keep_seconds=0.01) == [".x.0.partial"]
        partial.write(b"x")
    assert names(home) == []


def test_the_same_bytes_piped_again_are_the_same_file(home: Path) -> None:
    command = [sys.executable, "-c", SPOOL, home]
    paths = {subprocess.run(command, input=CONTENT, capture_output=True, check=True).stdout for _ in range(2)}
    paths.add(subprocess.run(command, input=CONTENT + b"x", capture_output=True, check=True).stdout)
    assert len(paths) == 2
    assert {Path(path.decode().strip()).read_bytes() for path in paths} == {CONTENT, CONTENT + b"x"}
    assert len({Path(path.decode().strip()).stat().st_mtime_ns for path in paths}) == 1


@pytest.mark.parametrize("kind", ["gzip", "zip deflated"])
def test_what_is_piped_may_be_packed(home: Path, kind: str) -> None:
    command = [sys.executable, "-c", SPOOL, home]
    run = subprocess.run(command, input=pack(kind, CONTENT), capture_output=True, check=True, text=False)
    spooled = Path(run.stdout.decode().strip())
    assert make(spooled, home, named="standard input").path.read_bytes() == CONTENT
    assert make(spooled, home).found


def test_what_is_piped_has_no_name_to_speak_of(home: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(pack("gzip", CONTENT)[:-1])
    with (tmp_path / "in").open("rb") as stream:
        spooled = spool_stream(stream, home)
    with pytest.raises(InputError, match=r"^standard input: the gzip data ends too early"):
        make(spooled.path, home, named="standard input")


def test_an_interrupted_pipe_leaves_nothing(home: Path) -> None:
    command = [sys.executable, "-c", SPOOL, home]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(CONTENT)
        process.stdin.flush()
        until(lambda: home.exists() and any(path.stat().st_size for path in home.glob(".piped.*.partial")), 20)
        process.send_signal(signal.SIGINT)
        process.wait()
    assert names(home) == []


def test_a_pipe_that_has_nothing_for_the_moment_is_not_at_its_end(home: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    command = [sys.executable, "-c", SPOOL, home]
    with subprocess.Popen(command, stdin=reader, stdout=subprocess.PIPE) as process, os.fdopen(writer, "wb") as pipe:
        os.close(reader)
        for begin in range(0, len(CONTENT), 100_000):
            pipe.write(CONTENT[begin : begin + 100_000])
            pipe.flush()
            time.sleep(0.1)
        pipe.close()
        told = process.communicate()[0]
    assert Path(told.decode().strip()).read_bytes() == CONTENT


def test_what_can_be_read_only_once_is_told(tmp_path: Path, original: Path, home: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert is_stream(fifo)
    assert is_stream(Path("/dev/null"))
    with original.open("rb") as file:
        assert is_stream(Path(f"/dev/fd/{file.fileno()}")), "no worker has that"
    assert not is_stream(original)
    assert not is_stream(tmp_path)
    assert not is_stream(tmp_path / "none")
    with pytest.raises(InputError, match="none: No such file"):
        open_stream(tmp_path / "none")


def test_a_fifo_is_read_to_its_end(tmp_path: Path, original: Path, home: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["sh", "-c", 'cat "$1" > "$2"', "sh", original, fifo]), open_stream(fifo) as stream:
        spooled = spool_stream(stream, home)
    assert make(spooled.path, home).path.read_bytes() == CONTENT


def test_a_pipe_of_what_can_not_be_read_is_refused_at_its_beginning(home: Path) -> None:
    """It has no end."""
    with subprocess.Popen(["sh", "-c", "printf '%%PDF-1.7'; exec cat /dev/zero"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        with pytest.raises(InputError, match=r"^standard input: a PDF"):
            spool_stream(process.stdout, home)
        process.kill()
    with Path("/dev/zero").open("rb") as endless, pytest.raises(InputError, match="it has more than 1,000,000 bytes"):
        spool_stream(endless, home, limit=1_000_000)
    assert names(home) == []


def test_a_killed_unpacking_is_begun_anew(home: Path, tmp_path: Path) -> None:
    content = b"7,WIN a FREE prize. Reply CLAIM now\n" * 4_000_000
    original = tmp_path / "in.gz"
    original.write_bytes(pack("gzip", content))
    with subprocess.Popen([sys.executable, "-c", UNPACK, original, home]) as process:
        until(lambda: home.exists() and any(path.stat().st_size for path in home.glob(".*.partial")), 20, pause=0.001)
        process.kill()
    assert all(name.endswith(".partial") for name in names(home))
    copy = make(original, home)
    assert (copy.again, copy.found) == (True, False)
    assert copy.path.read_bytes() == content
    assert names(home) == sorted([copy.path.name, f"{copy.path.name}.json"])
