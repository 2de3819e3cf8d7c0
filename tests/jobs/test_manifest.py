"""The list of a job's files: a worker has the same source by it, and opens nothing that its place does not grant."""

import json
import os
import random
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from formats.csv.reader import Reader
from formats.errors import ChangedError
from formats.files.location import Location, Url
from formats.joined.members import Member
from formats.joined.source import JoinedSource, join
from formats.source import Range
from jobs.errors import DamagedError
from jobs.manifest import Manifest, NotGrantedError
from jobs.place import Place
from jobs.record import Life
from jobs.reference import Reference
from jobs.roots import FolderRoot
from jobs.spool import Spool

LIFE = Life("night-0123456789abcdef", "00112233aabbccdd")
OTHER = Life("night-0123456789abcdef", "ffffffffffffffff")


def folder_of(path: Path, files: int = 3) -> Sequence[Path]:
    path.mkdir(parents=True)
    for number in range(files):
        (path / f"{number}.csv").write_text(f"id,text\n{number},x\n")
    return sorted(path.iterdir())


def source_of(files: Sequence[Path]) -> JoinedSource:
    return join(Path("in"), files, Reader, [f"{file.parent.name}/{file.name}" for file in files])


def worker_has(sent: bytes, version: str, place: Place, life: Life = LIFE) -> JoinedSource:
    """What a worker makes of what the server has."""
    manifest = Manifest.decode(sent, version)
    return JoinedSource(Path("in"), manifest.members, manifest.opener(place, life, Reader))


def test_a_worker_has_the_same_source_by_the_list_alone(tmp_path: Path) -> None:
    with source_of(folder_of(tmp_path / "in")) as source:
        manifest, spool = Manifest(source.members), Spool(tmp_path / "spool")
        spool.grant(LIFE, manifest.word)
        with worker_has(manifest.encode(), source.version, spool) as other:
            assert (other.size, other.mtime_ns, other.version) == (source.size, source.mtime_ns, source.version)
            for found in source.ranges():
                block = other.read(Range.decode(found.encode()), ["id", "file"])
                assert block == other.read(found, ["id", "file"])
                assert block.records.column(1).to_pylist() == [b"in/%d.csv" % (found.start.record - 1)]


def test_a_batch_of_several_files_is_a_reference_as_any(tmp_path: Path) -> None:
    with source_of(folder_of(tmp_path / "in", 40)) as source:
        reference = Reference(2, 40, tuple(source.ranges()))
        assert Reference.decode(reference.encode()) == reference


def test_through_a_spool_a_list_is_granted_as_a_whole_and_to_one_life(tmp_path: Path) -> None:
    files, spool = folder_of(tmp_path / "in"), Spool(tmp_path / "spool")
    secret = folder_of(tmp_path / "secret", 1)[0]
    with source_of(files) as source:
        manifest = Manifest(source.members)
        spool.grant(LIFE, manifest.word)
        with pytest.raises(NotGrantedError):
            worker_has(manifest.encode(), source.version, spool, OTHER)
        # What a stranger at the server would try: another file in the place of one that has the same name and size.
        altered = Manifest((replace_location(manifest.members[0], secret), *manifest.members[1:]))
        assert altered.version == manifest.version
        with pytest.raises(NotGrantedError, match=str(secret)):
            worker_has(altered.encode(), source.version, spool)
        with pytest.raises(NotGrantedError):
            worker_has(manifest.encode(), source.version, Spool(None))


def replace_location(member: Member, location: Location) -> Member:
    return member._replace(location=location)


