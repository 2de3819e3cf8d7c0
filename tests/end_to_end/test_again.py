"""The same again, a little differently: after exit 0 the files are this job's, whatever lay in their places."""

import json
from pathlib import Path

import pytest

from tests.support.farm import Farm

SMALL = "message_id,text\n1,hello\n2,WIN a FREE prize\n3\n"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text(SMALL)
    return path


def files(path: Path) -> list[bytes]:
    return [path.with_name(f"{path.stem}.scores.{end}").read_bytes() for end in ("csv", "rejects.csv")]


def test_the_same_with_another_option_in_between(farm: Farm, small: Path) -> None:
    """Today's first command must not find the second's file and call it its own."""
    assert farm.producer("enqueue", small, "--wait").code == 0
    first = files(small)
    assert farm.producer("enqueue", small, "--wait", "--keep", "text").code == 0
    assert files(small) != first
    again = farm.producer("enqueue", small, "--wait")
    assert again.code == 0, again.err
    assert "is scored again" in again.err
    assert files(small) == first
    assert farm.producer("verify", small.with_name("a.scores.csv")).code == 0
    assert [path.name for path in small.parent.iterdir() if "partial" in path.name] == []


@pytest.mark.parametrize("end", ["csv", "rejects.csv"])
@pytest.mark.parametrize("what", ["edited", "cut", "extended", "gone", "a link", "empty"])
def test_whatever_became_of_a_file_it_is_right_afterwards(farm: Farm, small: Path, end: str, what: str) -> None:
    assert farm.producer("enqueue", small, "--wait").code == 0
    before = files(small)
    path, target = small.with_name(f"a.scores.{end}"), small.with_name("target.csv")
    content = path.read_bytes()
    path.unlink()
    if what == "a link":
        target.write_text("somebody's")
        path.symlink_to(target)
    elif what != "gone":
        changed = {"edited": content.replace(b"e", b"a", 1), "cut": content[:-1], "extended": content + b"x\n"}
        path.write_bytes(changed.get(what, b""))
    run = farm.producer("enqueue", small, "--wait")
    assert run.code == 0, run.err
    assert files(small) == before
    assert not path.is_symlink()
    assert what != "a link" or target.read_text() == "somebody's", "a link is replaced, not its target"


def test_a_directory_in_the_place_of_a_file_is_left_alone_with_one_line(farm: Farm, small: Path) -> None:
    small.with_name("a.scores.rejects.csv").mkdir()
    run = farm.producer("enqueue", small, "--wait")
    assert (run.code, len(run.err.splitlines())) == (1, 1)
    assert "is no regular file, and is left alone" in run.err


def test_what_was_collected_elsewhere_is_taken_from_there(farm: Farm, small: Path) -> None:
    run = farm.producer("enqueue", small, "--wait", "--json")
    before, job = files(small), json.loads(run.out)["job"]
    other = small.with_name("other.csv")
    assert farm.producer("collect", job, "--output", other).code == 0
    small.with_name("a.scores.csv").unlink()
    again = farm.producer("enqueue", small, "--wait")
    assert again.code == 0, again.err
    assert f"scores are taken from {other}" in again.err
    assert files(small) == before


def test_two_outputs_that_would_share_their_rejects_are_refused(farm: Farm, small: Path, tmp_path: Path) -> None:
    other = tmp_path / "b.csv"
    other.write_text(SMALL)
    assert farm.producer("enqueue", small, "--output", tmp_path / "x.csv").code == 0
    run = farm.producer("enqueue", other, "--output", tmp_path / "x.tsv")
    assert run.code == 1
    assert "belong to x.csv: name another --output" in run.err


def test_a_receipt_of_a_newer_version_is_left_alone(farm: Farm, small: Path) -> None:
    assert farm.producer("enqueue", small, "--wait").code == 0
    receipt = small.with_name("a.scores.receipt.json")
    receipt.write_text('{"format": 99}')
    run = farm.producer("enqueue", small, "--wait", "--keep", "text")
    assert run.code == 1
    assert "which a newer version of Nightshift wrote" in run.err
    assert receipt.read_text() == '{"format": 99}'
