"""A night's files as one job: one scores file that says which record came from where, and never loses one again."""

import gzip
import json
import os
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from jobs.errors import SettingsError
from producer.nightly.files import Pattern
from producer.nightly.note import Note
from producer.nightly.schedule import Schedule
from tests.producer.nightly.place import BERLIN, YEAR, Place, SimulatedClock, moment
from tests.support.farm import Farm
from tests.support.tables import read

INPUT, OUTPUT = "in/{date}/*.csv", "scores/{date}.csv"
DAY = f"{YEAR}-05-04"

Write = Callable[[str], Path]


@pytest.fixture
def write(place: Place) -> Write:
    """A file of that night, of three records, written an hour ago."""

    def write(name: str) -> Path:
        (place.folder / "in" / DAY).mkdir(parents=True, exist_ok=True)
        now = place.clock
        place.clock = SimulatedClock(now.now() - timedelta(hours=1))
        path = place.write(f"in/{DAY}/{name}", [f"{name} {number}" for number in range(3)])
        place.clock = now
        return path

    return write


def once(place: Place, **options: object) -> dict[str, tuple[str, str]]:
    """Each night's state, and what was said of it."""
    statuses = place.service(**{"input": INPUT, "together": OUTPUT, **options}).once()  # type: ignore[arg-type]
    return {str(status.file.day): (status.state, status.detail) for status in statuses}


def sources(place: Place, day: str = DAY) -> list[str]:
    return [Path(row["file"]).name for row in read(place.folder / f"scores/{day}.csv")]


def test_a_night_is_what_one_command_makes_of_its_files(night_farm: Farm, tmp_path: Path) -> None:
    """The real command: the same bytes as by hand, one receipt, rejects by file; and no second time."""
    folder = tmp_path / "in" / str(date.today())
    folder.mkdir(parents=True)
    for name in ("2.csv.gz", "10.csv.gz", "x.csv.gz"):
        path = folder / name
        path.write_bytes(gzip.compress(b"id,text\n" + b"1,hello\n" * 500 + b"7,one,too many\n" * (name == "10.csv.gz")))
        os.utime(path, (time.time() - 3600,) * 2)
    line = ["nightly", f"{tmp_path}/in/{{date}}/*.csv.gz", "--together", "--output", f"{tmp_path}/{{date}}.csv"]
    run = night_farm.producer(*line, "--once", "--json", "--settle", "0.2")
    assert run.code == 0, run.err
    [complete] = [each for each in map(json.loads, run.out.splitlines()) if each["state"] == "complete"]
    assert (complete["files"], complete["date"], complete["receipt"]["records"]) == (3, str(date.today()), 1501)
    assert "complete, 3 files, 1,500 of 1,501 records scored" in run.err

    by_hand = night_farm.producer("enqueue", folder / "*.csv.gz", "--output", tmp_path / "hand.csv", "--again")
    assert by_hand.code == 0, by_hand.err
    scores = tmp_path / f"{date.today()}.csv"
    for end in (".csv", ".rejects.csv"):
        assert scores.with_suffix(end).read_bytes() == (tmp_path / "hand.csv").with_suffix(end).read_bytes()
    assert [*read(scores)[0]] == ["id", "file", "score"]
    assert read(scores.with_suffix(".rejects.csv"))[0]["detail"].endswith("10.csv.gz'")
    assert len(list(tmp_path.glob("*.receipt.json"))) == 2

    again = night_farm.producer(*line, "--once", "--settle", "0.2")
    assert (again.code, again.err.splitlines()[-1][20:]) == (0, "1 done before")


def test_a_night_of_one_file_has_the_column_too(place: Place, write: Write) -> None:
    """Whoever reads the scores every morning finds the same columns."""
    write("a.csv")
    assert once(place)[DAY][0] == "complete"
    assert sources(place) == ["a.csv"] * 3


