"""What a round does with a file: scores it once, leaves it alone while it is written, never lets it hold up others."""

import errno
import os
import shutil
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path

import pytest

from producer.nightly import scoring
from producer.nightly.note import Note
from tests.producer.nightly.place import YEAR, Place, SimulatedClock, moment
from tests.support.tables import read

TEXTS = ["home by six", "WIN a FREE prize, reply CLAIM now"]
NIGHT = f"m-{YEAR}-05-04.csv"


def states(statuses: dict[str, scoring.FileStatus]) -> dict[str, str]:
    return {name: status.state for name, status in statuses.items()}


def finished(place: Place, name: str, texts: list[str] = TEXTS, header: str = "id,text") -> Path:
    """A file that was written an hour ago."""
    now = place.clock.now()
    place.clock = SimulatedClock(now - timedelta(hours=1))
    path = place.write(name, texts, header)
    place.clock = SimulatedClock(now)
    return path


def test_a_file_is_scored_and_its_receipt_says_so_without_a_server(place: Place) -> None:
    path = finished(place, NIGHT)
    assert states(place.once()) == {NIGHT: "complete"}
    assert [row["id"] for row in place.scores(path)] == ["1", "2"]
    note = place.note(path)
    assert (note.state, note.receipt["scored"], note.receipt["agrees"]) == ("complete", 2, True)
    # What is done is done, whatever became of the server: there is none at this address.
    assert states(place.once(url=f"unix://{place.folder}/none")) == {NIGHT: "done"}


def test_what_changed_is_scored_again(place: Place, tmp_path: Path) -> None:
    path = finished(place, NIGHT)
    place.once()
    place.write(NIGHT, [*TEXTS, "one more"])
    place.clock.sleep(3600)
    assert states(place.once()) == {NIGHT: "complete"}
    assert len(place.scores(path)) == 3

    place.model = tmp_path / "newer.pb"
    shutil.copy("data/spam.pb", place.model)
    with place.model.open("ab") as model:  # an unknown field of the message, which changes nothing but the digest
        model.write(b"\xf8\x7f\x01")
    assert states(place.once()) == {NIGHT: "complete"}
    assert states(place.once()) == {NIGHT: "done"}
    assert len(place.jobs()) == 3


@pytest.mark.parametrize("harm", ["removed", "cut"])
def test_scores_that_are_gone_are_made_anew(place: Place, harm: str) -> None:
    """Although the server believes that it delivered them, and has freed its own."""
    path = finished(place, NIGHT)
    place.once()
    output = path.with_name(f"{path.stem}.scores.csv")
    whole = output.read_bytes()
    output.write_bytes(whole[:-3]) if harm == "cut" else output.unlink()
    assert states(place.once()) == {NIGHT: "complete"}
    assert output.read_bytes() == whole


