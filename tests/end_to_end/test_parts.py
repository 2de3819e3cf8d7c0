"""`--output DIR/`: parts that many read side by side, which together are the scores file that one would have had."""

import json
import shutil
from pathlib import Path

import pytest

from formats.errors import InputError
from producer.api import enqueue
from producer.outputs import parts
from producer.outputs.parts import cut
from producer.submission import Submission
from tests.support import ROOT
from tests.support.farm import Farm

MESSAGES = ROOT / "data" / "messages.csv"


@pytest.fixture
def home(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With small parts, for commands in this process."""
    monkeypatch.setenv("REDIS_URL", farm.server.url)
    monkeypatch.setenv("NIGHTSHIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(parts, "PART_BYTES", 60_000)
    return tmp_path


def submit(home: Path, records: int) -> Submission:
    path = home / "in.csv"
    path.write_bytes(b"".join(MESSAGES.read_bytes().splitlines(keepends=True)[: records + 1]))
    return enqueue(path, batch_bytes=40_000, again=True)


def bodies(folder: Path) -> list[bytes]:
    files = sorted(folder.glob("part-*.csv"))
    heads = {path.read_bytes().partition(b"\n")[0] for path in files}
    assert heads == {b"message_id,score"}, "each is a file of its own"
    return [path.read_bytes().partition(b"\n")[2] for path in files]


def test_the_parts_together_are_the_scores_file(farm: Farm, home: Path) -> None:
    submission = submit(home, 8_000)
    submission.wait(home / "whole.csv")
    folder = home / "deep" / "out"
    receipt = submission.wait(f"{folder}/")
    assert receipt.output == f"{folder}/"
    found = bodies(folder)
    assert len(found) >= 3
    assert b"".join(found) == (home / "whole.csv").read_bytes().partition(b"\n")[2]
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["_SUCCESS", *(f"part-{n:05}.csv" for n in range(len(found))), "receipt.json", "rejects.csv"]
    manifest = json.loads((folder / "receipt.json").read_text())["parts"]
    assert [(part["name"], part["scored"]) for part in manifest] == [
        (f"part-{n:05}.csv", body.count(b"\n")) for n, body in enumerate(found)
    ]
    for place in (f"{folder}/", folder):
        assert farm.producer("verify", place).code == 0


def test_fewer_parts_replace_what_was_published_before(farm: Farm, home: Path) -> None:
    folder = home / "out"
    submit(home, 8_000).wait(f"{folder}/")
    before = len(bodies(folder))
    (home / "in.csv").unlink()
    (folder / ".part-00001.csv.partial").write_bytes(b"of a command that was killed")
    receipt = submit(home, 4_000).wait(f"{folder}/")
    assert 1 <= len(bodies(folder)) < before
    assert sum(body.count(b"\n") for body in bodies(folder)) == receipt.scored > 2_000
    assert [path.name for path in folder.iterdir() if "partial" in path.name] == []
    assert farm.producer("verify", f"{folder}/").code == 0


@pytest.mark.parametrize("harm", ["altered", "gone", "another", "unfinished", "header", "row"])
def test_parts_that_are_not_as_they_were_written_are_noticed(farm: Farm, home: Path, harm: str) -> None:
    folder = home / "out"
    submit(home, 8_000).wait(f"{folder}/")
    first = folder / "part-00000.csv"
    if harm == "altered":
        first.write_bytes(first.read_bytes().replace(b"0.", b"1.", 1))
    elif harm == "gone":
        first.unlink()
    elif harm == "header":
        second = folder / "part-00001.csv"
        second.write_bytes(second.read_bytes().replace(b"message_id,score", b"score,message_id", 1))
    elif harm == "row":  # the first row of the second part is at the end of the first
        second = folder / "part-00001.csv"
        head, row, rest = second.read_bytes().split(b"\n", 2)
        first.write_bytes(first.read_bytes() + row + b"\n")
        second.write_bytes(head + b"\n" + rest)
    elif harm == "another":
        shutil.copy(first, folder / "part-00099.csv")
    else:
        (folder / "_SUCCESS").unlink()
    verdict = farm.producer("verify", f"{folder}/")
    assert verdict.code == 1
    assert verdict.out or verdict.err.count("\n") == 1


@pytest.mark.parametrize("name", ["linked", "in/../in", "in"])
def test_the_input_is_safe_under_every_name_of_its_folder(farm: Farm, home: Path, name: str) -> None:
    (home / "in").mkdir()
    (home / "linked").symlink_to(home / "in")
    path = Path(shutil.copy(MESSAGES, home / "in" / "part-00000.csv"))
    run = farm.producer("enqueue", path, "--output", f"{home / name}/")
    assert (run.code, run.err.count("\n")) == (1, 1)
    submission = enqueue(path, again=True)
    with pytest.raises(InputError):
        submission.wait(f"{home / name}/")
    with pytest.raises(InputError):
        submission.wait(path)
    assert path.read_bytes() == MESSAGES.read_bytes()


def test_a_retry_publishes_its_parts_whatever_name_the_home_has(
    farm: Farm, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "real").mkdir()
    (home / "link").symlink_to(home / "real")
    path, folder = home / "long.csv", home / "deep" / ".." / "out"
    (home / "deep").mkdir()
    path.write_text("message_id,text\n1,hello\n2," + "long " * 1000 + "\n3,WIN\n")
    told = {"NIGHTSHIFT_HOME": str(home / "link")}
    words = "enqueue", path, "--output", f"{folder}/", "--json"
    first = farm.producer(*words, NIGHTSHIFT_MAX_RECORD_BYTES="1000", **told)
    assert first.code == 0, first.err
    again = farm.producer("retry", json.loads(first.out)["job"], "--json", NIGHTSHIFT_MAX_RECORD_BYTES="100000", **told)
    assert again.code == 0, again.err
    assert (home / "out" / "part-00000.csv").read_bytes().count(b"\n") == 4
    assert farm.producer("verify", home / "out", **told).code == 0


@pytest.mark.parametrize("there", ["others", "file", "input", "no slash"])
def test_a_folder_that_is_somebody_elses_is_left_alone(farm: Farm, home: Path, there: str) -> None:
    folder = home / "out"
    path = Path(shutil.copy(MESSAGES, home / "part-00000.csv"))
    if there == "file":
        folder.write_text("x")
    else:
        folder.mkdir()
    if there == "others":
        (folder / "thesis.txt").write_text("x")
    if there == "input":
        path = path.rename(folder / path.name)
    run = farm.producer("enqueue", path, "--output", folder if there == "no slash" else f"{folder}/")
    assert run.code in (1, 2)
    assert run.err.strip()
    assert (folder / "thesis.txt").exists() == (there == "others")
    assert path.read_bytes() == MESSAGES.read_bytes()


def test_a_part_has_whole_batches_and_one_at_least() -> None:
    sizes = [40_000_000] * 7
    found = cut(20, ((size, 1000) for size in sizes))
    assert [part.scored for part in found] == [3000, 3000, 1000]
    assert [part.offset for part in found] == [20, 120_000_020, 240_000_020]
    assert sum(part.size for part in found) == sum(sizes)
    assert [part.size for part in cut(5, iter([(1 << 30, 9), (1, 1)]))] == [1 << 30, 1]
    assert cut(5, iter([])) == [("part-00000.csv", 5, 0, 0)], "a header, for whoever wants a schema"
