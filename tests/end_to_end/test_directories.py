"""The embedded mode works wherever the user's files are, whatever the directory is called."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import PRODUCER

NAMES = {
    "a URL's signs and a line break": b"#1?db=3%20\nnext line",
    "blanks and quotes": b'it\'s "quoted" \\ here',
    "not UTF-8": b"caf\xe9",
    "a pattern": b"*[a-z]{x}",
    "long": b"/".join([b"x" * 60] * 3),
    "a URL": b"redis:/host:6379",
}
QUICK = "a URL's signs and a line break"


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="nightshift-"))
    yield path
    shutil.rmtree(path)


def run(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    clean = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    return subprocess.run(
        [PRODUCER, *words], cwd=folder, env={**clean, **environment}, capture_output=True, timeout=120
    )


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == QUICK else pytest.mark.slow) for name in NAMES]
)
def test_a_job_in_a_directory_of_any_name(folder: Path, name: str) -> None:
    place = folder / os.fsdecode(NAMES[name])
    place.mkdir(parents=True)
    (place / "a.csv").write_text("message_id,text\n1,hello\n2,WIN a FREE prize\n")
    done = run(place, "enqueue", "a.csv", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert len((place / "a.scores.csv").read_bytes().splitlines()) == 3
    assert run(place, "verify", "a.scores.csv").returncode == 0
    listed = run(place, "status")
    assert (listed.returncode, listed.stdout.count(b"complete")) == (0, 1), "its data is kept there"
    assert (place / ".nightshift" / "appendonlydir").is_dir()
    assert not list(folder.glob("valkey.*"))


def test_the_socket_of_such_a_directory_is_no_other_users(folder: Path) -> None:
    """Whoever may put a link, or a folder of their own, where the socket is to be would read the messages."""
    (folder / "a b").mkdir()
    (folder / "a b" / "a.csv").write_text("text\nhello\n")
    theirs = folder / f"nightshift-{os.getuid()}"
    for plant in (lambda: theirs.symlink_to(folder), lambda: theirs.mkdir(mode=0o755), lambda: theirs.write_text("")):
        plant()
        done = run(folder / "a b", "status", TMPDIR=str(folder))
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert os.fsencode(theirs) in done.stderr
        theirs.rmdir() if theirs.is_dir() and not theirs.is_symlink() else theirs.unlink()
    assert run(folder / "a b", "status", TMPDIR=str(folder)).returncode == 0
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o700
