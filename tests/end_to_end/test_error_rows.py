"""--errors: the scores file has a row for every record, and says of each that has no scores why not."""

import json
import signal
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.compat import v1

import producer
from tests.support import until
from tests.support.farm import Farm
from tests.support.tables import read

SMALL = 9_000  # bytes a batch

COMMA = "--delimiter", ","  # in a file of one column


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """x and 2 x, side by side: two columns, of which nobody knows before a record is scored."""
    with v1.Graph().as_default() as graph:
        x = v1.placeholder(tf.int32, name="x")
        tf.stack([x, 2 * x], axis=1, name="m")
    path = tmp_path_factory.mktemp("matrix") / "m.pb"
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def ways(farm: Farm) -> dict[str, dict[str, str]]:
    return {"server": {}, "reference": {"NIGHTSHIFT_SPOOL": str(farm.spool)}}


def table(path: Path, rows: int, head: int = 0) -> list[str]:
    """Records that a worker rejects, that the reader and its splitter do, and quoted ones; the first `head` are all
    broken. Their lines."""
    lines = [f'{n},{n},"note, {n}",' for n in range(1, rows + 1)]
    for n in range(5, rows + 1, 7):
        lines[n - 1] = f"{n},none,no note,"
    for n in range(6, rows + 1, 11):
        lines[n - 1] = f"{n}"
    for n in range(9, rows + 1, 300):
        lines[n - 1] = f'{n},"1" 2,,'
    for n in range(1, head + 1):
        lines[n - 1] = f"{n}" if n % 2 else f"{n},none,caf\u00e9,"
    path.write_text("key,x,note,\n" + "\n".join(lines) + "\n")
    return lines


@pytest.mark.parametrize("head", [0, 1500])
def test_every_record_has_a_row_whichever_way_it_went(farm: Farm, matrix: Path, tmp_path: Path, head: int) -> None:
    path = tmp_path / "t.csv"
    lines = table(path, 5000, head)
    words = "enqueue", path, "--model", matrix, "--id", "key", "--keep", "note,", "--batch-bytes", SMALL, "--json"
    plain = farm.producer(*words, "--output", tmp_path / "plain.csv", "--all-columns")
    assert plain.code == 0, plain.err
    outputs = {}
    for way, environment in ways(farm).items():
        out = tmp_path / f"{way}.csv"
        run = farm.producer(*words, "--output", out, "--all-columns", "--errors", "--again", **environment)
        assert run.code == 0, run.err
        assert json.loads(run.out)["by_reference"] == (way == "reference")
        assert farm.producer("verify", out).code == 0
        outputs[way] = out.read_bytes(), out.with_name(f"{way}.rejects.csv").read_bytes()
    assert outputs["server"] == outputs["reference"]
    assert outputs["server"][1] == (tmp_path / "plain.rejects.csv").read_bytes(), "the rejects file is as ever"
    scored = iter((tmp_path / "plain.csv").read_text().splitlines())
    codes = {int(row["record"]): row["code"] for row in read(tmp_path / "plain.rejects.csv")}
    assert set(codes.values()) >= {"bad_value", "too_few_fields", "bad_quoting"}
    expected = [next(scored) + ",error"]
    for record, line in enumerate(lines, 1):
        if record not in codes:
            expected.append(next(scored) + ",")
        elif codes[record] == "bad_value":
            expected.append(f"{line},,,bad_value")
        else:
            expected.append(f",,,,,,{codes[record]}")
    assert outputs["server"][0].decode() == "\n".join(expected) + "\n"


def test_without_an_id_a_record_has_its_number_and_a_file_of_rejects_alone_has_rows(
    farm: Farm, matrix: Path, tmp_path: Path
) -> None:
    for way, environment in ways(farm).items():
        path = tmp_path / f"{way}.csv"
        path.write_text("x\nno\n1,2\n\nnone\n")
        run = farm.producer(
            "enqueue", path, "--model", matrix, "--wait", "--errors", "--fetch", "m[0]", *COMMA, **environment
        )
        assert run.code == 3, run.err
        rows = (tmp_path / f"{way}.scores.csv").read_text()
        assert rows == "record,m[0],error\n1,,bad_value\n2,,too_many_fields\n3,,bad_value\n"
        assert farm.producer("verify", tmp_path / f"{way}.scores.csv").code == 0


