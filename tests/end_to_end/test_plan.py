"""`producer plan FILE` says what `producer enqueue FILE` would do, and does nothing of it."""

import csv
import gzip
import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from rich.cells import cell_len

from producer.cli.enqueue import enqueue
from producer.cli.plan import plan
from tests.support import ROOT
from tests.support.checkout import PRODUCER
from tests.support.command import environment, producer
from tests.support.farm import Farm
from tests.support.poison import aborts, divides, freeze
from tests.support.storage import Storage

MESSAGES = ROOT / "data" / "messages.csv"
NO_TIME = "--no-time"


def planned(folder: Path, *words: object, code: int = 0) -> dict[str, Any]:
    run = producer(folder, "plan", *words, "--json")
    assert run.code == code, run.err
    found: dict[str, Any] = json.loads(run.out)
    return found


def test_a_plan_has_all_that_is_to_be_known_and_leaves_nothing_behind(tmp_path: Path) -> None:
    found = planned(tmp_path, MESSAGES)
    with MESSAGES.open(newline="") as lines:
        header, *rows = csv.reader(lines)
    assert found["columns"] == header
    assert found["rows"] == rows[:10]
    assert (found["records"], found["records_exact"], found["records_interval"]) == (12_000, True, [12_000, 12_000])
    assert found["dialect"] == {
        "delimiter": ",", "quote": '"', "escape": "", "encoding": "utf-8", "header": True, "columns": [],
        "skip_lines": 0, "comment": "", "rest": "",
    }  # fmt: skip
    assert (found["container"], found["problem"], found["id_column"]) == (None, None, "message_id")
    assert found["feeds"] == [{"placeholder": "text", "columns": ["text"], "form": "cell", "dtype": "string"}]
    assert (found["sample"]["records"], found["sample"]["rejected"]) == (12_000, 0)
    assert found["workers"] == os.cpu_count()
    assert 0 < found["seconds"]["low"] < found["seconds"]["high"]
    assert 200e6 < found["memory_bytes"] < 20e9
    assert list(tmp_path.iterdir()) == []


def test_what_is_planned_is_what_is_scored(farm: Farm, tmp_path: Path) -> None:
    """The reader's rejects, the worker's and the model's own, the blank lines and the texts that are not valid."""
    lines = ["1;2;x", "2;;x", "3;dog;x", "", "4;5", "5;666;x", *(f"{n};{n};x" for n in range(6, 60)), '60;"7;x']
    file, model = tmp_path / "n.csv", freeze(tmp_path / "m.pb", divides)
    file.write_text("id;x;more\n" + "\n".join(lines) + "\n")
    options = [file, "--model", model, "--keep", "more"]
    found = planned(tmp_path, *options)
    run = farm.producer("enqueue", *options, "--json", "--wait")
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    assert found["records"] == receipt["records"] == 60
    assert found["sample"]["codes"] == receipt["codes"]
    assert len(found["sample"]["codes"]) == 5
    assert (found["sample"]["blank_lines"], receipt["blank_lines"]) == (1, 1)
    assert found["sample"]["tried"] == 58, "those that could be read"
    with (tmp_path / "n.scores.rejects.csv").open(newline="") as rejects:
        told = [
            {"record": int(row["record"]), "line": int(row["line"]), "code": row["code"], "detail": row["detail"]}
            for row in csv.DictReader(rejects)
        ]
    assert found["sample"]["examples"] == told


@pytest.mark.parametrize(
    ("content", "words", "said"),
    [
        ("id;text\n1;hé;x\n".replace(";x", "").encode("cp1252"), [], {"delimiter": ";", "encoding": "cp1252"}),
        ("id\ttext\n1\thé\n2\tb\n".encode("utf-16"), [], {"delimiter": "\t", "encoding": "utf-16"}),
        (gzip.compress(b"id|text\n1|a\n2|b\n"), [], {"delimiter": "|"}),
        (b"1,hello, you\n2,b\n", ["--columns", "id,text", "--rest", "text"], {"header": False, "rest": "text"}),
        (b"title\nid,text\n1,a\n", ["--skip-lines", "1"], {"skip_lines": 1}),
    ],
    ids=["cp1252", "utf-16", "gzip", "rest", "title"],
)
def test_the_dialect_is_the_jobs(
    farm: Farm, tmp_path: Path, content: bytes, words: list[str], said: dict[str, Any]
) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    found = planned(tmp_path, "m.csv", *words, NO_TIME)
    run = farm.producer("enqueue", tmp_path / "m.csv", *words, "--json", "--wait", NIGHTSHIFT_HOME=str(tmp_path / "h"))
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    assert {name: found["dialect"][name] for name in receipt["dialect"]} == receipt["dialect"]
    assert {name: found["dialect"][name] for name in said} == said
    assert (found["records"], found["records_exact"]) == (receipt["records"], True)
    assert len(found["rows"]) == receipt["scored"]


