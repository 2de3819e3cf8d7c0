"""What a worker may open: it is told by its own settings and by the spool, and by nothing that the server says."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from formats.errors import NightshiftError
from formats.files.location import Url
from jobs.errors import LostError, SettingsError
from jobs.place import Place
from jobs.places import SPOOL, Places, choose, name_of
from jobs.record import Life
from jobs.roots import FolderRoot, StoredRoot
from jobs.spool import Spool
from tests.support.storage import Storage

LIFE = Life("night-0123456789abcdef", "00112233aabbccdd")
OTHER = Life("night-0123456789abcdef", "ffffffffffffffff")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "deep").mkdir(parents=True)
    (tmp_path / "root" / "deep" / "in.csv").write_text("a\n1\n")
    (tmp_path / "secret.csv").write_text("a\n1\n")
    return tmp_path / "root"


def test_below_a_root_all_may_be_read_and_nothing_else(root: Path) -> None:
    place, inside = FolderRoot(root), root / "deep" / "in.csv"
    (root / "within").symlink_to(root / "deep")
    (root / "out").symlink_to(root.parent)
    (root / "secret").symlink_to(root.parent / "secret.csv")
    assert place.granted(LIFE, str(inside)) == inside
    assert place.granted(LIFE, str(root / "within" / "in.csv")) == inside
    outside = "secret", "out/secret.csv", "../secret.csv", "deep/../../secret.csv", "deep/../../nowhere", "\0"
    for name in outside:
        assert place.granted(LIFE, f"{root}/{name}") is None, name
    assert place.granted(LIFE, str(root.parent / "secret.csv")) is None
    assert place.granted(LIFE, "relative.csv") is None


def test_what_is_not_there_is_named_for_whoever_tries_to_open_it(root: Path) -> None:
    """So that the reason is `No such file`, and not that it may not be read."""
    assert FolderRoot(root).granted(LIFE, str(root / "later.csv")) == root / "later.csv"
    root.rename(root.with_name("away"))
    assert FolderRoot(root).granted(LIFE, str(root / "deep" / "in.csv")) == root / "deep" / "in.csv"


def test_through_a_spool_a_job_may_read_what_its_producer_granted(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    path = os.fsdecode(b"/data/caf\xe9.csv")
    assert spool.granted(LIFE, path) is None
    spool.grant(LIFE, path)
    assert spool.granted(LIFE, path) == Path(path)
    copy = tmp_path / "copy.csv"
    spool.grant(LIFE, path, copy)
    assert spool.granted(LIFE, path) == copy, "and is read there"
    assert spool.granted(LIFE, str(copy)) is None, "by the name that the producer gave alone"
    spool.grant(LIFE, path, Path(path))
    assert [each.read_bytes() for each in (tmp_path / "spool").iterdir()] == [os.fsencode(path)], (
        "as older workers read it"
    )
    assert spool.granted(LIFE, "/etc/passwd") is None
    assert spool.granted(OTHER, path) is None, "another life of the job is another job"
    spool.forget(LIFE)
    assert spool.granted(LIFE, path) is None
    assert list((tmp_path / "spool").iterdir()) == []


@pytest.fixture(params=["spool", "folder", "bucket"])
def place(request: pytest.FixtureRequest, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    if request.param == "bucket":
        with Storage() as storage:
            storage.reach(monkeypatch)
            yield StoredRoot(Url("s3", "mail", "in"))
            assert storage.objects() == [], "nothing is left"
    else:
        yield Spool(root / "spool") if request.param == "spool" else FolderRoot(root)


def test_a_part_is_written_once_under_a_name_that_nobody_else_has(place: Place) -> None:
    first, second = place.put_part(LIFE, 3, 1, b"lines", b"rejects"), place.put_part(LIFE, 3, 1, b"lines", b"")
    assert first != second
    with place.open_part(LIFE, first) as file:
        assert file.read() == b"linesrejects"
    place.drop_parts(LIFE, [first])
    with pytest.raises(LostError, match="is not in"):
        place.open_part(LIFE, first)
    place.forget(OTHER)
    place.open_part(LIFE, second).close()
    place.forget(LIFE)
    with pytest.raises(LostError):
        place.open_part(LIFE, second)


@pytest.mark.parametrize("kind", ["spool", "folder"])
def test_a_part_for_which_there_is_no_room_leaves_nothing(root: Path, kind: str) -> None:
    """As if the disk were full: a file may have 1,000 bytes. Its worker then leaves the batch."""
    place = Spool(root / "spool") if kind == "spool" else FolderRoot(root)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(NightshiftError, match="File too large"):
            place.put_part(LIFE, 0, 1, b"lines" * 100, b"rejects" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path for folder in (root / "spool", root / ".nightshift") for path in folder.glob("*")] == []


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "in.csv", ""])
def test_a_name_from_the_server_is_no_path(root: Path, name: str) -> None:
    place = FolderRoot(root)
    mine = place.put_part(LIFE, 0, 1, b"x")
    with pytest.raises(LostError, match="no part of the name"):
        place.open_part(LIFE, name)
    with pytest.raises(LostError, match="no part of the name"):
        place.open_part(OTHER, mine)
    place.drop_parts(LIFE, [name])
    place.drop_parts(OTHER, [mine])
    assert (root.parent / "secret.csv").exists()
    assert (root / ".nightshift" / mine).exists()


def test_a_folder_of_parts_that_leads_elsewhere_or_that_anybody_may_write_is_refused(root: Path) -> None:
    place, elsewhere = FolderRoot(root), root.parent / "elsewhere"
    mine = place.put_part(LIFE, 0, 1, b"x")
    (root / ".nightshift").rename(elsewhere)
    (root / ".nightshift").symlink_to(elsewhere)
    with pytest.raises(SettingsError, match="is a link"):
        place.put_part(LIFE, 0, 1, b"x")
    with pytest.raises(SettingsError, match="is a link"):
        place.open_part(LIFE, mine)
    place.forget(LIFE)
    place.drop_parts(LIFE, [mine])
    assert (elsewhere / mine).exists()
    (root / ".nightshift").unlink()
    elsewhere.rename(root / ".nightshift").chmod(0o777)
    with pytest.raises(SettingsError, match="may be written by anybody"):
        place.open_part(LIFE, mine)


def test_a_place_has_a_name_by_which_its_jobs_find_it(root: Path, tmp_path: Path) -> None:
    places = Places(Spool(tmp_path / "spool"), [root])
    assert places.names == [name_of(root), SPOOL]
    assert places.of(name_of(root)).granted(LIFE, str(root / "deep" / "in.csv"))
    assert not places.of("data-0000000000000000").is_there
    assert not Places(Spool(None)).of(SPOOL).is_there
    assert choose([root / "deep" / "in.csv"], [tmp_path / "other", root], spool=False) == name_of(root)
    assert choose([tmp_path / "secret.csv"], [root], spool=False) == ""
    (root / "secret").symlink_to(tmp_path / "secret.csv")
    assert choose([root / "secret"], [root], spool=False) == "", "workers would not follow it"


def test_below_a_bucket_or_a_prefix_all_may_be_read_and_nothing_else() -> None:
    place = StoredRoot(Url("s3", "mail", "in"))
    assert place.granted(LIFE, "s3://mail/in/deep/night.csv") == Url("s3", "mail", "in/deep/night.csv")
    for path in ("s3://mail/out/x", "s3://mail/in/../x", "s3://other/in/x", "s3://mail/inside", "/etc/passwd", "in/x"):
        assert place.granted(LIFE, path) is None, path
    assert choose([Url("s3", "mail", "in/x")], [Url("s3", "mail", "")], spool=False) == name_of(Url("s3", "mail", ""))
    assert choose([Url("s3", "mail", "in/x")], [Path("/s3:/mail")], spool=False) == ""