@pytest.mark.parametrize("way", ["server", "reference"])
def test_a_retry_replaces_the_rows_that_it_mends(farm: Farm, xy_model: Path, tmp_path: Path, way: str) -> None:
    rows = [f"{n},{n},note" for n in range(1, 3001)]
    for record, row in ((10, "10,10," + "x" * 5000), (20, "20"), (30, "abc,30,"), (2000, "x,2000," + "y" * 5000)):
        rows[record - 1] = row
    path, out, expected = tmp_path / "input.csv", tmp_path / "out.csv", tmp_path / "expected.csv"
    path.write_text("x,y,note\n" + "\n".join(rows) + "\n")
    words = "enqueue", path, "--model", xy_model, "--keep", "note", "--errors", "--json", "--batch-bytes", SMALL
    low, high = ({"NIGHTSHIFT_MAX_RECORD_BYTES": size, **ways(farm)[way]} for size in ("4000", "9000"))
    job = json.loads(farm.producer(*words, "--output", out, **low).out)["job"]
    assert [row["error"] for row in read(out) if row["error"]] == [
        "record_too_large", "too_few_fields", "bad_value", "record_too_large",
    ]  # fmt: skip
    run = farm.producer("retry", job, **high)
    assert run.code == 0, run.err
    assert farm.producer(*words, "--output", expected, **high).code == 0
    assert out.read_bytes() == expected.read_bytes()
    assert out.with_name("out.rejects.csv").read_bytes() == expected.with_name("expected.rejects.csv").read_bytes()
    assert farm.producer("verify", out).code == 0
    assert farm.producer("retry", job, **high).code == 0, "what can't be scored stays"
    assert out.read_bytes() == expected.read_bytes()


def test_python_has_them_before_and_after_they_are_collected(
    farm: Farm, matrix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    path = tmp_path / "t.csv"
    table(path, 3000, head=800)
    for way, environment in ways(farm).items():
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        options = {"id": "key", "keep": ["note"], "errors": True, "again": True, "batch_bytes": SMALL}
        with producer.enqueue(path, model=matrix, **options) as job:
            job.wait()
            before = job.scores()
            receipt = job.wait(tmp_path / f"{way}.csv")
            after = job.scores()
            assert before.equals(after)
            assert list(after.columns) == ["key", "note", "m_0", "m_1", "error"]
            assert len(after) == 3000 == receipt.records
            assert (after["error"] != "").sum() == receipt.rejected == after["m_1"].isna().sum()
            report = json.loads(farm.producer("report", job.id, "--json", "--by", "note").out)
            assert report["receipt"]["scored"] == receipt.scored


@pytest.mark.slow
def test_a_folder_of_parts_and_a_killed_collector(farm: Farm, matrix: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    table(path, 60_000)
    words = "enqueue", path, "--model", matrix, "--id", "key", "--errors", "--batch-bytes", SMALL, "--quiet", "--output"
    whole = farm.producer(*words, tmp_path / "whole.csv", "--again")
    assert whole.code == 0, whole.err
    killed = farm.popen(*words, tmp_path / "out.csv")
    until(lambda: any(each.stat().st_size for each in tmp_path.glob("out.csv.*.partial")), 60)
    killed.send_signal(signal.SIGINT)
    killed.communicate()
    assert farm.producer(*words, tmp_path / "out.csv").code == 0
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    folder = farm.producer(*words, f"{tmp_path}/parts/", "--again")
    assert folder.code == 0, folder.err
    assert (tmp_path / "parts" / "part-00000.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert farm.producer("verify", f"{tmp_path}/parts/").code == 0


def test_what_was_altered_is_found_by_its_record(farm: Farm, matrix: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "t.csv", tmp_path / "t.scores.csv"
    table(path, 2000)
    assert farm.producer("enqueue", path, "--model", matrix, "--wait", "--errors", "--batch-bytes", SMALL).code == 0
    rows = out.read_text().splitlines()
    assert rows[5] == "5,,,bad_value"
    out.write_text("\n".join([*rows[:5], *rows[6:]]) + "\n")
    run = farm.producer("verify", out)
    assert run.code == 1
    assert "not there: the records 5" in run.out + run.err


def test_a_column_of_that_name_is_an_error(farm: Farm, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,text,error\n1,a,b\n")
    run = farm.producer("enqueue", path, "--wait", "--errors", "--keep", "error")
    assert run.code == 1
    assert "two columns named 'error'" in run.err
