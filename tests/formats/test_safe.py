"""Files of ours where others may write: what they put in our way is neither followed nor written to."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from formats.files import safe

OTHER = 4711  # a user who is not this one
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "victim"
    path.write_bytes(b"precious")
    return path


WAYS: dict[str, Callable[[Path, Path], object]] = {
    "link": lambda path, victim: path.symlink_to(victim),
    "link that leads nowhere": lambda path, victim: path.symlink_to(victim.with_name("nothing")),
    "second name": lambda path, victim: path.hardlink_to(victim),
    "pipe": lambda path, _: os.mkfifo(path),
    "folder": lambda path, _: path.mkdir(),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_stands_in_the_way_is_named_and_left_alone(way: str, victim: Path, tmp_path: Path) -> None:
    path = tmp_path / "ours"
    WAYS[way](path, victim)
    with pytest.raises(OSError, match=r"ours") as refused:
        safe.open_or_create(path, safe.PRIVATE)
    assert refused.value.filename == str(path)
    with pytest.raises(FileExistsError):
        safe.create(path)
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "nothing").exists()


@as_root
def test_a_file_of_somebody_elses_is_neither_resumed_nor_replaced(tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    path.write_bytes(b"theirs")
    os.chown(path, OTHER, OTHER)
    for use in (safe.reopen, safe.open_or_create, safe.check_replaceable):
        with pytest.raises(PermissionError, match="another user's"):
            use(path)
    with pytest.raises(PermissionError), safe.replacing(path):
        pass
    assert path.read_bytes() == b"theirs"
    assert [each.name for each in tmp_path.iterdir()] == ["theirs"]
    assert not safe.is_ours(path)


@as_root
def test_a_link_of_somebody_elses_leads_to_no_folder_of_ours(tmp_path: Path) -> None:
    home, link = tmp_path / "home", tmp_path / ".nightshift"
    home.mkdir(mode=0o755)
    link.symlink_to(home)
    os.chown(link, OTHER, OTHER, follow_symlinks=False)
    with pytest.raises(PermissionError, match="another user's"):
        safe.make_private_folder(link)
    assert stat.S_IMODE(home.stat().st_mode) == 0o755


@as_root
def test_a_folder_of_somebody_elses_is_no_place_for_state(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, OTHER, OTHER)
    for use in (safe.make_private_folder, safe.check_folder):
        with pytest.raises(PermissionError, match="another user's"):
            use(theirs)
    assert not list(theirs.iterdir())


def write_half(path: Path) -> None:
    with safe.replacing(path) as file:
        file.write(b"half")
        raise TypeError


def test_a_file_that_is_replaced_is_whole_or_as_it_was_and_a_link_is_not_followed(victim: Path, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.symlink_to(victim)
    with pytest.raises(TypeError):
        write_half(path)
    assert path.is_symlink()
    with safe.replacing(path) as file:
        file.write(b"whole")
    assert not path.is_symlink()
    assert (path.read_bytes(), victim.read_bytes()) == (b"whole", b"precious")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out", "victim"]


def test_the_handle_of_a_process_is_not_replaced(tmp_path: Path) -> None:
    """/dev/stdout is such a link: where root wrote there, it would be a file from then on."""
    stdout = tmp_path / "stdout"
    stdout.symlink_to("/proc/self/fd/1")
    with pytest.raises(PermissionError, match="handle"):
        safe.check_replaceable(stdout)
    assert stdout.is_symlink()


def test_state_and_what_is_made_above_it_is_ours_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    old = os.umask(0o002)
    try:
        safe.make_private_folder(tmp_path / "a" / "b")
        safe.open_or_create(tmp_path / "a" / "b" / "log", safe.PRIVATE).close()
        with safe.replacing(tmp_path / "scores") as file:
            file.write(b"")
    finally:
        os.umask(old)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "b": 0o700, "log": 0o600, "scores": 0o664}
    (tmp_path / "a" / "b" / "log").chmod(0o644)  # as an older version made it
    safe.open_or_create(tmp_path / "a" / "b" / "log", safe.PRIVATE).close()
    assert stat.S_IMODE((tmp_path / "a" / "b" / "log").stat().st_mode) == 0o600
