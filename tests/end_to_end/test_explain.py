"""--explain: the scores file says of each record with a high score which pieces of its text moved it."""

import csv
import json
import os
import random
import signal
from pathlib import Path

import pytest

import producer
from formats.errors import InputError
from tests.support import ROOT, until
from tests.support.command import model
from tests.support.farm import Farm
from tests.support.tables import read

SMALL = 9_000  # bytes a batch
SPAM = ROOT / "data" / "spam.pb"
RULES = """
[[deny]]
name = "hosts"
domains = ["parcel-fee.example.net"]
[[points]]
name = "from abroad"
points = 1.25
senders = ["@abroad.example"]
"""


def ways(farm: Farm) -> dict[str, dict[str, str]]:
    return {"server": {}, "reference": {"NIGHTSHIFT_SPOOL": str(farm.spool)}}


def night(path: Path, rows: int, seed: int = 0) -> Path:
    """Messages in several scripts, some again and again, some of odd bytes; and records that can't be read."""
    chance = random.Random(seed)
    texts = [row["text"].encode() for row in read(ROOT / "data" / "messages.csv")][:3000]
    odd = [b'"quoted; ""so"" \\ and\nso"', b"\xff\xfe free prize \x80", b"", b" ", "cl\u200baim; it".encode()]
    lines = [b"key,sender,text"]
    for number in range(1, rows + 1):
        text = b'"%b"' % chance.choice(texts[: 40 if number % 3 else None]).replace(b'"', b'""')
        if number % 50 == 0:
            text = chance.choice(odd)
        lines.append(b"%d,%b,%b" % (number, chance.choice([b"a@abroad.example", b"b@here.example"]), text))
        if number % 97 == 0:
            lines.append(b"broken")
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def test_those_with_a_high_score_have_reasons_whichever_way_they_went(farm: Farm, tmp_path: Path) -> None:
    """The same as `model explain` has for each text by itself, whatever was scored with it, and as often."""
    path = night(tmp_path / "night.csv", 3000)
    words = "enqueue", path, "--model", SPAM, "--id", "key", "--keep", "text", "--batch-bytes", SMALL, "--json"
    plain = farm.producer(*words, "--output", tmp_path / "plain.csv")
    assert plain.code == 0, plain.err
    made = {}
    for way, environment in ways(farm).items():
        out = tmp_path / f"{way}.csv"
        run = farm.producer(*words, "--explain", 3, "--explain-from", 0.7, "--output", out, "--again", **environment)
        assert run.code == 0, run.err
        assert json.loads(run.out)["by_reference"] == (way == "reference")
        assert farm.producer("verify", out).code == 0
        made[way] = out.read_bytes(), out.with_name(f"{way}.rejects.csv").read_bytes()
    assert made["server"] == made["reference"]
    rows = rows_of(tmp_path / "server.csv")
    cells = [row.pop("reasons") for row in rows]
    assert rows == rows_of(tmp_path / "plain.csv"), "all else is as ever"
    for row, cell in zip(rows, cells, strict=True):
        assert bool(cell) == (float(row["score"]) >= 0.7), row
        assert len(producer.parse_reasons(cell)) <= 3
    explained = [(row["text"], cell) for row, cell in zip(rows, cells, strict=True) if cell]
    assert len({text for text, _ in explained}) < len(explained), "some come again"
    asked = dict(random.Random(1).sample(explained, 40))
    texts = [part for text in asked for part in ("--text", text)]
    told = model(tmp_path, "explain", SPAM, "--top", 3, "--json", *texts)
    assert told.code == 0, told.err
    for found, (text, cell) in zip(json.loads(told.out), asked.items(), strict=True):
        said = producer.parse_reasons(cell)
        assert [round(piece["share"], 2) for piece in found["pieces"]] == [reason.share for reason in said]
        for reason in said:
            assert isinstance(reason.name, bytes)
            assert reason.name in os.fsencode(text)


