"""The files of a joined source: which can be one, what is said of one that can't, and what happens when one changes."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from formats.csv.reader import Reader
from formats.errors import ChangedError, InputError
from formats.files.location import locate
from formats.joined.source import JoinedSource, join
from tests.formats.toys import BarsSource
from tests.support.storage import Storage
from tests.support.waiting import until

HEADER = b"id,text\n"


def written(folder: Path, *contents: bytes) -> list[Path]:
    files = [folder / f"{number}.csv" for number in range(len(contents))]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    return files


def joined(files: Sequence[Path]) -> JoinedSource:
    return join(Path("in"), files, Reader)


def three(folder: Path) -> list[Path]:
    return written(folder, *(HEADER + b"%d,x\n%d,y\n" % (number, number) for number in range(3)))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"id,txt", "not those of 0.csv: it lacks 'text'; it has 'txt' besides"),
        (b"id", "not those of 0.csv: it lacks 'text'"),
        (b"id,text,more", "not those of 0.csv: it has 'more' besides"),
        (b"id,text,text", "not those of 0.csv: it has 'text' besides"),
        (b"text,id", "those of 0.csv in another order: column 1 is 'text' and not 'id'"),
        (b"ID,text", "not those of 0.csv: it lacks 'id'; it has 'ID' besides"),
        (b'"a\x1b[31m\n",b,c,d,e',
         "not those of 0.csv: it lacks 'id', 'text'; it has 'a\\x1b[31m\\n', 'b', 'c', 'd', 'e' besides"),
    ],
)  # fmt: skip
def test_a_header_that_differs_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: bytes, said: str
) -> None:
    written(tmp_path, HEADER + b"1,x\n", HEADER, header + b"\n2,y\n", b"other\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as refused:
        joined([Path(f"{number}.csv") for number in range(4)])
    assert str(refused.value) == f"2.csv: its columns are {said}: score it by itself"


def test_what_is_said_of_a_header_is_short(tmp_path: Path) -> None:
    """A file of another kind has anything in its first line."""
    files = written(tmp_path, HEADER, b",".join(b"%d" % number * 3000 for number in range(100)) + b"\n")
    with pytest.raises(InputError) as refused:
        joined(files)
    assert len(str(refused.value).replace(str(tmp_path), "")) < 400


def test_a_file_that_is_empty_or_gone_is_named(tmp_path: Path) -> None:
    files = written(tmp_path, HEADER + b"1,x\n", b"")
    with pytest.raises(InputError, match=f"{files[1]}: empty, not even a header"):
        joined(files)
    with pytest.raises(InputError, match=f"{tmp_path}/none.csv: No such file"):
        joined([files[0], tmp_path / "none.csv"])
    with pytest.raises(InputError, match="no files"):
        joined([])


def test_the_column_of_names_is_none_of_the_files_own(tmp_path: Path) -> None:
    files = written(tmp_path, b"file,_file\n1,2\n")
    with joined(files) as source:
        assert source.columns == ["file", "_file", "__file"]
        (block,) = source.blocks(["_file", "__file", "file"])
        assert block.records.to_pylist() == [{"_file": b"2", "__file": os.fsencode(files[0]), "file": b"1"}]
        with pytest.raises(InputError, match="in: no column named 'nobody'; there are 'file', '_file', '__file'"):
            source.blocks(["nobody"])


def test_a_name_is_what_was_given_whatever_bytes_it_has(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff,\n.csv"))
    odd.write_bytes(HEADER + b"1,x\n2\n")
    with joined([odd]) as source:
        (block,) = source.blocks(["file"])
        assert block.records.column(0).to_pylist() == [os.fsencode(odd)]
        assert block.rejects[0].detail.endswith(r"/\udcff,\n.csv'")
        assert len(source.version) == 32


def test_files_of_several_formats_may_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEADER + b"1,x\n")
    (tmp_path / "b.bars").write_bytes(b"id|text\n2|y\n3|z|\n")
    files = [tmp_path / "a.csv", tmp_path / "b.bars"]

    def open_one(file: Path) -> Reader | BarsSource:
        return Reader(file) if file.suffix == ".csv" else BarsSource(file, 100)

    with join(tmp_path, files, open_one) as source:
        assert [block.records.column(0).to_pylist() for block in source.blocks(["id"])] == [[b"1"], [b"2"]]
        (reject,) = [reject for block in source.blocks([]) for reject in block.rejects]
        assert (reject.record, reject.line, reject.detail) == (3, 3, f"3 fields, in '{files[1]}'")


def test_the_version_is_another_once_anything_of_a_file_is(tmp_path: Path) -> None:
    files = three(tmp_path)
    before = joined(files).version
    assert joined(files).version == before
    assert joined(files[::-1]).version != before
    assert joined(files[:2]).version != before
    assert join(Path("in"), files, Reader, ["a", "b", "c"]).version != before
    seen = files[1].stat().st_mtime_ns
    os.utime(files[1], ns=(0, seen + 1))
    assert joined(files).version != before
    os.utime(files[1], ns=(0, seen))
    assert joined(files).version == before


@pytest.mark.parametrize("how", ["longer", "touched", "gone"])
def test_a_file_that_changes_in_the_middle_is_named(tmp_path: Path, how: str) -> None:
    files = three(tmp_path)
    with joined(files) as source, joined(files) as other:
        ranges, blocks = list(joined(files).ranges()), source.blocks(["id"])
        next(blocks)
        if how == "gone":
            files[2].unlink()
        elif how == "touched":
            os.utime(files[2], ns=(0, 0))
        else:
            files[2].write_bytes(HEADER + b"2,x\n2,y\n3,z\n")
        assert next(blocks).records.num_rows == 2
        error = InputError if how == "gone" else ChangedError
        with pytest.raises(error, match=str(files[2])):
            next(blocks)
        assert not source.unchanged()
        assert other.read(ranges[0], ["id"]).rows == 2, "the others are as they were"
        with pytest.raises(error, match=str(files[2])):
            other.read(ranges[2], ["id"])


def test_a_file_that_changes_while_it_is_open_is_noticed(tmp_path: Path) -> None:
    files = three(tmp_path)
    with joined(files) as source:
        ranges = list(source.ranges())
        files[1].write_bytes(HEADER + b"9,x\n1,y\n")
        assert not source.unchanged()
        with pytest.raises(ChangedError, match=str(files[1])):
            source.read(ranges[1], ["id"])


def test_another_header_is_noticed_even_at_the_same_time(tmp_path: Path) -> None:
    """A disk's clock may be coarse, and a program may set times back."""
    files = three(tmp_path)
    with joined(files) as source:
        seen = files[2].stat().st_mtime_ns
        files[2].write_bytes(b"text,id\n2,x\n2,y\n")
        os.utime(files[2], ns=(0, seen))
        with pytest.raises(ChangedError, match=str(files[2])):
            list(source.blocks(["id"]))


