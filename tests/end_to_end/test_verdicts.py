"""--threshold: the scores file says of each record what it is, without any rule in the graph."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.compat import v1

import producer
from tests.support import ROOT
from tests.support.farm import Farm
from tests.support.tables import read

SMALL = 9_000  # bytes a batch
EXACT = 0.7  # the float32 next to it is a little less, and its text is 0.7


def graph(path: Path, **outputs: Callable[[tf.Tensor], tf.Tensor]) -> Path:
    """A graph that makes these of a float32 x."""
    with v1.Graph().as_default() as made:
        x = v1.placeholder(tf.float32, name="x")
        for name, build in outputs.items():
            tf.identity(build(x), name=name)
    path.write_bytes(made.as_graph_def().SerializeToString())
    return path


@pytest.fixture(scope="module")
def score(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A score that is the number in the column x."""
    return graph(tmp_path_factory.mktemp("score") / "score.pb", score=lambda x: x)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """x and 1 - x, side by side: how many columns there are, nobody knows before a record is scored."""
    return graph(tmp_path_factory.mktemp("matrix") / "m.pb", m=lambda x: tf.stack([x, 1 - x], axis=1))


def ways(farm: Farm) -> dict[str, dict[str, str]]:
    return {"server": {}, "reference": {"NIGHTSHIFT_SPOOL": str(farm.spool)}}