def test_rejects_verdicts_and_parts_go_with_them(farm: Farm, tmp_path: Path) -> None:
    path = night(tmp_path / "night.csv", 1200)
    words = "enqueue", path, "--model", SPAM, "--explain", 2, "--threshold", 0.9, "--errors", "--quiet"
    whole = {}
    for way, environment in ways(farm).items():
        out = tmp_path / f"{way}.csv"
        assert farm.producer(*words, "--batch-bytes", SMALL, "--output", out, "--again", **environment).code == 0
        whole[way] = out.read_bytes()
    assert whole["server"] == whole["reference"]
    rows = rows_of(tmp_path / "server.csv")
    assert list(rows[0]) == ["record", "score", "verdict", "reasons", "error"]
    assert sum(1 for row in rows if row["error"]) == 1200 // 97
    assert not any(row["reasons"] for row in rows if row["error"])
    folder = farm.producer(*words, "--output", f"{tmp_path}/parts/", "--again")
    assert folder.code == 0, folder.err
    assert (tmp_path / "parts" / "part-00000.csv").read_bytes() == whole["server"]
    assert farm.producer("verify", f"{tmp_path}/parts/").code == 0


def test_what_is_retried_is_explained_too(farm: Farm, tmp_path: Path) -> None:
    path, out, expected = tmp_path / "night.csv", tmp_path / "out.csv", tmp_path / "expected.csv"
    spam = "WIN a FREE prize: reply CLAIM now"
    rows = [f"{n},{spam if n % 2 else 'home by six'} {n}" for n in range(1, 400)]
    rows[10] = "11," + f"{spam} " * 100
    path.write_text("key,text\n" + "\n".join(rows) + "\n")
    words = "enqueue", path, "--id", "key", "--explain", 1, "--json"
    low, high = ({"NIGHTSHIFT_MAX_RECORD_BYTES": size} for size in ("2000", "9000"))
    job = json.loads(farm.producer(*words, "--output", out, **low).out)["job"]
    assert len(rows_of(out)) == 398
    assert farm.producer("retry", job, **high).code == 0
    assert farm.producer(*words, "--output", expected, **high).code == 0
    assert out.read_bytes() == expected.read_bytes()
    assert rows_of(out)[10]["reasons"]


def test_how_much_is_explained_makes_another_job(farm: Farm, tmp_path: Path) -> None:
    path, out = tmp_path / "night.csv", tmp_path / "out.csv"
    path.write_text("key,text\n1,WIN a FREE prize: reply CLAIM now\n2,home by six\n")

    def enqueue(*words: object) -> str:
        run = farm.producer("enqueue", path, "--output", out, "--json", *words)
        assert run.code == 0, run.err
        return str(json.loads(run.out)["job"])

    jobs = [enqueue(), enqueue("--explain", 3), enqueue("--explain", 2), enqueue("--explain", 2, "--explain-from", 0)]
    assert len(set(jobs)) == 4
    assert all(row["reasons"] for row in rows_of(out)), "from 0 on all are"
    assert enqueue("--explain", 3, "--explain-from", "0.5") == jobs[1]
    assert enqueue() == jobs[0]
    assert "reasons" not in out.read_text()