def test_scores_without_a_receipt_need_no_second_scoring(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler was killed between the two."""

    class Killed(BaseException):
        pass

    write = Note.write

    def killed(note: Note, path: Path) -> None:
        if note.state == "complete":
            raise Killed
        write(note, path)

    path = finished(place, NIGHT)
    with monkeypatch.context() as patch:
        patch.setattr(Note, "write", killed)
        with pytest.raises(Killed):
            place.once()
    scored_at = path.with_name(f"{path.stem}.scores.csv").stat().st_mtime_ns
    assert states(place.once()) == {NIGHT: "complete"}
    assert path.with_name(f"{path.stem}.scores.csv").stat().st_mtime_ns == scored_at
    [(_, progress)] = place.jobs()
    assert progress.attempts == progress.batches == 1


def test_a_file_that_fails_is_tried_so_often_and_the_others_do_not_wait(place: Place) -> None:
    bad = finished(place, f"m-{YEAR}-05-03.csv", header="id,message")
    finished(place, NIGHT)
    began = place.clock.now()
    assert states(place.once(tries=2)) == {bad.name: "given up", NIGHT: "complete"}
    assert place.note(bad).tries == 2
    assert place.clock.now() - began < timedelta(minutes=5)
    assert "no column 'text'" in (place.note(bad).error or "")
    assert [told[:2] for told in place.hooks.told] == [("failed", bad.name)], "said once"

    assert states(place.once(tries=2)) == {bad.name: "given up", NIGHT: "done"}
    assert place.note(bad).tries == 2
    place.write(bad.name, TEXTS)  # mended
    assert states(place.once(tries=2)) == {bad.name: "complete", NIGHT: "done"}


def test_a_job_that_somebody_cancels_stays_cancelled(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = scoring.submit

    def cancelled(*words: object, **options: object) -> object:
        submission = submit(*words, **options)  # type: ignore[arg-type]
        submission.cancel()
        return submission

    finished(place, NIGHT)
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "submit", cancelled)
        assert states(place.once()) == {NIGHT: "cancelled"}
    assert states(place.once()) == {NIGHT: "cancelled"}


def test_a_file_is_left_alone_until_nobody_writes_it_any_more(place: Place) -> None:
    path = place.write(NIGHT, TEXTS[:1])
    place.clock.at(moment(5, 5, 1, 30) + timedelta(seconds=50), lambda: place.write(NIGHT, TEXTS))
    assert states(place.once()) == {NIGHT: "complete"}
    assert len(place.scores(path)) == 2
    assert len(place.jobs()) == 1, "the first half was never scored"


def test_once_gives_up_waiting_and_the_service_does_not(place: Place) -> None:
    path = place.write(NIGHT, TEXTS)
    for minute in range(1, 60):
        place.clock.at(moment(5, 5, 1, 30) + timedelta(minutes=minute), lambda: place.write(NIGHT, TEXTS))
    assert states(place.once()) == {NIGHT: "waiting"}
    place.run(until=moment(5, 5, 3))
    assert len(place.scores(path)) == 2


def test_a_file_that_grows_all_night_is_scored_once_a_night(place: Place) -> None:
    for hour in range(2, 6):
        place.clock.at(moment(5, 5, hour), lambda hour=hour: place.write(NIGHT, TEXTS * hour))
    place.write(NIGHT, TEXTS)
    place.run(until=moment(5, 5, 12), service=place.service(deadline=time(6)))
    assert len(place.jobs()) == 1
    place.run(until=moment(5, 6, 12), service=place.service(deadline=time(6)))
    assert len(place.jobs()) == 2


def test_a_file_that_comes_before_the_deadline_is_scored_before_it(place: Place) -> None:
    place.clock.at(moment(5, 5, 4), lambda: place.write(NIGHT, TEXTS))
    place.run(until=moment(5, 5, 12), service=place.service(deadline=time(6)))
    completed = datetime.fromisoformat(str(place.note(place.folder / NIGHT).completed))
    assert moment(5, 5, 4) < completed < moment(5, 5, 4, 5)
    assert place.hooks.late() == []


def test_what_is_late_is_said_once_even_by_another_scheduler(place: Place) -> None:
    deadline = time(6)
    finished(place, NIGHT)
    for minute in range(360):  # somebody writes until half past seven
        place.clock.at(moment(5, 5, 1, 30) + timedelta(minutes=minute), lambda: place.write(NIGHT, TEXTS))
    place.run(until=moment(5, 5, 6, 30), service=place.service(deadline=deadline))
    assert place.hooks.late() == [NIGHT]
    place.run(until=moment(5, 5, 12), service=place.service(deadline=deadline))
    assert place.hooks.late() == [NIGHT]
    note = place.note(place.folder / NIGHT)
    assert (note.state, bool(note.late)) == ("complete", True)


def test_a_file_that_does_not_come_is_late_too(place: Place) -> None:
    place.run(until=moment(5, 5, 12), service=place.service(deadline=time(6)))
    assert place.hooks.late() == [NIGHT]
    assert place.hooks.told[-1][2].endswith(f"no scores by {YEAR}-05-05 06:00, and it is not there")
    place.write(NIGHT, TEXTS)
    place.run(until=moment(5, 6, 3), service=place.service(deadline=time(6)))
    assert place.note(place.folder / NIGHT).state == "complete"
    assert place.hooks.late() == [NIGHT]


def test_what_waits_behind_a_long_job_is_late_at_its_deadline(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not when its turn comes. The job itself is its followers' to report."""
    wait = scoring.Submission.wait

    def long(self: scoring.Submission, output: Path, report: scoring._JournalReporter, *words: object) -> object:
        place.clock.sleep(5 * 3600)
        report.update(self.progress())
        seen.append(place.hooks.late())
        return wait(self, output, report, *words)  # type: ignore[arg-type]

    seen: list[list[str]] = []
    first, second = finished(place, f"eu-{NIGHT}"), finished(place, f"us-{NIGHT}")
    with monkeypatch.context() as patch:
        patch.setattr(scoring.Submission, "wait", long)
        place.once(input="??-m-{date}.csv", deadline=time(6))
    assert seen[0] == [second.name]
    assert place.hooks.late() == [second.name]
    assert place.note(first).late
    assert place.note(second).late


def test_a_name_without_a_date_may_be_late_each_night(place: Place) -> None:
    place.clock = SimulatedClock(moment(5, 4, 12))
    for day, header in ((5, "id,message"), (6, "id,text"), (7, "id,message")):
        place.clock.at(moment(5, day, 1), partial(place.write, "export.csv", TEXTS * day, header))
    place.run(until=moment(5, 8, 12), service=place.service("export.csv", deadline=time(6)))
    assert place.hooks.late() == ["export.csv"] * 2
    assert len(place.jobs()) == 1


def test_a_new_model_makes_no_file_late(place: Place, tmp_path: Path) -> None:
    finished(place, NIGHT)
    place.run(until=moment(5, 5, 12), service=place.service(deadline=time(6)))
    place.model = tmp_path / "newer.pb"
    place.model.write_bytes(Path("data/spam.pb").read_bytes() + b"\xf8\x7f\x01")
    assert states(place.once(deadline=time(6))) == {NIGHT: "complete"}
    assert place.hooks.late() == []


def test_more_rejects_than_allowed_are_complete_but_said(place: Place) -> None:
    path = finished(place, NIGHT)
    with path.open("a") as file:
        file.write("3,too,many\n")
    place.clock.sleep(3600)
    # By reference a worker finds it, with the job's only batch: it is too late to stop that.
    [status] = place.once(max_rejects=(10, True), spool=place.farm.spool).values()
    assert (status.state, status.over_budget) == ("complete", True)
    assert status.detail.endswith("1 rejected, more than allowed")
    assert len(read(path.with_name(f"{path.stem}.scores.rejects.csv"))) == 1


def test_a_stopped_file_is_left_alone_until_it_or_the_limit_changes(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = scoring.submit

    def hopeless(*words: object, **options: object) -> object:
        submission = submit(*words, **options)  # type: ignore[arg-type]
        assert place.farm.ledger.stop(submission.job.life, "3 rejects, more than the 1% allowed", [])
        return submission

    path = finished(place, NIGHT)
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "submit", hopeless)
        [status] = place.once(max_rejects=(1, True)).values()
    assert (status.state, status.scored, status.over_budget) == ("stopped", False, True)
    assert status.detail.endswith(" stopped: 3 rejects, more than the 1% allowed")
    assert (place.note(path).state, place.note(path).limit, place.note(path).tries) == ("stopped", "1%", 1)
    assert [event for event, *_ in place.hooks.told] == []
    assert states(place.once(max_rejects=(1, True))) == {NIGHT: "stopped"}, "not tried again"
    assert states(place.once(max_rejects=(2, True))) == {NIGHT: "complete"}
    assert place.note(path).limit is None


def test_without_a_server_the_files_are_not_to_blame(place: Place) -> None:
    path = finished(place, NIGHT)
    absent = f"unix://{place.folder}/none"
    assert states(place.once(url=absent, deadline=time(1, 31))) == {NIGHT: "blocked"}
    assert place.note(path).tries == 0
    assert states(place.once()) == {NIGHT: "complete"}


def test_a_full_disk_is_tried_so_often_a_round_and_again_in_the_next(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        tried.append(place.clock.now())
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    tried: list[datetime] = []
    path = finished(place, NIGHT)
    service = place.service(tries=2)
    with monkeypatch.context() as patch:
        patch.setattr(scoring.Submission, "wait", full)
        place.run(moment(5, 5, 12), service)
    assert len(tried) == 2
    assert place.note(path).tries == 0
    place.run(moment(5, 6, 12), service)
    assert place.note(path).state == "complete"


def test_a_model_that_is_none_blocks_everything_and_counts_for_nothing(place: Place) -> None:
    path = finished(place, NIGHT)
    place.model = place.folder / "none.pb"
    assert states(place.once()) == {NIGHT: "blocked"}
    assert place.note(path).tries == 0


def test_a_receipt_that_can_not_be_read_counts_for_nothing(tmp_path: Path) -> None:
    for text in ("", "{", "[]", '{"format": 1, "subject": 7}', '{"format": 1, "subject": {}}'):
        (tmp_path / "m.receipt.json").write_text(text)
        assert Note.read(tmp_path / "m.receipt.json") == Note()