def test_the_night_waits_for_the_file_that_is_still_being_written(place: Place, write: Write) -> None:
    write("a.csv")
    growing = f"in/{DAY}/b.csv"
    place.write(growing, ["one"])
    place.clock.at(place.clock.now() + timedelta(seconds=50), lambda: place.write(growing, ["one", "two"]))
    assert once(place)[DAY][0] == "complete"
    assert sources(place) == ["a.csv"] * 3 + ["b.csv"] * 2
    assert len(place.jobs()) == 1


def test_a_file_that_comes_later_makes_the_next_round_score_the_night_again(place: Place, write: Write) -> None:
    write("a.csv")
    service = place.service(INPUT, together=OUTPUT)
    [status] = service.once()
    assert status.state == "complete"
    write("b.csv")
    assert once(place)[DAY] == ("complete", once_detail(place))
    assert sources(place) == ["a.csv"] * 3 + ["b.csv"] * 3
    assert once(place)[DAY][0] == "done"


def once_detail(place: Place) -> str:
    """As the last receipt has it."""
    receipt = Note.read(place.folder / f"scores/{DAY}.receipt.json").receipt
    return f"2 files, 6 of 6 records scored in {receipt['seconds']} s"


def test_files_that_are_put_away_take_no_scores_with_them(place: Place, write: Write) -> None:
    """Inputs are archived in the morning. Neither that, nor a latecomer, may cost the scores that are there."""
    a, b = write("a.csv"), write("b.csv")
    once(place)
    scores = (place.folder / f"scores/{DAY}.csv").read_bytes()
    a.unlink()
    assert once(place)[DAY][0] == "done"
    write("c.csv")
    for _ in range(2):
        state, detail = once(place)[DAY]
        assert state == "given up"
        assert detail.startswith("'c.csv' came or changed after it was scored, and 'a.csv' of then is gone")
    assert [told[0] for told in place.hooks.told] == ["failed"], "said once"
    b.unlink()
    (place.folder / f"in/{DAY}/c.csv").unlink()
    assert once(place) == {}
    assert (place.folder / f"scores/{DAY}.csv").read_bytes() == scores


def test_without_a_date_the_files_before_a_firing_are_its_night(place: Place) -> None:
    (place.folder / "in").mkdir()
    (place.folder / "scores").mkdir()
    for name, when in (("a", moment(5, 3, 14)), ("b", moment(5, 4, 1)), ("c", moment(5, 4, 2)), ("d", moment(5, 5, 1))):
        clock, place.clock = place.clock, SimulatedClock(when)
        place.write(f"in/{name}.csv", [name])
        place.clock = clock
    states = once(place, input="in/*.csv")
    assert {day: state for day, (state, _) in states.items()} == {f"{YEAR}-05-03": "complete", DAY: "complete"}
    assert sources(place, f"{YEAR}-05-03") == ["a.csv", "b.csv"]
    assert sources(place) == ["c.csv", "d.csv"]


def test_a_night_without_any_file_is_late(place: Place, write: Write) -> None:
    from datetime import time as time_of_day

    write("a.csv")
    service = place.service(INPUT, together=OUTPUT, deadline=time_of_day(6))
    place.run(moment(5, 6, 12), service)
    assert [text for event, _, text in place.hooks.told if event == "late"] == [
        f"{place.folder}/in/{YEAR}-05-05/*.csv is late: no scores by {YEAR}-05-06 06:00, and it is not there"
    ]


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (None, "say where it is"),
        ("scores/{stem}.csv", r"\{stem\}, which is one file's"),
        ("scores.csv", "each night overwrites the last"),
    ],
)
def test_an_output_that_is_none_for_a_night_is_refused(output: str | None, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        Pattern("in/*.csv", output, 7, Path("home"), Schedule("30 1 * * *", BERLIN).day_of)


@pytest.mark.parametrize("at", ["30 1 * * *", "0 12 * * *", "0 23 * * *", "0 3 * * 0"])
def test_a_moment_is_of_the_date_whose_night_comes_next(at: str) -> None:
    schedule = Schedule(at, BERLIN)
    for hours in range(0, 24 * 9, 5):
        when = moment(5, 1) + timedelta(hours=hours, seconds=17)
        assert schedule.night_of(schedule.day_of(when)) == schedule.next(when)
