"""Several files are one job: one scores file that says which record came from where, one receipt, rejects by file."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

import producer
from tests.support.farm import Farm
from tests.support.tables import read

ROWS = [(str(n), f"message {n}" + " WIN a prize" * (n % 3 == 0)) for n in range(1, 301)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files, of which one is packed; and what is no input."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name, rows in (("2.csv", ROWS[:100]), ("9.csv.gz", ROWS[100:150]), ("10.csv", ROWS[150:])):
        content = ("id,text\n" + "".join(f"{number},{text}\n" for number, text in rows)).encode()
        (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (folder / "2.scores.csv").write_text("of another day\n")
    (folder / ".hidden").write_text("x")
    return folder


@pytest.fixture
def plain(farm: Farm, tmp_path: Path) -> list[dict[str, str]]:
    path = tmp_path / "plain.csv"
    path.write_text("id,text\n" + "".join(f"{number},{text}\n" for number, text in ROWS))
    assert farm.producer("enqueue", path, "--wait").code == 0
    return read(tmp_path / "plain.scores.csv")


@pytest.mark.parametrize("spool", [True, False], ids=["by reference", "through the server"])
def test_the_scores_are_those_of_one_file_with_a_column_that_says_where_from(
    farm: Farm, tmp_path: Path, folder: Path, plain: list[dict[str, str]], spool: bool
) -> None:
    with (folder / "10.csv").open("a") as file:
        file.write("301,one,too many\n")
    environment = {"NIGHTSHIFT_SPOOL": str(farm.spool)} if spool else {}
    run = farm.producer("enqueue", folder, "--output", tmp_path / "all.csv", "--json", **environment)
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    assert (receipt["records"], receipt["scored"], receipt["codes"]) == (301, 300, {"too_many_fields": 1})
    assert receipt["by_reference"] == spool
    scores = read(tmp_path / "all.csv")
    assert [(row["id"], row["score"]) for row in scores] == [(row["id"], row["score"]) for row in plain]
    assert [Path(row["file"]).name for row in scores] == ["2.csv"] * 100 + ["9.csv.gz"] * 50 + ["10.csv"] * 150
    (reject,) = read(tmp_path / "all.rejects.csv")
    assert (reject["record"], reject["line"]) == ("301", "152"), "the line is its file's"
    assert reject["detail"].endswith(f"in {str(folder / '10.csv')!r}")
    verdict = farm.producer("verify", tmp_path / "all.csv", "--json")
    assert (verdict.code, json.loads(verdict.out)["notes"]) == (0, [])
    (folder / "2.csv").write_text("id,text\n1,another\n")
    verdict = farm.producer("verify", tmp_path / "all.csv")
    assert "2.csv" in verdict.out


def test_twenty_files_have_the_scores_of_one(farm: Farm, tmp_path: Path, plain: list[dict[str, str]]) -> None:
    folder = tmp_path / "twenty"
    folder.mkdir()
    for number in range(20):
        rows = ROWS[number * 15 : number * 15 + 15]
        content = ("id;text\n" + "".join(f"{each};{text}\n" for each, text in rows)).encode()
        name = f"{number}.csv" + ".gz" * (number % 5 == 4)
        (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    run = farm.producer("enqueue", folder, "--output", tmp_path / "all.csv")
    assert run.code == 0, run.err
    scores = [(row["id"], row["score"]) for row in read(tmp_path / "all.csv")]
    assert scores == [(row["id"], row["score"]) for row in plain]


def test_files_patterns_and_their_order(farm: Farm, tmp_path: Path, folder: Path) -> None:
    """Whether a shell or Nightshift expands a pattern, and in whatever order files are named, it is one job."""
    out = tmp_path / "out.csv"
    first = farm.producer("enqueue", folder / "10.csv", folder / "2.csv", "--output", out, "--json")
    assert first.code == 0, first.err
    again = farm.producer("enqueue", folder / "2.csv", folder / "10.csv", "--output", out, "--json")
    assert json.loads(again.out)["job"] == json.loads(first.out)["job"]
    pattern = farm.producer("enqueue", folder / "*.csv", "--output", out, "--json")
    assert json.loads(pattern.out)["records"] == 250


@pytest.mark.parametrize(
    ("content", "said"),
    [("id,body\n1,x\n", "it lacks 'text'"), ("text,id\nx,1\n", "another order"), ("", "empty")],
)
def test_a_file_that_does_not_fit_is_named_before_anything_is_scored(
    farm: Farm, tmp_path: Path, folder: Path, content: str, said: str
) -> None:
    (folder / "11.csv").write_text(content)
    run = farm.producer("enqueue", folder, "--output", tmp_path / "all.csv")
    assert run.code == 1
    assert "11.csv" in run.err
    assert said in run.err
    assert not (tmp_path / "all.csv").exists()


def test_what_can_not_be_done_with_several_files_is_said(farm: Farm, tmp_path: Path, folder: Path) -> None:
    run = farm.producer("enqueue", folder, "--wait")
    assert run.code == 2
    assert "--output PATH" in run.err
    run = farm.producer("enqueue", tmp_path / "none*.csv", "--output", tmp_path / "all.csv")
    assert (run.code, "nothing matches" in run.err) == (1, True)


def test_python_takes_several_too(farm: Farm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    with producer.enqueue([folder / "2.csv", folder / "10.csv"]) as submission:
        submission.wait()
        assert submission.scores()["file"].nunique() == 2
    with producer.enqueue(str(folder), again=True) as submission:
        assert submission.wait().records == 300


def test_rejects_of_several_files_are_scored_again_and_keep_their_files(farm: Farm, tmp_path: Path) -> None:
    for name, ends in (("a.csv", 3), ("b.csv", 2), ("c.csv", 3)):
        rows = [f"{name}{number},{'long ' * 300 if number % ends == 0 else 'short'}\n" for number in range(1, 8)]
        (tmp_path / name).write_text("id,text\n" + "".join(rows) + "broken\n" * (name == "b.csv"))
    out = tmp_path / "out.csv"
    words = "enqueue", tmp_path / "?.csv", "--output", out, "--json"
    run = farm.producer(*words, NIGHTSHIFT_MAX_RECORD_BYTES="1000")
    assert run.code == 0, run.err
    receipt = json.loads(run.out)
    assert receipt["codes"] == {"record_too_large": 7, "too_few_fields": 1}
    run = farm.producer("retry", receipt["job"])
    assert run.code == 0, run.err
    scores = read(out)
    assert [row["id"] for row in scores] == [f"{name}{n}" for name in ("a.csv", "b.csv", "c.csv") for n in range(1, 8)]
    assert [Path(row["file"]).name for row in scores] == [row["id"][:5] for row in scores]
    (reject,) = read(tmp_path / "out.rejects.csv")
    assert (reject["record"], reject["line"], reject["detail"].endswith("b.csv'")) == ("15", "9", True)
    assert farm.producer("verify", out).code == 0


def test_scores_are_proven_wherever_the_files_are_by_now(farm: Farm, tmp_path: Path) -> None:
    """Inputs are archived, and copies of what was packed are tidied away: that is when somebody wants a proof."""
    home = {"NIGHTSHIFT_HOME": str(tmp_path / "home")}
    for name, rows in (("a/1.csv", ROWS[:5]), ("a/2.csv.gz", ROWS[5:9]), ("b/1.csv", ROWS[9:])):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = ("id,text\n" + "".join(f"{number},{text}\n" for number, text in rows)).encode()
        path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    scores = tmp_path / "all.csv"
    run = farm.producer("enqueue", tmp_path / "in/*/*", "--output", scores, **home)
    assert run.code == 0, run.err

    def proven(*words: object) -> tuple[int, list[str]]:
        run = farm.producer("verify", scores, "--json", *words, **home)
        return run.code, json.loads(run.out)["notes"] if run.out else [run.err]

    shutil.rmtree(tmp_path / "home")
    assert proven() == (0, []), "the copy is made again"
    (tmp_path / "in").rename(tmp_path / "archive")
    code, [note] = proven()
    assert (code, note.startswith("the input is not compared: ")) == (0, True)
    for words in (["archive"], ["archive/a", "archive/b/1.csv"], ["archive/a/*", "archive/b/1.csv"]):
        assert proven(*(each for word in words for each in ("--input", tmp_path / word))) == (0, []), words
    code, [said] = proven("--input", tmp_path / "archive/a")
    assert (code, "1.csv" in said, said.count("\n")) == (1, True, 1)
    (tmp_path / "archive/b/1.csv").write_text("id,text\n1,another\n")
    assert proven("--input", tmp_path / "archive")[0] == 1