def test_a_link_that_leads_elsewhere_now_is_another_file(tmp_path: Path) -> None:
    files = three(tmp_path)
    (tmp_path / "today.csv").symlink_to("0.csv")
    with joined([files[1], tmp_path / "today.csv"]) as source:
        assert source.unchanged()
        (tmp_path / "today.csv").unlink()
        (tmp_path / "today.csv").symlink_to("2.csv")
        os.utime(files[2], ns=(0, 0))
        assert not source.unchanged()


def test_objects_are_read_as_files_are_and_one_that_was_replaced_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with Storage() as storage:
        storage.reach(monkeypatch)
        urls = [locate(storage.put(f"in/{number}.csv", HEADER + b"%d,x\n" % number)) for number in range(12)]
        with join(locate("s3://mail/in"), urls, Reader) as source:
            names = [name for block in source.blocks(["file"]) for name in block.records.column(0).to_pylist()]
            assert names == [b"s3://mail/in/%d.csv" % number for number in range(12)]
            assert source.unchanged()
            storage.put("in/3.csv", HEADER + b"9,x\n")
            assert not source.unchanged()
            with pytest.raises(ChangedError, match=r"s3://mail/in/3\.csv"):
                list(source.blocks(["file"]))
            storage.remove("in/3.csv")
            assert not source.unchanged()


def test_objects_are_opened_ahead_and_none_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each costs two round trips in which nothing is read. One that is gone is told when its turn comes."""
    with Storage() as storage:
        storage.reach(monkeypatch)
        urls = [locate(storage.put(f"in/{number}.csv", HEADER + b"%d,x\n" % number)) for number in range(12)]
        source = join(locate("s3://mail/in"), urls, Reader)
        storage.remove("in/3.csv")
        storage.requests.clear()
        ranges = source.ranges()
        next(ranges)
        until(lambda: "GET /mail/in/9.csv" in storage.requests, 10)
        assert [found.start.record for found in (next(ranges), next(ranges))] == [2, 3]
        with pytest.raises(InputError, match=r"s3://mail/in/3\.csv: no such object"):
            next(ranges)
        source.close()
        until(lambda: not any(each.name.startswith(("open", "object")) for each in threading.enumerate()), 10)


READ_ELSEWHERE = """
import json, resource, sys
from pathlib import Path
from formats.csv.reader import Reader
from formats.joined.source import join
from formats.source import Range

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
files = [Path(sys.argv[1]) / f"{number}.csv" for number in range(200)]
with join(Path("in"), files, Reader) as source:
    unfinished = [source.blocks(["id"]) for _ in range(5)]
    for blocks in unfinished:
        next(blocks)
    assert sum(block.rows for block in source.blocks(["id"])) == 400
    for line in sys.stdin:
        block = source.read(Range.decode(json.loads(line)), ["id"])
        print(*(id.decode() for id in block.records.column(0).to_pylist()))
    assert source.unchanged()
"""


def test_another_process_that_may_open_few_files_reads_hundreds(tmp_path: Path) -> None:
    files = written(tmp_path, *(HEADER + b"%d,x\n%d,y\n" % (number, number) for number in range(200)))
    with joined(files) as source:
        ranges = [json.dumps(found.encode()) for found in source.ranges()]
    order = [number * 77 % 200 for number in range(200)]
    ran = subprocess.run(
        [sys.executable, "-c", READ_ELSEWHERE, tmp_path],
        input="\n".join(ranges[number] for number in order),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.splitlines() == [f"{number} {number}" for number in order], ran.stderr


def test_reading_imports_no_pandas(tmp_path: Path) -> None:
    """It takes half a second."""
    (file,) = written(tmp_path, HEADER + b"1,x\n")
    code = (
        "import sys; from pathlib import Path; from formats.csv.reader import Reader;"
        "from formats.joined.source import join;"
        "list(join(Path('in'), [Path(sys.argv[1])], Reader).blocks(['file'])); assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, file], check=True)