def test_below_a_root_each_file_is_looked_at_by_itself(tmp_path: Path) -> None:
    files = folder_of(tmp_path / "root" / "in")
    secret = folder_of(tmp_path / "secret", 1)[0]
    root = FolderRoot(tmp_path / "root")
    with source_of(files) as source:
        manifest, ranges = Manifest(source.members), list(source.ranges())
    with worker_has(manifest.encode(), manifest.version, root) as other:
        assert [other.read(found, ["id"]).rows for found in ranges] == [1, 1, 1]
    altered = Manifest((*manifest.members[:2], replace_location(manifest.members[2], secret)))
    with worker_has(altered.encode(), manifest.version, root) as other:
        assert other.read(ranges[0], ["id"]).rows == 1
        with pytest.raises(NotGrantedError, match=str(secret)):
            other.read(ranges[2], ["id"])
    files[1].unlink()
    files[1].symlink_to(secret)
    with worker_has(manifest.encode(), manifest.version, root) as other, pytest.raises(NotGrantedError):
        other.read(ranges[1], ["id"])


def test_a_file_that_is_not_as_the_list_says_is_named(tmp_path: Path) -> None:
    files = folder_of(tmp_path / "root" / "in")
    with source_of(files) as source:
        manifest, ranges = Manifest(source.members), list(source.ranges())
    os.utime(files[1], ns=(0, 0))
    with worker_has(manifest.encode(), manifest.version, FolderRoot(tmp_path / "root")) as other:
        assert other.read(ranges[0], ["id"]).rows == 1
        with pytest.raises(ChangedError, match=str(files[1])):
            other.read(ranges[1], ["id"])


ODD = (
    Member("in/a.csv", Path("/data/in/a.csv"), 10, 1_700_000_000_000_000_001, ""),
    Member(os.fsdecode(b"in/\xff,\n.csv"), Path(os.fsdecode(b"/data/in/\xff,\n.csv")), 1 << 40, 5, ""),
    Member("/other/b.csv", Path("/other/b.csv"), 10, 0, ""),
    Member("s3://mail/in/c.csv", Url("s3", "mail", "in/c.csv"), 10, 0, 'x"1'),
    Member("another name", Path("/data/d.csv"), 10, 7, ""),
)


@pytest.mark.parametrize("members", [ODD, ODD[::-1], ODD[3:4], ODD[1:2]])
def test_a_list_comes_back_as_it_was(members: tuple[Member, ...]) -> None:
    manifest = Manifest(members)
    again = Manifest.decode(manifest.encode(), manifest.version)
    assert again == manifest
    assert (again.word, again.encode()) == (manifest.word, manifest.encode())


def test_what_is_no_list_of_that_version_is_refused() -> None:
    manifest = Manifest(ODD)
    text = json.loads(zlib.decompress(manifest.encode()))
    contents: list[object] = [
        {**text, "names": text["names"][1:]}, {**text, "sizes": [0, *text["sizes"][1:]]}, {**text, "names": "abcde"},
        {**text, "sizes": ["1", *text["sizes"][1:]]}, {**text, "base": 7}, {**text, "elsewhere": []}, [], None, 7, {},
        {**text, "elsewhere": {"0": "relative"}}, {**text, "elsewhere": {"0": "http://mail/x"}},
        {**text, "names": ["\ud800", *text["names"][1:]]}, {**text, "versions": [None, *text["versions"][1:]]},
        {column: [] for column in text}, {**text, "times": [True, *text["times"][1:]]},
    ]  # fmt: skip
    whole = manifest.encode()
    sent = [zlib.compress(json.dumps(content).encode()) for content in contents]
    for data in (*sent, b"", b"x", whole[:-5], zlib.compress(b"{"), zlib.compress(b"[" * 100_000)):
        with pytest.raises(DamagedError):
            Manifest.decode(data, manifest.version)
    with pytest.raises(DamagedError):
        Manifest.decode(whole, replace(manifest, members=ODD[1:]).version)


def test_ten_thousand_files_take_a_hundred_kilobytes() -> None:
    """With times as they are: of files written within an hour, in nanoseconds, which nothing makes shorter."""
    chance = random.Random(1)
    members = []
    for number in range(10_000):
        name = f"in/2027-05-{number % 28 + 1:02}/messages-{number:05}.csv"
        time = 1_800_000_000_000_000_000 + chance.randrange(3600 * 10**9)
        members.append(Member(name, Path("/data", name), chance.randrange(5_000, 15_000), time, ""))
    assert len(Manifest(tuple(members)).encode()) < 150_000
