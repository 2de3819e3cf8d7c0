"""Names that the server says become parts of paths: only those that ours have."""

from dataclasses import replace
from pathlib import Path

import pytest

from formats.errors import NightshiftError
from jobs import keys
from jobs.ledger import Ledger
from jobs.place import is_part_of, name_of
from jobs.queue import Call, queued, read
from jobs.record import Life
from jobs.spool import Spool
from tests.support.messages import message
from tests.support.steps import JOB

FORGED = [
    "../../outside/night-0123456789abcdef",
    "*",
    "night-*",
    "night-0123456789abcdeF",
    "",
    "night",
    "/etc/passwd",
    ".",
    "a b",
    "night-0123456789abcdef\n",
    "night-0123456789abcdef/..",
    "n" * 300,
    "\u202enight-0123456789abcdef",
    "night-0123456789abcde²",
]


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_job_id_leaves_the_spool_nowhere(name: str, tmp_path: Path) -> None:
    """A worker deleted `../../outside/…` for whoever had written that into the queue."""
    outside = tmp_path / "outside" / "night-0123456789abcdef.0.kept"
    outside.parent.mkdir()
    outside.write_text("mine")
    spool = Spool(tmp_path / "a" / "spool")
    (tmp_path / "a" / "spool").mkdir(parents=True, mode=0o700)
    spool.put(JOB.life, 0, "kept", bytes(20_000))
    for life in (Life(name, ""), Life(JOB.id, name or "x")):
        assert not life.is_valid
        for work in (
            lambda life=life: name_of(life, 0, "kept"),
            lambda life=life: spool.drop(life, [0], "kept"),
            lambda life=life: spool.forget(life),
            lambda life=life: spool.put_part(life, 0, 1, b"x"),
            lambda life=life: is_part_of(life, "x"),
        ):
            with pytest.raises(NightshiftError, match="no job's name"):
                work()
        with pytest.raises(ValueError, match="no job's name"):
            Life.of(life.name or ":")
    assert outside.read_text() == "mine"
    assert len(list((tmp_path / "a" / "spool").iterdir())) == 1


@pytest.mark.parametrize("name", FORGED)
def test_nobody_goes_through_forged_jobs_or_messages(name: str, ledger: Ledger) -> None:
    ledger.redis.sadd(keys.SECOND.active, name, f"{name}:{JOB.incarnation}", JOB.life.name)
    ledger.redis.rpush(keys.SECOND.queue, message(Life(name, JOB.incarnation), 0), message(JOB.life, 3))
    ledger.presence.greet("host:1:1", [f"{name}:3", f"{JOB.life.name}:4", f"{JOB.life.name}:²", f"{JOB.life.name}:-1"])
    assert ledger.active() == [JOB.life]
    assert queued(ledger.redis) == {(JOB.life, 3), (JOB.life, 4)}


def test_what_a_job_is_called_is_what_ours_are_called() -> None:
    for stem in ("Ünïcode name", "a" * 60, "-.-", "2026-11-28"):
        job = replace(JOB, input=f"/data/{stem}.csv")
        assert Life.of(job.life.name) == job.life
        assert read(message(job.life, 7).encode()) == Call(job.life, 7)
