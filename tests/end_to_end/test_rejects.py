"""One bad record costs one row, never the file: what is rejected is named, and everything else is scored."""

import csv
import gzip
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from tests.support.farm import Farm
from tests.support.run import Run
from tests.support.tables import read

Score = Callable[[bytes], tuple[Run, list[dict[str, str]], list[dict[str, str]]]]


@pytest.fixture
def score(farm: Farm, tmp_path: Path) -> Score:
    """Scores a file of those bytes: the run, the scores and the rejects."""

    def run(data: bytes, *options: object) -> tuple[Run, list[dict[str, str]], list[dict[str, str]]]:
        path = tmp_path / "input.csv"
        path.write_bytes(data)
        result = farm.producer("enqueue", path, "--output", tmp_path / "out.csv", "--json", *options)
        if result.code not in (0, 3):
            return result, [], []
        return result, read(tmp_path / "out.csv"), read(tmp_path / "out.rejects.csv")

    return run


def test_malformed_records_are_named_by_record_and_line_with_their_raw_text(score: Score) -> None:
    big = b"x" * (1 << 20)
    lines = [
        b"message_id,text",
        b"1,fine",
        b"2",
        b'3,"two\nlines"',
        b"4,too,many",
        b"5," + big,
        b"6,fine",
        b"7,too,many again",
        b"8,fine",
    ]
    run, scored, rejects = score(b"\n".join(lines) + b"\n")
    assert [row["message_id"] for row in scored] == ["1", "3", "6", "8"]
    assert [(row["record"], row["line"], row["code"], row["raw"][:20]) for row in rejects] == [
        ("2", "3", "too_few_fields", "2"),
        ("4", "6", "too_many_fields", "4,too,many"),
        ("5", "7", "record_too_large", "5," + "x" * 18),
        ("7", "9", "too_many_fields", "7,too,many again"),
    ]
    receipt = json.loads(run.out)
    assert (receipt["records"], receipt["scored"], receipt["rejected"], receipt["agrees"]) == (8, 4, 4, True)
    assert receipt["codes"] == {"record_too_large": 1, "too_few_fields": 1, "too_many_fields": 2}


def test_a_quote_that_is_never_closed_swallows_no_record(score: Score) -> None:
    rows = [f"{number},text {number}" for number in range(1, 30_001)]
    rows[9] = '10,"text 10'
    run, scored, rejects = score(("message_id,text\n" + "\n".join(rows) + "\n").encode())
    assert len(scored) == 29_999
    [reject] = rejects
    assert (reject["record"], reject["line"], reject["code"], reject["raw"]) == (
        "10",
        "11",
        "unclosed_quote",
        '10,"text 10',
    )
    assert "line 11" in reject["detail"]
    assert json.loads(run.out)["agrees"]


def test_a_cell_that_is_no_number_is_a_reject_with_its_line_and_raw_text(score: Score, xy_model: Path) -> None:
    data = b'id,x,y,note\na,3,4,\nb,abc,4,"see,\nthis"\nc,,1,\nd,5,6,\ne,9999999999,1,\nf, 7 ,-8,\n'
    run, scored, rejects = score(data, "--model", xy_model)
    assert [(row["id"], int(row["op_to_store"])) for row in scored] == [("a", 13), ("d", 31), ("f", -55)]
    assert [(row["record"], row["line"], row["code"], row["raw"]) for row in rejects] == [
        ("2", "3", "bad_value", 'b,abc,4,"see,\nthis"'),
        ("3", "5", "empty_cell", "c,,1,"),
        ("5", "7", "out_of_range", "e,9999999999,1,"),
    ]
    assert rejects[0]["detail"] == "column 'x': 'abc' is not int32"
    assert json.loads(run.out)["codes"] == {"bad_value": 1, "empty_cell": 1, "out_of_range": 1}


