"""What somebody names, and the files that are meant: each once, in an order that no shell decides."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from formats.errors import InputError
from formats.files.expansion import OURS, expand
from formats.files.location import Url, locate
from producer.outputs.parts import SUCCESS
from producer.outputs.paths import OURS as WRITTEN
from tests.support.storage import Storage


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touched(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("id\n1\n")


def named(*names: str) -> list[str]:
    return [str(location) for location in expand(names)]


def test_numbers_in_names_are_numbers(here: Path) -> None:
    touched("in/m-10.csv", "in/m-9.csv", "in/m-1.csv", "in/m-01.csv", "in/m.csv", "in/a/2.csv", "in/a/10.csv")
    assert named("in/*.csv") == ["in/m-01.csv", "in/m-1.csv", "in/m-9.csv", "in/m-10.csv", "in/m.csv"]
    assert named("in/**/*.csv")[:2] == ["in/a/2.csv", "in/a/10.csv"]


def test_the_order_is_the_same_whoever_expands_a_pattern(here: Path) -> None:
    """A shell gives m-10 before m-9, and its order depends on the language."""
    touched("in/m-10.csv", "in/m-9.csv", "in/M-1.csv")
    assert named("in/m-10.csv", "in/M-1.csv", "in/m-9.csv") == named("in/*") == named("in")
    assert named("in/") == named("in")


def test_a_folder_is_its_files_but_for_hidden_ones_and_ours(here: Path) -> None:
    touched(
        "in/a.csv", "in/b", "in/.hidden.csv", "in/below/c.csv", "in/a.scores.csv", "in/a.rejects.csv",
        "in/a.receipt.json", "in/a.report.html", "in/_SUCCESS", "in/a.scores.csv.1a2b.partial", "in/.x.partial",
    )  # fmt: skip
    assert named("in") == ["in/a.csv", "in/b"]
    assert named("in/*.csv") == ["in/a.csv"]
    assert named("in/*.scores.csv") == ["in/a.scores.csv"], "who asks for them gets them"
    assert named("in/a.scores.csv") == ["in/a.scores.csv"]


def test_what_counts_as_ours_is_all_that_is_written_for_a_job() -> None:
    assert {*WRITTEN, SUCCESS} <= {*OURS}


def test_a_file_is_there_once_however_often_it_is_named(here: Path) -> None:
    touched("in/a.csv", "in/b.csv")
    Path("in/latest.csv").symlink_to("b.csv")
    Path("in/alias.csv").symlink_to("latest.csv")
    Path("folder").symlink_to("in")
    assert named("in") == ["in/a.csv", "in/b.csv"], "the name that is no link counts"
    assert named("in", "in/*.csv", "./in/a.csv", f"{here}/in/b.csv", "folder") == ["in/a.csv", "in/b.csv"]
    assert named("in/latest.csv") == ["in/latest.csv"]
    assert named("in/latest.csv", "in/alias.csv") == ["in/latest.csv"]
    assert named("folder") == ["folder/a.csv", "folder/b.csv"]


def test_two_files_with_the_same_bytes_are_two(here: Path) -> None:
    """Of a hard link nobody knows whether it was meant once."""
    touched("in/a.csv")
    os.link("in/a.csv", "in/b.csv")
    assert named("in") == ["in/a.csv", "in/b.csv"]


def test_what_is_there_is_no_pattern(here: Path) -> None:
    touched("in/*.csv", "in/a.csv", "in/[b].csv", "in/b.csv", "[x]/c.csv")
    assert named("in/*.csv") == ["in/*.csv"]
    assert named("in/[b].csv") == ["in/[b].csv"]
    assert named("[x]") == ["[x]/c.csv"]
    assert named("in/[ab].csv") == ["in/a.csv", "in/b.csv"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("in/*.tsv", "in/*.tsv: nothing matches this pattern"),
        ("in/*.receipt.csv", "in/*.receipt.csv: nothing matches this pattern"),
        ("out/*", "out/*: nothing matches this pattern but files that Nightshift wrote"),
        ("none.csv", "none.csv: No such file or directory"),
        ("none/", "none/: No such file or directory"),
        ("out", "out: no files are in it but hidden ones, those of folders below, and Nightshift's own"),
        ("", "an empty name is that of no file"),
    ],
)
def test_a_name_that_stands_for_nothing_is_an_error(here: Path, name: str, said: str) -> None:
    touched("in/a.csv", "out/a.scores.csv", "out/below/a.csv", "out/.a.csv")
    with pytest.raises(InputError) as refused:
        expand(["in/a.csv", name])
    assert str(refused.value) == said
    with pytest.raises(InputError):
        expand([])


def test_a_path_is_as_its_text(here: Path) -> None:
    touched("in/a.csv", "in/b.csv")
    assert expand([Path("in")]) == expand([Path("in/*.csv")]) == [Path("in/a.csv"), Path("in/b.csv")]


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    with Storage() as storage:
        storage.reach(monkeypatch)
        yield storage


def test_objects_are_named_as_files_are(storage: Storage, here: Path) -> None:
    for name in ("a.csv", "in/10.csv", "in/9.csv", "in/9.scores.csv", "in/.x.csv", "in/below/1.csv", "in[1]/2.csv"):
        storage.put(name, b"id\n1\n")
    assert named("s3://mail/in/") == ["s3://mail/in/9.csv", "s3://mail/in/10.csv"]
    assert named("s3://mail/in/*") == named("s3://mail/in/", "s3://mail/in/9.csv") == named("s3://mail/in/")
    assert named("s3://mail/in[1]/") == ["s3://mail/in[1]/2.csv"]
    assert named("s3://mail/in[1]/2.csv") == ["s3://mail/in[1]/2.csv"]
    assert named("s3://mail") == named("s3://mail/") == ["s3://mail/a.csv"]
    assert expand([locate("s3://mail/a.csv")]) == [Url("s3", "mail", "a.csv")]
    touched("b.csv")
    assert named("s3://mail/a.csv", "b.csv") == ["b.csv", "s3://mail/a.csv"]
    nothing = "no files are in it but hidden ones, those of folders below, and Nightshift's own"
    for name, said in {
        "s3://mail/in": "s3://mail/in: no such object; s3://mail/in/ are the objects below it",
        "s3://mail/none": "s3://mail/none: no such object",
        "s3://mail/none/": f"s3://mail/none: {nothing}",
        "s3://mail/*.tsv": "s3://mail/*.tsv: nothing matches this pattern",
    }.items():
        with pytest.raises(InputError) as refused:
            expand([name])
        assert str(refused.value) == said


def test_ten_thousand_files_take_no_time(here: Path) -> None:
    touched("in/x.csv")
    for number in range(10_000):
        os.close(os.open(f"in/{number}.csv", os.O_CREAT | os.O_WRONLY))
    begin = time.process_time()
    found = named("in", "in/*.csv")
    assert found == [*(f"in/{number}.csv" for number in range(10_000)), "in/x.csv"]
    assert time.process_time() - begin < 5