def test_what_can_not_be_explained_is_an_error_before_anything_is_enqueued(
    farm: Farm, xy_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "night.csv"
    path.write_text("id,text,x,y\n1,hello,1,2\n")
    before = set(farm.ledger.job_ids())
    for words, line in (
        (("--model", xy_model, "--explain", 3), "no sum over the pieces of a text makes 'op_to_store'"),
        (("--explain-from", 0.5), "--explain-from needs --explain N"),
        (("--explain", 3, "--explain-from", "nan"), "no number"),
        (("--explain", 3, "--keep", "reasons"), "no column 'reasons'"),
    ):
        run = farm.producer("enqueue", path, "--wait", *words)
        assert (run.code, len(run.err.strip().splitlines())) == (1, 1), run.err
        assert line in run.err, run.err
    assert farm.producer("enqueue", path, "--wait", "--explain", 21).code == 2
    with pytest.raises(InputError, match="from 1 to 20 pieces"):
        producer.enqueue(path, explain=21)
    plan = farm.producer("plan", path, "--model", xy_model, "--explain", 3, "--no-time", "--json")
    assert "no sum over the pieces" in json.loads(plan.out)["problem"]
    good = json.loads(farm.producer("plan", path, "--explain", 3, "--no-time", "--json").out)
    assert (good["outputs"], good["explain"], good["explain_from"]) == (["score", "reasons"], 3, 0.5)
    assert set(farm.ledger.job_ids()) == before


def test_rules_are_named_before_the_pieces(farm: Farm, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    made = model(tmp_path, "rules", "rules.toml", "--on", SPAM, "--output", "guarded.pb")
    assert made.code == 0, made.err
    path, out = night(tmp_path / "night.csv", 1000), tmp_path / "out.csv"
    words = "enqueue", path, "--model", tmp_path / "guarded.pb", "--keep", "sender,text", "--explain", 1
    assert farm.producer(*words, "--output", out).code == 0
    seen = set()
    for row in rows_of(out):
        if not row["reasons"]:
            continue
        said = [(reason.name, reason.share) for reason in producer.parse_reasons(row["reasons"])]
        rules = [each for each in said if isinstance(each[0], str)]
        expected: list[tuple[str, object]] = []
        expected += [("hosts", "deny")] if "parcel-fee.example.net" in row["text"] else []
        expected += [("from abroad", 1.25)] if row["sender"] == "a@abroad.example" else []
        assert rules == expected == said[: len(rules)]
        assert len(said) <= len(rules) + 1
        seen.add(len(rules))
    assert seen == {0, 1, 2}


def test_python_and_the_report_have_them(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    path = night(tmp_path / "night.csv", 900)
    for way, environment in ways(farm).items():
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with producer.enqueue(path, explain=2, explain_from=0.4, again=True, batch_bytes=SMALL) as job:
            job.wait()
            before = job.scores()
            job.wait(tmp_path / f"{way}.csv")
            assert before["reasons"].tolist() == job.scores()["reasons"].tolist()
            assert ((before["reasons"] != "") == (before["score"] >= 0.4)).all()
            page = tmp_path / f"{way}.html"
            told = farm.producer("report", job.id, "--json", "--output", page)
            assert told.code == 0, told.err
            scores = json.loads(told.out)["scores"]
            by_record = dict(zip(before["record"], before["reasons"], strict=True))
            nearest = {each["record"]: each.get("reasons", "") for each in scores["nearest"]}
            assert nearest == {record: by_record[record] for record in nearest}
            assert any(nearest.values())
            assert all(each["reasons"] for each in scores["repeated"])
            assert page.read_text().count('<div class="why">') == sum(map(bool, nearest.values())) + len(
                scores["repeated"]
            )


def test_a_schedule_explains(farm: Farm, tmp_path: Path) -> None:
    night(tmp_path / "in.csv", 60)
    words = "nightly", tmp_path / "in.csv", "--once", "--settle", 0
    variables = {"NIGHTSHIFT_NIGHTLY_EXPLAIN": "2", "NIGHTSHIFT_NIGHTLY_EXPLAIN_FROM": "0.9"}
    run = farm.producer(*words, "--output", str(tmp_path / "{stem}.scores.csv"), **variables)
    assert run.code == 0, run.err
    for row in rows_of(tmp_path / "in.scores.csv"):
        assert bool(row["reasons"]) == (float(row["score"]) >= 0.9)


@pytest.mark.slow
def test_killed_workers_and_a_killed_producer_change_no_byte(farm: Farm, tmp_path: Path) -> None:
    path = night(tmp_path / "night.csv", 60_000)
    words = "enqueue", path, "--explain", 3, "--explain-from", 0.2, "--batch-bytes", SMALL, "--quiet", "--output"
    whole = farm.producer(*words, tmp_path / "whole.csv", "--again")
    assert whole.code == 0, whole.err
    process = farm.popen(*words, tmp_path / "out.csv")
    until(lambda: any(each.stat().st_size for each in tmp_path.glob("out.csv.*.partial")), 60)
    parent = farm.workers[0].process.pid
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 4
    run = farm.producer(*words, tmp_path / "out.csv")
    assert run.code == 0, run.err
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
