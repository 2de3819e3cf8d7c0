"""What every source has to do, whatever its format: the next one joins SOURCES."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from formats.csv.reader import Reader
from formats.csv.sink import CsvSink
from formats.errors import InputError
from formats.joined.source import join
from formats.position import Position
from formats.sink import Sink
from formats.source import Block, Source
from tests.formats.toys import BarsSink, BarsSource

COLUMNS = ["id", "text", "empty"]
ROWS = [[b"%d" % n, b'naive "quoted", \xff text\n%d' % n * (n % 3), b""] for n in range(50)]


def open_csv(path: Path, limit: int) -> Source:
    return Reader(path, limit, block_bytes=200)  # some records a block


def open_joined(path: Path, limit: int) -> Source:
    return join(path, files_of(path), lambda file: open_csv(file, limit))


# What opens it, what writes such a file, and how many files the records are in; several are in a folder.
SOURCES = {"csv": (open_csv, CsvSink(), 1), "bars": (BarsSource, BarsSink(), 1), "joined": (open_joined, CsvSink(), 3)}
MORE = {"joined": ["file"]}  # columns that no file has


def files_of(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def written(path: Path, sink: Sink, files: int) -> Path:
    if files == 1:
        write(path, sink, ROWS)
        return path
    path.mkdir()
    for number in range(files):
        write(path / f"{number}.csv", sink, ROWS[len(ROWS) * number // files : len(ROWS) * (number + 1) // files])
    return path


def write(path: Path, sink: Sink, rows: list[list[bytes]]) -> None:
    arrays = [pa.array([row[index] for row in rows], pa.binary()) for index in range(len(COLUMNS))]
    path.write_bytes(sink.header(COLUMNS) + bytes(sink.encode(arrays)))


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    opened, sink, files = SOURCES[request.param]
    with opened(written(tmp_path / "messages", sink, files), 190) as source:
        yield source


def rows_of(blocks: Iterator[Block]) -> list[list[bytes]]:
    return [list(row) for block in blocks for row in zip(*(each.to_pylist() for each in block.records), strict=True)]


def test_every_value_is_there_as_it_was_written(source: Source, request: pytest.FixtureRequest) -> None:
    assert source.columns == [*COLUMNS, *MORE.get(request.node.callspec.params["source"], [])]
    assert rows_of(source.blocks(COLUMNS)) == ROWS
    assert rows_of(source.blocks(["text", "id"])) == [[text, id] for id, text, _ in ROWS]


def test_records_are_numbered_from_one_without_a_gap(source: Source) -> None:
    blocks = list(source.blocks(["id"]))
    assert len(blocks) > 3
    assert [number for block in blocks for number in block.record_numbers.tolist()] == list(range(1, len(ROWS) + 1))
    assert blocks[0].start == source.start
    assert [block.start for block in blocks[1:]] == [block.end for block in blocks[:-1]]
    assert blocks[-1].end.offset == source.size


def test_where_blocks_end_depends_on_no_column(source: Source) -> None:
    """A job that goes on with another version of the model, and whoever only looks for records, meets the same ends."""
    ends = [(block.end, block.rows) for block in source.blocks(COLUMNS)]
    assert [(block.end, block.rows) for block in source.blocks([])] == ends


def test_reading_goes_on_at_the_end_of_any_block(source: Source) -> None:
    blocks = list(source.blocks(["id"]))
    for number, block in enumerate(blocks):
        rest = list(source.blocks(["id"], block.end))
        assert [each.end for each in rest] == [each.end for each in blocks[number + 1 :]]
        assert rows_of(iter(rest)) == rows_of(iter(blocks[number + 1 :]))


def test_records_are_counted_on_from_any_number(source: Source) -> None:
    """A file may be one of several, whose records are numbered through."""
    start = replace(source.start, record=1001)
    blocks = list(source.blocks(["id"], start))
    assert [number for block in blocks for number in block.record_numbers.tolist()] == list(range(1001, 1051))
    ranges = list(source.ranges(start))
    assert [(found.start, found.end) for found in ranges] == [(block.start, block.end) for block in blocks]
    assert [source.read(found, ["id"]) for found in ranges] == blocks
    assert [*source.locate_in(ranges[-1], [1050])] == [1050]


def test_whoever_has_a_range_alone_reads_its_block(source: Source, request: pytest.FixtureRequest) -> None:
    """A worker that reads for itself: another process, which has not seen what is before."""
    opened, _, _ = SOURCES[request.node.callspec.params["source"]]
    ranges = list(source.ranges())
    with opened(source.path, 190) as other:
        for columns in (COLUMNS, ["text"], []):
            assert [other.read(found, columns) for found in reversed(ranges)] == list(source.blocks(columns))[::-1]
        assert list(source.ranges(ranges[1].end)) == ranges[2:]
        with pytest.raises(InputError):
            other.read(ranges[0], ["nobody"])


def test_a_range_of_another_file_is_refused(source: Source, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    opened, sink, _ = SOURCES[request.node.callspec.params["source"]]
    last = list(source.ranges())[-1]
    arrays = [pa.array([b"1"], pa.binary())] * len(COLUMNS)
    (tmp_path / "short").write_bytes(sink.header(COLUMNS) + bytes(sink.encode(arrays)))
    with opened(tmp_path / "short", 190) as other, pytest.raises(InputError):
        other.read(last, COLUMNS)


def test_the_raw_text_of_records_makes_an_excerpt_of_the_same_format(
    source: Source, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """`retry` scores the rejected records again, from a file of them alone."""
    wanted = [2, 3, 17, 50]
    places = source.locate(source.start, wanted)
    assert sorted(places) == wanted
    path = tmp_path / "excerpt"
    path.write_bytes(source.excerpt_head() + b"".join(source.excerpt(places[record].raw) for record in wanted))
    opened, _, _ = SOURCES[request.node.callspec.params["source"]]
    with opened(path, 190) as excerpt:
        assert rows_of(excerpt.blocks(COLUMNS)) == [ROWS[record - 1] for record in wanted]


def test_records_are_found_from_any_block_on(source: Source) -> None:
    for block in source.blocks([]):
        first = block.start.record
        assert [*source.locate(block.start, [first])] == [first]


def test_a_column_that_is_not_there_is_an_error(source: Source) -> None:
    with pytest.raises(InputError):
        list(source.blocks(["nobody"]))


def test_a_file_that_changed_is_noticed(source: Source) -> None:
    assert source.unchanged()
    assert isinstance(source.path, Path)
    os.utime(files_of(source.path)[-1], ns=(0, source.mtime_ns + 1))
    assert not source.unchanged()


@pytest.mark.parametrize("name", SOURCES)
def test_a_file_without_anything_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(InputError):
        SOURCES[name][0](tmp_path / "empty", 190)


def test_a_position_says_where_a_record_starts(source: Source) -> None:
    assert isinstance(source.start, Position)
    assert (source.start.record, source.start.line) == (1, 2)
