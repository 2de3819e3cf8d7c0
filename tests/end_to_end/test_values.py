"""What a cell says is what the graph is fed, or its record is a reject with the true reason: both ways, and again."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.compat import v1

from producer.outputs.paths import rejects_path
from tests.support.farm import Farm
from tests.support.run import Run
from tests.support.tables import read


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text, an int64 and two numbers of any size: what was fed, as text."""
    path = tmp_path_factory.mktemp("model") / "mixed.pb"
    with v1.Graph().as_default() as graph:
        text = v1.placeholder(tf.string, [None], name="text")
        n = v1.placeholder(tf.int64, [None], name="n")
        x = v1.placeholder(tf.float32, [None, 2], name="x")
        both = tf.strings.reduce_join(tf.strings.as_string(x, shortest=True), axis=1, separator=" ")
        tf.strings.join([text, tf.strings.as_string(n), both], "|", name="fed")
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


UTF8 = ("--encoding", "utf-8")  # as which some texts are not valid
WORDS = ("--feed", "x=a,b", "--keep", "text,a")
ROWS = [
    b"1,hello,9223372036854775807.0,3.0,+7",
    b"2,NULL,-9.223372036854775808e18,1,2",
    b"3,caf\xe9,1E+3,1,NULL",
    b"NULL,-,NULL,1,2",
    b'5,"two\nlines",9223372036854775808,1,2',
    b"6,,3.5,1,2",
    b"7,NULLs,0,1e39,2",
    b"8,NULL,1_000,1,2",
    b"9,\xff,,1,2",
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "odd.csv"
    path.write_bytes(b"id,text,n,a,b\n" + b"\n".join(ROWS) + b"\n")
    return path


def both_ways(farm: Farm, table: Path, *words: object) -> tuple[dict[str, Any], list[dict[str, str]], dict[str, str]]:
    """The receipt, the scores and each reject's code by its record; through the server and by reference alike."""
    receipts, files = [], []
    for way, environment in (("served", {}), ("read", {"NIGHTSHIFT_SPOOL": str(farm.spool)})):
        output = table.with_name(f"{way}.csv")
        run = farm.producer("enqueue", table, "--output", output, "--again", "--json", *UTF8, *words, **environment)
        assert run.code == 0, run.err
        assert farm.producer("verify", output).code == 0
        receipts.append(json.loads(run.out))
        files.append((output.read_bytes(), rejects_path(output).read_bytes()))
    assert files[0] == files[1]
    told = ("records", "scored", "codes", "not_utf8")
    assert [receipts[0][name] for name in told] == [receipts[1][name] for name in told]
    assert [each["by_reference"] for each in receipts] == [False, True]
    rejects = {row["record"]: row["code"] for row in read(rejects_path(table.with_name("read.csv")))}
    return receipts[0], read(table.with_name("read.csv")), rejects


def test_numbers_are_exact_and_reasons_true(farm: Farm, model: Path, table: Path) -> None:
    receipt, scores, rejects = both_ways(farm, table, "--model", model, *WORDS)
    assert [row["fed"] for row in scores] == ["hello|9223372036854775807|3 7", "NULL|-9223372036854775808|1 2"]
    assert rejects == {
        "3": "bad_value", "4": "bad_value", "5": "out_of_range", "6": "bad_value", "7": "out_of_range",
        "8": "bad_value", "9": "empty_cell",
    }  # fmt: skip
    details = {row["record"]: row["detail"] for row in read(rejects_path(table.with_name("read.csv")))}
    assert details["5"].endswith("is out of int64's range, -9223372036854775808 to 9223372036854775807")
    assert details["6"] == "column 'n': '3.5' is not int64: not a whole number"
    assert details["7"] == "column 'a': '1e39' is out of float32's range"
    assert details["8"] == "column 'n': '1_000' is not int64: a number has no '_' in it"
    assert receipt["not_utf8"] == 2


def test_a_null_is_an_empty_cell_where_it_is_fed_and_itself_where_it_is_kept(
    farm: Farm, model: Path, table: Path
) -> None:
    words = ("--model", model, *WORDS, "--null", "NULL", "--null", "-")
    _, scores, rejects = both_ways(farm, table, *words)
    assert [(row["id"], row["text"], row["fed"]) for row in scores[1:]] == [("2", "NULL", "|-9223372036854775808|1 2")]
    assert rejects["3"] == rejects["4"] == "empty_cell"
    _, scores, rejects = both_ways(farm, table, *words, "--fill", "-1")
    assert [(row["id"], row["text"], row["fed"].split("|")[1:]) for row in scores[2:4]] == [
        ("3", "caf\udce9", ["1000", "1 -1"]), ("NULL", "-", ["-1", "1 2"]),
    ]  # fmt: skip
    assert sorted(rejects) == ["5", "6", "7", "8"]


def test_a_text_that_is_not_utf8_is_a_reject_only_if_asked(farm: Farm, model: Path, table: Path) -> None:
    words = ("--model", model, *WORDS, "--null", "NULL", "--fill", "0")
    counted, _, before = both_ways(farm, table, *words)
    receipt, scores, rejects = both_ways(farm, table, *words, "--strict-encoding")
    assert rejects == {**before, "3": "bad_encoding", "9": "bad_encoding"}
    assert (counted["not_utf8"], receipt["not_utf8"], receipt["codes"]["bad_encoding"]) == (2, 0, 2)
    [reject] = [row for row in read(rejects_path(table.with_name("read.csv"))) if row["record"] == "3"]
    assert (reject["line"], reject["detail"]) == ("4", "column 'text' is not UTF-8: its byte 4 is 0xe9")
    assert reject["raw"].encode("utf-8", "surrogateescape") == ROWS[2]
    assert len(scores) == receipt["scored"] == counted["scored"] - 2


def test_a_retry_reads_cells_as_before_or_as_it_is_told(farm: Farm, model: Path, table: Path) -> None:
    output = table.with_name("out.csv")

    def codes(run: Run) -> dict[str, int]:
        assert run.code == 0, run.err
        assert farm.producer("verify", output).code == 0
        found: dict[str, int] = json.loads(run.out)["codes"]
        return found

    words = ("--model", model, *WORDS, "--null", "NULL", "--strict-encoding", "--json")
    run = farm.producer("enqueue", table, "--output", output, *UTF8, *words)
    assert codes(run) == {"bad_encoding": 2, "bad_value": 2, "empty_cell": 1, "out_of_range": 2}
    job = json.loads(run.out)["job"]
    filled = codes(farm.producer("retry", job, "--fill", "0", "--json"))
    assert "empty_cell" not in filled
    assert filled["bad_encoding"] == 2
    lifted = codes(farm.producer("retry", job, "--no-strict-encoding", "--fill", "0", "--json"))
    assert "bad_encoding" not in lifted
    assert [row["id"] for row in read(output)] == ["1", "2", "3", "NULL", "9"]


def test_every_door_takes_the_same_words_and_makes_the_same_job(
    farm: Farm, model: Path, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import producer

    said = ("--feed", "x=a,b", "--fill", "0")
    words = (*said, "--null", "-", "--null", "NULL", "--strict-encoding")
    settings = {"NIGHTSHIFT_NIGHTLY_NULL": "NULL -", "NIGHTSHIFT_NIGHTLY_STRICT_ENCODING": "true"}
    night = farm.producer("nightly", str(table), "--model", model, "--once", "--settle", "0", *said, **settings)
    assert night.code == 0, night.err
    scored = table.with_suffix(".scores.csv").read_bytes()
    run = farm.producer("enqueue", table, "--model", model, "--wait", "--json", *words)
    receipt = json.loads(run.out)
    assert receipt["attempts"] == receipt["batches"], "it was scored, and is not again"
    assert table.with_suffix(".scores.csv").read_bytes() == scored
    model.with_suffix(".toml").write_text('null = ["NULL", "-"]\nstrict_encoding = true\nfill = 0\n[feed]\nx = "a,b"\n')
    try:
        run = farm.producer("enqueue", table, "--model", model, "--wait", "--json")
        assert json.loads(run.out)["job"] == receipt["job"]
        run = farm.producer(
            "enqueue", table, "--model", model, "--wait", "--json", "--null", "", "--no-strict-encoding"
        )
        lifted = json.loads(run.out)
    finally:
        model.with_suffix(".toml").unlink()
    plain = json.loads(farm.producer("enqueue", table, "--model", model, "--wait", "--json", *said).out)
    assert plain["job"] == lifted["job"] != receipt["job"]
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    given = {"feed": {"x": ["a", "b"]}, "fill": 0}
    with producer.enqueue(table, model=model, null=["NULL", "-"], strict_encoding=True, **given) as job:
        assert job.id == receipt["job"]
    with producer.enqueue(table, model=model, null="NULL", strict_encoding=True, **given) as job:
        assert job.id != receipt["job"], "another text, another job"


def test_what_is_typed_for_a_number_is_judged_before_anything_is_enqueued(farm: Farm, tmp_path: Path) -> None:
    with v1.Graph().as_default() as graph:
        keep = v1.placeholder(tf.int32, [], name="keep")
        tf.add(v1.placeholder(tf.int32, [None], name="x"), keep, name="score")
    (tmp_path / "sum.pb").write_bytes(graph.as_graph_def().SerializeToString())
    table = tmp_path / "x.csv"
    table.write_text("x\n1e3\n")
    for value, code in (("1_000", 1), ("2147483648", 1), ("3.5", 1), ("1e3", 0), ("2147482647.0", 0)):
        run = farm.producer("enqueue", table, "--model", tmp_path / "sum.pb", "--wait", "--set", f"keep={value}")
        assert run.code == code, run.err
        assert (f"--set keep={value}: {value!r} is not int32" in run.err) == bool(code)
    assert read(tmp_path / "x.scores.csv") == [{"record": "1", "score": "2147483647"}]
