"""Which files are meant: by a pattern with a date or without, never our own, and never two for one output."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from jobs.errors import SettingsError
from producer.nightly.files import Pattern
from producer.nightly.note import Note
from producer.nightly.stability import Stability
from producer.outputs.document import FORMAT

NOW = datetime(2027, 5, 5, 1, 30).astimezone()
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(name: str, age: timedelta = timedelta(hours=1)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("text\nhello\n")
        os.utime(path, ((NOW - age).timestamp(),) * 2)
        return path

    return make


def found(tmp_path: Path, input: str, output: str | None = None, days: int = 7) -> dict[str, str]:
    files, _, _ = Pattern(f"{tmp_path}/{input}", output and f"{tmp_path}/{output}", days, tmp_path).find(NOW)
    return {str(file.path.relative_to(tmp_path)): str(file.output.relative_to(tmp_path)) for file in files}


def test_dates_are_those_of_today_and_the_days_before(make: Make, tmp_path: Path) -> None:
    for day in ("04-27", "04-28", "05-04", "05-05", "05-06"):
        make(f"m-2027-{day}.csv", timedelta(days=300))  # a date counts, not when it was copied here
    assert list(found(tmp_path, "m-{date}.csv")) == ["m-2027-04-28.csv", "m-2027-05-04.csv", "m-2027-05-05.csv"]
    assert list(found(tmp_path, "m-{date}.csv", days=1)) == ["m-2027-05-04.csv", "m-2027-05-05.csv"]


def test_a_date_may_be_a_folder_and_the_output_may_have_it_too(make: Make, tmp_path: Path) -> None:
    make("2027-05-04/eu.csv")
    make("2027-05-04/us.csv.part")
    assert found(tmp_path, "{date}/*.csv", "scores/{date}/{stem}.csv") == {
        "2027-05-04/eu.csv": "scores/2027-05-04/eu.csv"
    }


def test_without_a_date_the_modification_time_counts(make: Make, tmp_path: Path) -> None:
    make("new.csv", timedelta(days=6))
    make("old.csv", timedelta(days=8))
    assert found(tmp_path, "*.csv") == {"new.csv": "new.scores.csv"}


def test_what_we_wrote_is_no_input_even_if_its_input_is_gone(make: Make, tmp_path: Path) -> None:
    for name in ("a.csv", "a.scored.csv", "a.scored.rejects.csv", "a.scored.receipt.json"):
        make(name)
    gone = make("gone.scored.csv")
    document = {"format": FORMAT, "files": {"scores": {"name": gone.name}}, "proof": {}}
    Note("complete", document=document).write(gone.with_name("gone.scored.receipt.json"))
    assert found(tmp_path, "*", "{stem}.scored.csv") == {"a.csv": "a.scored.csv"}
    assert found(tmp_path, "*.csv", "{stem}.scored.csv") == {"a.csv": "a.scored.csv"}


def test_files_that_want_the_same_output_are_left_alone(make: Make, tmp_path: Path) -> None:
    for name in ("eu/m.csv", "us/m.csv", "us/n.csv"):
        make(name)
    files, clashing, _ = Pattern(f"{tmp_path}/*/*.csv", f"{tmp_path}/{{stem}}.scores.csv", 7, tmp_path).find(NOW)
    assert [file.path.name for file in files] == ["n.csv"]
    assert [file.path.parent.name for file in clashing] == ["eu", "us"]


@pytest.mark.parametrize(
    ("input", "output", "reason"),
    [
        ("in/*.csv", "out.csv", r"needs a \{stem\}"),
        ("in/*.csv", "out/{date}-{stem}.csv", r"has a \{date\}, but the input"),
        ("in/m-{date}.csv", "scores.csv", "each night overwrites the last"),
    ],
)
def test_an_output_that_can_not_be_meant_is_refused(input: str, output: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        Pattern(input, output, 7, Path("home"))


def test_a_file_is_stable_when_it_was_left_alone(tmp_path: Path) -> None:
    stability, path = Stability(60), tmp_path / "m.csv"
    fresh, second = int(NOW.timestamp() * 1e9), timedelta(seconds=1)
    assert stability.due(path, 10, fresh, NOW) == NOW + 60 * second
    assert stability.due(path, 11, fresh, NOW + 59 * second) == NOW + 119 * second, "it has grown"
    assert stability.due(path, 11, fresh, NOW + 119 * second) is None


def test_a_file_that_seems_long_finished_is_looked_at_twice(tmp_path: Path) -> None:
    """Tools that keep modification times, such as rsync, write into a file that looks old."""
    stability, path = Stability(60), tmp_path / "m.csv"
    old, second = int((NOW.timestamp() - 3600) * 1e9), timedelta(seconds=1)
    assert stability.due(path, 10, old, NOW) == NOW + 2 * second
    assert stability.due(path, 12, old, NOW + 2 * second) == NOW + 4 * second
    assert stability.due(path, 12, old, NOW + 4 * second) is None


def test_a_clock_ahead_of_ours_does_not_keep_a_file_waiting(tmp_path: Path) -> None:
    stability, path = Stability(60), tmp_path / "m.csv"
    tomorrow, minute = int((NOW.timestamp() + 86400) * 1e9), timedelta(minutes=1)
    assert stability.due(path, 10, tomorrow, NOW) == NOW + minute
    assert stability.due(path, 10, tomorrow, NOW + minute) is None