def test_a_reject_says_at_which_byte_it_begins_and_which_column_is_at_fault(
    farm: Farm, tmp_path: Path, xy_model: Path
) -> None:
    """Whoever mends a file of gigabytes goes there at once, in whatever dialect it is and whichever way it goes."""
    records = ['a;3;4;"s;o"', "b;abc;4;\xfc", "c;1;1", 'd;1;2;"x"y', "e;\r;1;2", "f;5;6;", 'g;7;zwei;"\n"']
    content = ("key;x;y;gr\xfc\xdfe\n" + "\n".join(records) + "\n").encode("cp1252")
    packed = {"plain": content, "packed": gzip.compress(content)}
    read_as = "--wait", "--encoding", "cp1252", "--delimiter", ";"
    ways = {"server": {}, "reference": {"NIGHTSHIFT_SPOOL": str(farm.spool)}}
    for form, (way, environment) in product(packed, ways.items()):
        path = tmp_path / f"{form}-{way}.csv"
        path.write_bytes(packed[form])
        run = farm.producer("enqueue", path, "--model", xy_model, "--id", "key", *read_as, **environment)
        assert run.code == 0, run.err
        rejects = read(tmp_path / f"{form}-{way}.scores.rejects.csv")
        assert [(row["code"], row["column"]) for row in rejects] == [
            ("bad_value", "x"),
            ("too_few_fields", ""),
            ("bad_quoting", "gr\xfc\xdfe"),
            ("stray_cr", "x"),
            ("bad_value", "y"),
        ]
        assert all(content.startswith(row["raw"].encode("cp1252"), int(row["offset"])) for row in rejects)


def test_readers_and_workers_rejects_come_in_input_order(farm: Farm, score: Score, xy_model: Path) -> None:
    rows = [f"{n},{n},{n}" for n in range(1, 5001)]
    for number in range(100, 5000, 700):
        rows[number - 1] = f"{number},abc,1"
        rows[number] = f"{number + 1}"
    run, scored, rejects = score(
        ("id,x,y\n" + "\n".join(rows) + "\n").encode(), "--model", xy_model, "--batch-bytes", 9000
    )
    wrong = [number + more for number in range(100, 5000, 700) for more in (0, 1)]
    assert [int(row["record"]) for row in rejects] == wrong
    assert [int(row["line"]) for row in rejects] == [number + 1 for number in wrong]
    assert [row["raw"] for row in rejects] == [rows[number - 1] for number in wrong]
    assert [int(row["id"]) for row in scored] == [n for n in range(1, 5001) if n not in wrong]
    assert all(int(row["op_to_store"]) == int(row["id"]) ** 2 + 1 for row in scored)
    printed = farm.producer("rejects", json.loads(run.out)["job"])
    assert list(csv.DictReader(printed.out.splitlines())) == rejects


def test_too_many_rejects_make_the_exit_code_3(score: Score, xy_model: Path) -> None:
    data = b"x,y\n1,2\nabc,2\n3,4\n5,6\n"
    assert score(data, "--model", xy_model, "--max-rejects", "1")[0].code == 0
    assert score(data, "--model", xy_model, "--max-rejects", "25%")[0].code == 0
    over, scored, _ = score(data, "--model", xy_model, "--max-rejects", "0")
    assert over.code == 3
    assert "1 of 4 records were rejected" in over.err
    assert [row["record"] for row in scored] == ["1", "3", "4"]
    assert score(data, "--model", xy_model, "--max-rejects", "24%")[0].code == 3


def test_a_file_with_a_header_and_nothing_else_is_complete_and_empty(score: Score) -> None:
    run, scored, rejects = score(b"message_id,text\n")
    assert (run.code, scored, rejects) == (0, [], [])
    assert json.loads(run.out)["records"] == 0


def test_a_file_of_rejects_alone_is_complete_and_no_success(score: Score) -> None:
    run, scored, rejects = score(b"message_id,text\n1\n2\n", "--delimiter", ",", "--header")
    assert (run.code, scored) == (3, [])
    assert "all of 2 records were rejected, all of them too_few_fields" in run.err
    assert [row["raw"] for row in rejects] == ["1", "2"]


def test_bytes_that_are_no_utf8_pass_through_untouched(farm: Farm, tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes(b"id,text\r\n\xe9\xff,caf\xe9\r\n\x00,nul\r\n")
    assert farm.producer("enqueue", path, "--keep", "text", "--wait", "--encoding", "utf-8").code == 0
    lines = path.with_name("latin.scores.csv").read_bytes().split(b"\n")
    assert [line.rpartition(b",")[0] for line in lines[1:3]] == [b"\xe9\xff,caf\xe9", b"\x00,nul"]


def test_batches_are_cut_by_their_rejects_too(farm: Farm, tmp_path: Path) -> None:
    """Else one of a few megabytes of bad records would take a gigabyte, wherever it is."""
    path = tmp_path / "bad.csv"
    path.write_bytes(b"id,text\n" + b"x\n" * 70_000)
    run = farm.producer("enqueue", path, "--wait", "--json", "--batch-bytes", 8 << 20)
    receipt = json.loads(run.out)
    assert (run.code, receipt["records"], receipt["codes"]) == (3, 70_000, {"too_few_fields": 70_000})
    assert receipt["batches"] == 3
    assert farm.producer("verify", tmp_path / "bad.scores.csv").code == 0
