"""On one machine, what is large goes through files: the server has their claim checks, and nothing is left behind."""

from pathlib import Path

import pytest

from formats.errors import NightshiftError
from jobs import keys
from jobs.errors import JobError, SettingsError
from jobs.handover import Entry
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.spool import SMALLEST, Spool
from tests.support import Server
from tests.support.steps import CURSOR, JOB, complete

PAYLOAD, KEPT = b"\xff" * SMALLEST, b"\xfe" * (SMALLEST + 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def ledger(server: Server, folder: Path) -> Ledger:
    ledger = Ledger(server.redis, Spool(folder))
    ledger.submit(JOB, CURSOR)
    return ledger


def enqueue(ledger: Ledger, batch: int, payload: bytes = PAYLOAD, kept: bytes = KEPT) -> int:
    return ledger.enqueue(JOB.life, batch, [Entry(payload, kept, CURSOR, batch * 10 + 1, 10, [])])


def files(folder: Path) -> list[str]:
    return sorted(path.name.removeprefix(f"{JOB.id}.{JOB.incarnation}.") for path in folder.iterdir())


def test_a_batch_goes_through_files_and_none_is_left(ledger: Ledger, server: Server, folder: Path) -> None:
    enqueue(ledger, 0)
    assert files(folder) == ["0.kept", "0.payload"]
    assert (folder.stat().st_mode & 0o777) == 0o700
    for key in (keys.payload(JOB.life, 0), keys.kept(JOB.life, 0)):
        assert server.redis.strlen(key) < 20  # type: ignore[operator]
    assert ledger.lease(JOB.life, 0, "me", 30, 5) == ("leased", 1, "", PAYLOAD)
    assert complete(ledger, JOB.life, 0, payload=PAYLOAD)
    assert files(folder) == ["0.kept"]
    assert ledger.answers.results(JOB.life, 0, 8) == [(KEPT, b"result")]
    assert ledger.hold(keys.collector(JOB.life), "one", 30)
    assert not ledger.answers.collected(JOB.life, "two", range(1), {}, {})
    assert files(folder) == ["0.kept"]
    assert ledger.answers.collected(JOB.life, "one", range(1), {}, {})
    assert files(folder) == []


def test_an_early_answer_leaves_the_payload_of_a_batch_that_its_producer_is_about_to_enter(
    ledger: Ledger, folder: Path
) -> None:
    """The server lost an `enqueue` whose message survived; the producer has written the payload again, not yet more."""
    enqueue(ledger, 1)  # out of turn, so that only the file is there
    Spool(folder).put(JOB.life, 0, "payload", PAYLOAD)
    assert not complete(ledger, JOB.life, 0, payload=PAYLOAD)
    enqueue(ledger, 0)
    assert ledger.lease(JOB.life, 0, "me", 30, 5).payload == PAYLOAD


def test_what_is_small_stays_on_the_server(ledger: Ledger, server: Server, folder: Path) -> None:
    """A file costs more than a few kilobytes on their way through the server."""
    enqueue(ledger, 0, payload=b"payload", kept=b"kept")
    assert not folder.exists()
    assert server.redis.get(keys.payload(JOB.life, 0)) == b"payload"
    assert ledger.lease(JOB.life, 0, "me", 30, 5).payload == b"payload"


def test_a_worker_takes_batches_of_either_kind(ledger: Ledger, server: Server) -> None:
    """One producer has the setting, another has not: the value tells, not the worker's own setting."""
    Ledger(server.redis).enqueue(JOB.life, 0, [Entry(PAYLOAD, KEPT, CURSOR, 1, 10, [])])
    enqueue(ledger, 1)
    assert [ledger.lease(JOB.life, batch, "me", 30, 5).payload for batch in (0, 1)] == [PAYLOAD, PAYLOAD]


def test_who_does_not_know_the_spool_says_so(ledger: Ledger, server: Server) -> None:
    enqueue(ledger, 0)
    with pytest.raises(SettingsError, match="NIGHTSHIFT_SPOOL, which is not set here"):
        Ledger(server.redis).lease(JOB.life, 0, "me", 30, 5)


def test_a_relative_path_would_be_another_one_for_each_process() -> None:
    with pytest.raises(SettingsError, match="NIGHTSHIFT_SPOOL=spool must be an absolute path"):
        Settings.from_environment({"NIGHTSHIFT_SPOOL": "spool"})


@pytest.mark.parametrize("loss", ["gone", "cut short"])
def test_a_batch_whose_file_is_lost_is_never_scored_as_something_else(
    ledger: Ledger, server: Server, folder: Path, loss: str
) -> None:
    """As a power failure may leave it. (A payload that is gone because its batch was done is no loss.)"""
    enqueue(ledger, 0)
    for path in folder.iterdir():
        path.unlink() if loss == "gone" else path.write_bytes(b"\xff" * 100)
    with pytest.raises(JobError, match=r"batch 0 of .* is not in the spool any more"):
        ledger.lease(JOB.life, 0, "me", 30, 5)
    complete(ledger, JOB.life, 0, payload=PAYLOAD)
    with pytest.raises(JobError, match="not in the spool"):
        ledger.answers.results(JOB.life, 0, 8)


@pytest.mark.parametrize("size", [SMALLEST, 100], ids=["in the spool", "on the server"])
def test_what_a_disk_altered_is_given_to_no_worker(ledger: Ledger, server: Server, folder: Path, size: int) -> None:
    """An Arrow stream whose offsets were altered kills or stops whoever decodes it."""
    enqueue(ledger, 0, payload=b"\xff" * size)
    altered = b"\xff" * (size - 1) + b"\x7f"
    if size == SMALLEST:
        (path,) = folder.glob("*.0.payload")
        path.write_bytes(altered)
    else:
        server.redis.set(keys.payload(JOB.life, 0), altered)
    with pytest.raises(JobError, match=r"batch 0 of .* is not what the producer sent"):
        ledger.lease(JOB.life, 0, "me", 30, 5)


def test_a_cancelled_job_frees_its_payloads_and_a_forgotten_one_everything(ledger: Ledger, folder: Path) -> None:
    for batch in range(3):
        enqueue(ledger, batch)
    complete(ledger, JOB.life, 0, payload=PAYLOAD)
    ledger.cancel(JOB.life, "enough")
    assert files(folder) == ["0.kept", "1.kept", "2.kept"]  # `producer rejects` still reads them
    assert ledger.removal.erase(JOB.life)
    assert files(folder) == []


def test_a_batch_that_is_written_too_late_leaves_no_file(ledger: Ledger, folder: Path) -> None:
    """By a producer that was stalled while another went on."""
    for batch in range(2):
        enqueue(ledger, batch)
    complete(ledger, JOB.life, 0, payload=PAYLOAD)
    assert enqueue(ledger, 0) == 2  # done
    assert enqueue(ledger, 1) == 2  # under way: still wanted
    assert files(folder) == ["0.kept", "1.kept", "1.payload"]
    assert ledger.lease(JOB.life, 1, "me", 30, 5).payload == PAYLOAD
    ledger.cancel(JOB.life, "enough")
    assert enqueue(ledger, 2) == -1
    assert files(folder) == ["0.kept", "1.kept"]


def test_what_a_killed_producer_left_goes_when_all_is_collected(ledger: Ledger, folder: Path) -> None:
    enqueue(ledger, 0)
    (folder / f"{JOB.id}.{JOB.incarnation}.1.payload.4711.partial").write_bytes(b"\xff")
    other = folder / "night-of-another-job.0.payload"
    other.write_bytes(b"\xff")
    ledger.answers.sweep_spool(JOB.life)
    assert list(folder.iterdir()) == [other]


def test_a_spool_that_anybody_may_write_is_refused(ledger: Ledger, folder: Path) -> None:
    """/tmp itself, say: a stranger's file of the right name would be scored, and a link followed."""
    folder.mkdir()
    folder.chmod(0o1777)
    with pytest.raises(SettingsError, match="may be written by anybody: chmod 700"):
        enqueue(ledger, 0)


def test_a_spool_that_cannot_be_written_is_one_line(ledger: Ledger, folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    with pytest.raises(NightshiftError, match=rf"{folder}/.*\.0\.payload: "):
        enqueue(ledger, 0)
    assert ledger.progress(JOB.id).batches == 0