def table(path: Path, rows: int) -> Path:
    """Scores around the threshold, and records that worker or reader reject."""
    around = np.float32(EXACT)
    near = [around, np.nextafter(around, np.float32(0)), np.nextafter(around, np.float32(1))]
    numbers = np.random.default_rng(7).random(rows, np.float32)
    cells = [str(near[n // 5 % 3]) if n % 5 == 0 else str(number) for n, number in enumerate(numbers)]
    lines = [f'{n},{cell},"note, {n}"' for n, cell in enumerate(cells, 1)]
    for n in range(7, rows, 13):
        lines[n - 1] = f"{n},none,"
    for n in range(9, rows, 17):
        lines[n - 1] = f"{n}"
    path.write_text("key,x,note\n" + "\n".join(lines) + "\n")
    return path


def by_text(row: dict[str, str]) -> str:
    """The verdict that follows from what a reader of the file sees."""
    return "spam" if float(row["score"]) >= EXACT else "ham"


def test_a_verdict_follows_from_the_score_as_it_is_written_whichever_way_it_went(
    farm: Farm, score: Path, tmp_path: Path
) -> None:
    path = table(tmp_path / "t.csv", 4000)
    words = "enqueue", path, "--model", score, "--id", "key", "--keep", "note", "--batch-bytes", SMALL, "--json"
    plain = farm.producer(*words, "--output", tmp_path / "plain.csv")
    assert plain.code == 0, plain.err
    made = {}
    for way, environment in ways(farm).items():
        out = tmp_path / f"{way}.csv"
        run = farm.producer(*words, "--output", out, "--threshold", EXACT, "--again", **environment)
        assert run.code == 0, run.err
        receipt = json.loads(run.out)
        assert (receipt["by_reference"], receipt["threshold"]) == (way == "reference", EXACT)
        assert farm.producer("verify", out).code == 0
        made[way] = out.read_bytes(), out.with_name(f"{way}.rejects.csv").read_bytes()
    assert made["server"] == made["reference"]
    rows = read(tmp_path / "server.csv")
    assert [row.pop("verdict") for row in rows] == [by_text(row) for row in rows]
    assert {"0.7", "0.70000005", "0.6999999"} & {row["score"] for row in rows} >= {"0.7"}, "some are just there"
    assert rows == read(tmp_path / "plain.csv"), "all else is as ever"
    assert made["server"][1] == (tmp_path / "plain.rejects.csv").read_bytes()


def test_rejects_in_the_scores_file_have_none_and_parts_have_the_same_rows(
    farm: Farm, score: Path, tmp_path: Path
) -> None:
    path = table(tmp_path / "t.csv", 1500)
    words = "enqueue", path, "--model", score, "--threshold", EXACT, "--errors", "--batch-bytes", SMALL, "--quiet"
    whole = {}
    for way, environment in ways(farm).items():
        out = tmp_path / f"{way}.csv"
        assert farm.producer(*words, "--output", out, "--again", **environment).code == 0
        whole[way] = out.read_bytes()
    assert whole["server"] == whole["reference"]
    rows = read(tmp_path / "server.csv")
    assert list(rows[0]) == ["record", "score", "verdict", "error"]
    assert len(rows) == 1500
    assert [row["verdict"] for row in rows] == ["" if row["error"] else by_text(row) for row in rows]
    folder = farm.producer(*words, "--output", f"{tmp_path}/parts/", "--again")
    assert folder.code == 0, folder.err
    assert (tmp_path / "parts" / "part-00000.csv").read_bytes() == whole["server"]
    assert farm.producer("verify", f"{tmp_path}/parts/").code == 0


def test_verify_notices_a_verdict_that_was_altered(farm: Farm, score: Path, tmp_path: Path) -> None:
    path, out = table(tmp_path / "t.csv", 300), tmp_path / "out.csv"
    assert farm.producer("enqueue", path, "--model", score, "--threshold", EXACT, "--output", out).code == 0
    rows = out.read_text().splitlines()
    place = next(number for number, row in enumerate(rows) if row.endswith(",spam"))
    rows[place] = rows[place].removesuffix("spam") + "ham"
    out.write_text("\n".join(rows) + "\n")
    run = farm.producer("verify", out)
    assert run.code == 1
    assert "altered" in run.out + run.err


def test_another_threshold_is_another_job_and_the_same_one_attaches(farm: Farm, score: Path, tmp_path: Path) -> None:
    path, out = table(tmp_path / "t.csv", 50), tmp_path / "out.csv"

    def enqueue(*words: object) -> str:
        run = farm.producer("enqueue", path, "--model", score, "--output", out, "--json", *words)
        assert run.code == 0, run.err
        return str(json.loads(run.out)["job"])

    jobs = [enqueue(), enqueue("--threshold", "0.5"), enqueue("--threshold", 0), enqueue("--threshold", "0.50")]
    assert len(set(jobs)) == 3
    assert jobs[1] == jobs[3]
    assert enqueue("--threshold", "-0.0") == jobs[2]
    assert {row["verdict"] for row in read(out)} == {"spam"}, "a threshold of 0 is one"
    status = farm.producer("status", jobs[1])
    assert "spam from 0.5 on" in status.out


def test_a_retry_keeps_the_threshold(farm: Farm, score: Path, tmp_path: Path) -> None:
    rows = [f"{n / 100},note" for n in range(1, 100)]
    rows[89] = "0.9," + "x" * 5000
    path, out, expected = tmp_path / "input.csv", tmp_path / "out.csv", tmp_path / "expected.csv"
    path.write_text("x,note\n" + "\n".join(rows) + "\n")
    words = "enqueue", path, "--model", score, "--threshold", 0.5, "--json"
    low, high = ({"NIGHTSHIFT_MAX_RECORD_BYTES": size} for size in ("4000", "9000"))
    job = json.loads(farm.producer(*words, "--output", out, **low).out)["job"]
    assert len(read(out)) == 98
    run = farm.producer("retry", job, **high)
    assert run.code == 0, run.err
    assert farm.producer(*words, "--output", expected, **high).code == 0
    assert out.read_bytes() == expected.read_bytes()
    assert read(out)[89] == {"record": "90", "score": "0.9", "verdict": "spam"}


def test_where_nothing_is_scored_the_column_is_there(farm: Farm, score: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\nnone,1\n")
    for word in ("--again", "--errors"):
        assert farm.producer("enqueue", path, "--model", score, "--threshold", 0.5, "--wait", word).code == 3
        header = (tmp_path / "t.scores.csv").read_text().splitlines()[0]
        assert header == "record,score,verdict" + ",error" * (word == "--errors")


def test_a_score_that_is_not_a_number_is_no_spam(farm: Farm, score: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\nnan,1\ninf,1\n-inf,1\n-3,1\n")
    assert farm.producer("enqueue", path, "--model", score, "--threshold", -3, "--wait").code == 0
    assert [row["verdict"] for row in read(tmp_path / "t.scores.csv")] == ["ham", "spam", "ham", "spam"]


def refused(farm: Farm, path: Path, *words: object) -> str:
    """What is said of a job that is not even made."""
    before = farm.producer("status", "--json").out
    run = farm.producer("enqueue", path, "--wait", *words)
    assert run.code in (1, 2), run.err
    assert farm.producer("status", "--json").out == before, "nothing was enqueued"
    return run.err


def test_what_takes_no_threshold_is_said_before_anything_is_enqueued(
    farm: Farm, score: Path, xy_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y,text,verdict\n1,2,hello,none\n")
    guarded = graph(tmp_path / "guarded.pb", score=lambda x: x, verdict=lambda x: tf.as_string(x))
    assert "gives a 'verdict' of its own" in refused(farm, path, "--model", guarded, "--threshold", 0.5)
    assert "'op_to_store', is int32" in refused(farm, path, "--model", xy_model, "--threshold", 0.5)
    kept = refused(farm, path, "--model", score, "--threshold", 0.5, "--keep", "verdict")
    assert "two columns named 'verdict'" in kept
    for number in ("nan", "inf", "half"):
        assert f"{number!r} is no number" in refused(farm, path, "--threshold", number)
    # Who fetches the score alone has asked for it.
    words = "enqueue", path, "--model", guarded, "--threshold", 0.5, "--wait", "--fetch", "score,policy=verdict"
    assert farm.producer(*words).code == 0
    assert read(tmp_path / "t.scores.csv") == [
        {"record": "1", "score": "1", "policy": "1.000000", "verdict": "spam"},
    ]  # fmt: skip


def test_what_only_a_worker_can_know_ends_the_job_with_the_reason(farm: Farm, matrix: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", 50)
    run = farm.producer("enqueue", path, "--model", matrix, "--threshold", 0.5, "--wait")
    assert run.code == 1
    assert "one floating-point number a record, and the first output, 'm', is several columns" in run.err
    assert "--fetch NODE[i] takes one column" in run.err
    assert farm.producer("enqueue", path, "--model", matrix, "--threshold", 0.5, "--wait", "--fetch", "m[1]").code == 0


def test_python_has_them_before_and_after_they_are_collected(
    farm: Farm, score: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    path = table(tmp_path / "t.csv", 600)
    for way, environment in ways(farm).items():
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with producer.enqueue(path, model=score, threshold=EXACT, again=True, batch_bytes=SMALL) as job:
            job.wait()
            before = job.scores()
            job.wait(tmp_path / f"{way}.csv")
            after = job.scores()
        assert list(after.columns) == ["record", "score", "verdict"]
        assert before["verdict"].tolist() == after["verdict"].tolist() == [
            row["verdict"] for row in read(tmp_path / f"{way}.csv")
        ]  # fmt: skip
        assert set(after["verdict"]) == {"ham", "spam"}
    path.write_text("x,y\nnone,1\n")
    with producer.enqueue(path, model=score, threshold=EXACT) as job:
        job.wait()
        assert list(job.scores().columns) == ["record", "score", "verdict"], "of no record"


def test_the_report_is_on_the_output_and_at_the_threshold_of_the_verdicts(farm: Farm, tmp_path: Path) -> None:
    """Without verdicts it would take the first output that has fractions."""
    model = graph(tmp_path / "two.pb", whole=lambda x: tf.floor(x * 100), score=lambda x: x)
    path, out = table(tmp_path / "t.csv", 500), tmp_path / "out.csv"
    words = "--threshold", 70, "--fetch", "whole,score", "--json", "--output", out
    run = farm.producer("enqueue", path, "--model", model, *words)
    assert run.code == 0, run.err
    verdicts = [row["verdict"] for row in read(out)]
    job = json.loads(run.out)["job"]
    figures = json.loads(farm.producer("report", job, "--json").out)["scores"]
    assert (figures["node"], figures["threshold"], figures["blocked"]) == ("whole", 70, verdicts.count("spam"))
    other = json.loads(farm.producer("report", job, "--json", "--threshold", 10).out)["scores"]
    assert other["threshold"] == 10
    assert other["blocked"] > figures["blocked"]


def test_a_plan_has_it(farm: Farm, score: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "t.csv", 50)
    run = farm.producer("plan", path, "--model", score, "--threshold", 0.5, "--no-time")
    assert run.code == 0
    assert " verdict    spam where 'score' is at least 0.5" in run.out
    said = json.loads(farm.producer("plan", path, "--model", score, "--threshold", 0.5, "--no-time", "--json").out)
    assert (said["outputs"], said["threshold"]) == (["score", "verdict"], 0.5)


def test_a_schedule_has_it_and_scores_again_when_it_changes(farm: Farm, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("message_id,text\n1,WIN a FREE prize: reply CLAIM now\n2,home by six\n")
    words = "nightly", tmp_path / "in" / "*.csv", "--once", "--settle", 0
    scores = tmp_path / "in" / "a.scores.csv"
    for threshold, expected in (("0.5", ["spam", "ham"]), ("0.5", ["spam", "ham"]), ("0", ["spam", "spam"])):
        before = scores.stat().st_mtime_ns if scores.exists() else 0
        run = farm.producer(*words, NIGHTSHIFT_NIGHTLY_THRESHOLD=threshold)
        assert run.code == 0, run.err
        assert [row["verdict"] for row in read(scores)] == expected
        changed = scores.stat().st_mtime_ns != before
    assert changed
    assert farm.producer(*words, "--threshold", "0").code == 0
    with scores.open(newline="") as file:
        assert next(csv.reader(file)) == ["message_id", "score", "verdict"]
    assert (ROOT / "docker-compose.yml").read_text().count("NIGHTSHIFT_NIGHTLY_THRESHOLD:") == 1