def test_rows_are_read_as_python_reads_them(tmp_path: Path) -> None:
    """Fields that are quoted, empty, not valid, or of columns with the same name."""
    content = b'\xef\xbb\xbfid,text,a,a\n1,"two\nlines, and ""quotes""",,4\n\n2,caf\xe9,3,4\n3,x\n4,\xe4\xbd\xa0,"",z\n'
    (tmp_path / "m.csv").write_bytes(content)
    found = planned(tmp_path, "m.csv", NO_TIME)
    text = content.decode("utf-8-sig", "backslashreplace")
    header, *rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert found["columns"] == header
    assert found["rows"] == [row for row in rows if len(row) == 4]
    assert found["sample"]["codes"] == {"too_few_fields": 1}
    assert found["sample"]["not_valid"] == {"text": 1}


def test_a_dialect_in_doubt_is_the_error_of_enqueue(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(b"id,text;more\n1,a;b\n2,c;d\n")
    told, asked = producer(tmp_path, "plan", "m.csv"), producer(tmp_path, "enqueue", "m.csv")
    assert (told.code, told.out, told.err) == (1, "", asked.err)
    assert "--delimiter" in told.err


@pytest.mark.parametrize(
    ("table", "mend"),
    [("id,body\n1,hello\n", ["--feed", "text=body"]), ("1,2\n3,4\n", [])],
    ids=["another name", "no text at all"],
)
def test_where_the_model_cannot_be_fed_the_rest_is_shown_and_what_mends_it(
    tmp_path: Path, table: str, mend: list[str]
) -> None:
    (tmp_path / "m.csv").write_text(table)
    header = [] if mend else ["--no-header"]
    found = planned(tmp_path, "m.csv", *header, code=1)
    assert "'text'" in found["problem"]
    assert (found["mend"], found["feeds"], found["seconds"]) == (mend, [], None)
    assert len(found["rows"]) == found["records"]
    run = producer(tmp_path, "plan", "m.csv", *header)
    assert run.code == 1
    assert "problem" in run.out
    if mend:
        assert planned(tmp_path, "m.csv", *mend, NO_TIME)["problem"] is None


def test_problems_of_columns_and_models_are_those_of_enqueue(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("id,text\n1,a\n")
    (tmp_path / "no.pb").write_bytes(b"none")
    for words in (["--keep", "sender"], ["--id", "key"], ["--model", "no.pb"], ["--model", "gone.pb"]):
        found = planned(tmp_path, "m.csv", *words, NO_TIME, code=1)
        assert f"producer: {found['problem']}\n" == producer(tmp_path, "enqueue", "m.csv", *words).err
        assert found["rows"] == [["1", "a"]]


def test_a_model_that_workers_refuse_is_a_problem(tmp_path: Path) -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.io.read_file(tf.compat.v1.placeholder(tf.string, [], name="text"), name="score")
        tf.raw_ops.ReadFile(filename=tf.compat.v1.placeholder(tf.string, [None], name="other")[0], name="more")
    (tmp_path / "m.pb").write_bytes(graph.as_graph_def().SerializeToString())
    (tmp_path / "m.csv").write_text("id,other\n1,a\n")
    found = planned(tmp_path, "m.csv", "--model", "m.pb", "--fetch", "more", code=1)
    assert "ReadFile" in found["problem"]
    assert found["seconds"] is None


def test_a_model_that_ends_its_process_leaves_the_rest_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("id,x\n1,666\n")
    found = planned(tmp_path, "m.csv", "--model", freeze(tmp_path / "m.pb", aborts))
    assert (found["seconds"], found["memory_bytes"], found["problem"]) == (None, None, None)
    assert "ends the process" in found["why_no_time"]
    assert found["rows"] == [["1", "666"]]


def test_of_a_header_alone_and_of_one_record(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("id,text\n")
    none = planned(tmp_path, "none.csv")
    assert (none["records"], none["records_exact"], none["rows"], none["columns"]) == (0, True, [], ["id", "text"])
    assert none["seconds"]["high"] < 10, "no worker is waited for"
    (tmp_path / "one.csv").write_text("id,text\n1,a")
    one = producer(tmp_path, "plan", "one.csv", NO_TIME)
    assert "the only record: none rejected" in one.out


def test_a_folder_without_a_file_is_one_line(tmp_path: Path) -> None:
    run = producer(tmp_path, "plan", ".")
    none = "producer: .: no files are in it but hidden ones, those of folders below, and Nightshift's own\n"
    assert (run.code, run.out, run.err) == (1, "", none)


@pytest.mark.parametrize("name", ["empty.csv", "gone.csv"])
def test_what_is_no_table_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.csv").touch()
    told, asked = producer(tmp_path, "plan", name), producer(tmp_path, "enqueue", name)
    assert (told.code, told.out, told.err) == (1, "", asked.err)
    assert told.err.count("\n") == 1


def test_what_can_be_read_only_once_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("-", "pipe", "/dev/null"):
        run = producer(tmp_path, "plan", name)
        assert run.code == 1
        assert "can be read only once" in run.err


@pytest.mark.slow
def test_a_hundred_thousand_columns(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(100_000)]
    lines = [",".join(["text", *names]), *(",".join(["hi", *map(str, range(100_000))]) for _ in range(3))]
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    found = planned(tmp_path, "m.csv", NO_TIME)
    assert found["columns"] == ["text", *names]
    assert [len(row) for row in found["rows"]] == [100_001] * 3
    run = producer(tmp_path, "plan", "m.csv", NO_TIME)
    assert len(run.out) < 4000
    assert "without 99,9" in run.out


def test_eighty_columns_and_nothing_that_a_terminal_would_act_on(tmp_path: Path) -> None:
    nasty = ["\x1b[2J\x1b]0;gone\x07", "\u202egnp.exe", "你好" * 100, "a\r\nb\tc\0", "x" * 5000]
    content = io.StringIO(newline="")
    csv.writer(content).writerows(
        [["id", "text", "\x1b[31mred"], *([str(n), each, each] for n, each in enumerate(nasty))]
    )
    (tmp_path / "m\x1b[1m.csv").write_text(content.getvalue(), newline="")
    wrong = producer(tmp_path, "plan", "m\x1b[1m.csv", NO_TIME, "--feed", "text=\x1b[5mtext")
    right = producer(tmp_path, "plan", "m\x1b[1m.csv", NO_TIME)
    assert (wrong.code, right.code) == (1, 0)
    for run in (wrong, right):
        lines = run.out.removesuffix("\n").split("\n")
        assert all(line.isprintable() for line in lines), lines
        assert max(map(cell_len, lines)) <= 80
        assert "\\x1b[2J" in run.out


def test_a_reader_that_has_enough(tmp_path: Path) -> None:
    """As `| head -n 1` is."""
    names = ",".join(f"column{n}" for n in range(50_000))
    (tmp_path / "m.csv").write_text(f"text,{names}\n")
    process = subprocess.Popen(
        [PRODUCER, "plan", "m.csv", NO_TIME, "--json"], cwd=tmp_path, env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.read(10) == b'{"input": '
    process.stdout.close()
    assert process.communicate(timeout=60)[1] == b""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, int]:
    """20 MB, and how many records."""
    with MESSAGES.open("rb") as lines:
        header, *rest = lines
    folder = tmp_path_factory.mktemp("large")
    (folder / "m.csv").write_bytes(header + b"".join(rest) * 13)
    return (folder / "m.csv").read_bytes(), 13 * 12_000


@pytest.mark.parametrize("container", ["", "gzip"])
def test_of_a_large_file_the_records_are_counted_or_estimated(
    tmp_path: Path, large: tuple[bytes, int], container: str
) -> None:
    content, records = large
    (tmp_path / "m.csv").write_bytes(gzip.compress(content, 1) if container else content)
    found = planned(tmp_path, "m.csv", NO_TIME)
    low, high = found["records_interval"]
    assert found["container"] == (container or None)
    assert low <= records <= high
    assert found["records_exact"] == (container == "")
    assert found["sample"]["records"] < records
    assert not found["sample"]["is_all"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.csv"], "nothing is unpacked"
    words = producer(tmp_path, "plan", "m.csv", NO_TIME).out
    assert ("an estimate" in words) == (container == "gzip")


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with Storage() as storage:
        yield storage


def test_of_an_object_the_first_8_mib(storage: Storage, tmp_path: Path, large: tuple[bytes, int]) -> None:
    content, records = large
    storage.put("in/m.csv", content)
    storage.requests.clear()
    run = subprocess.run(
        [PRODUCER, "plan", "s3://mail/in/m.csv", NO_TIME, "--json"],
        cwd=tmp_path, env={**environment(), **storage.environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["records_interval"][0] <= records <= found["records_interval"][1]
    assert [each for each in storage.requests if each.startswith("GET")] == ["GET /mail/in/m.csv"], "one window"


@pytest.mark.slow
def test_with_a_server_its_workers_and_how_fast_they_were(farm: Farm, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(MESSAGES.read_bytes())
    job = json.loads(farm.producer("enqueue", tmp_path / "m.csv", "--wait", "--json").out)["job"]
    run = farm.producer("plan", tmp_path / "m.csv", "--json")
    assert run.code == 0, run.err
    found = json.loads(run.out)
    assert (found["workers"], found["measured"], found["memory_bytes"]) == (2, job, None)
    assert found["seconds"]["low"] < found["seconds"]["high"]
    before = farm.ledger.job_ids()
    assert "as fast as in" in farm.producer("plan", tmp_path / "m.csv").out
    assert farm.ledger.job_ids() == before, "nothing is enqueued"
    refused = farm.producer("plan", tmp_path / "m.csv", "--workers", 3)
    assert refused.code == 2


@pytest.mark.slow
def test_without_workers_or_an_answer_there_is_no_telling(bare_farm: Farm, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("id,text\n1,a\n")
    alone = json.loads(bare_farm.producer("plan", tmp_path / "m.csv", "--json").out)
    assert (alone["workers"], alone["seconds"], alone["why_no_time"]) == (0, None, "no workers are there")
    gone = json.loads(bare_farm.producer("plan", tmp_path / "m.csv", "--json", REDIS_URL="redis://127.0.0.1:1").out)
    assert (gone["workers"], gone["seconds"], gone["records"]) == (None, None, 1)
    assert "the server does not answer" in gone["why_no_time"]


def test_what_stands_beside_the_file_and_the_model_counts(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("a|b\n1|hello\n")
    (tmp_path / "messages.toml").write_text('[dialect]\ndelimiter = "|"\n')
    (tmp_path / "m.pb").write_bytes((ROOT / "data" / "spam.pb").read_bytes())
    (tmp_path / "m.toml").write_text('[feed]\ntext = "b"\n')
    found = planned(tmp_path, "m.csv", "--model", "m.pb", NO_TIME)
    assert (found["dialect"]["delimiter"], found["feeds"][0]["columns"]) == ("|", ["b"])


def test_it_takes_every_option_that_changes_what_is_read_and_fed() -> None:
    others = {"files", "output", "wait", "limit", "max_rejects", "deadline", "again", "quiet", "log_format"}
    others.add("require_signature")  # of the model, which enqueue looks at
    asked = {param.name for param in enqueue.params} - others
    assert asked <= {param.name for param in plan.params}


def test_several_files_are_planned_as_they_are_scored(farm: Farm, tmp_path: Path) -> None:
    """With the column of names, all records, and the rejects of each."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (1, 2, 10):
        rows = "".join(f"{number}-{n},hello\n" for n in range(400)) + "x\n" * (number == 2)
        (folder / f"{number}.csv").write_text(f"id,text\n{rows}")
    (folder / "20.csv.gz").write_bytes(gzip.compress(b"id,text\n" + b"9,hello\n" * 50))
    found = planned(tmp_path, "in", NO_TIME)
    run = farm.producer("enqueue", folder, "--output", tmp_path / "all.csv", "--json")
    assert run.code == 0, run.err
    assert (found["files"], found["records"], found["records_exact"]) == (4, json.loads(run.out)["records"], True)
    assert found["sample"]["codes"] == json.loads(run.out)["codes"] == {"too_few_fields": 1}
    assert (found["columns"], found["keep"]) == (["id", "text", "file"], ["file"])
    assert found["rows"][0] == ["1-0", "hello", "in/1.csv"]
    (folder / "3.csv").write_text("id,body\n1,x\n")
    run = producer(tmp_path, "plan", "in", NO_TIME)
    assert (run.code, "in/3.csv: its columns are not those" in run.err) == (1, True), run.err


def test_packed_files_that_are_larger_than_a_look_are_estimated(tmp_path: Path) -> None:
    chance = Random(1)
    rows = "".join(f"{n},{chance.random()}\n" for n in range(150_000))
    for name, content in (("1.csv", rows[:200_000]), ("2.csv.gz", rows), ("3.csv.gz", rows)):
        data = b"id,text\n" + content.encode()
        (tmp_path / name).write_bytes(gzip.compress(data, 1) if name.endswith("gz") else data)
    found = planned(tmp_path, "1.csv", "2.csv.gz", "3.csv.gz", NO_TIME)
    low, high = found["records_interval"]
    assert not found["records_exact"]
    assert low < 300_000 + rows[:200_000].count("\n") < high


def test_a_limit_is_planned_too(tmp_path: Path) -> None:
    found = planned(tmp_path, MESSAGES, "--limit", 7, NO_TIME)
    assert (found["records"], found["records_exact"], found["limit"]) == (7, True, 7)
    assert (len(found["rows"]), found["sample"]["records"]) == (7, 7)
    found = planned(tmp_path, MESSAGES, "--limit", 20_000, NO_TIME)
    assert found["records"] == 12_000


def test_python_has_the_same_as_the_command(tmp_path: Path) -> None:
    import producer as api

    found = api.plan(MESSAGES, keep=["channel"], limit=100, timed=False)
    assert found == planned(tmp_path, MESSAGES, "--keep", "channel", "--limit", 100, NO_TIME)
