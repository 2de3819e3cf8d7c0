"""The re-sender: what is nowhere is sent again, what somebody has is not. Celery loses messages; a job must not."""

import pytest

from jobs import keys, queue, resend
from jobs.handover import Entry
from jobs.ledger import Ledger
from jobs.resend import Resender
from tests.support.steps import CURSOR, JOB, lease


@pytest.fixture
def resender(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Resender:
    """Sweeps whenever it is asked; a job with one batch, whose message is in the queue."""
    monkeypatch.setattr(resend, "INTERVAL", 0)
    monkeypatch.setattr(resend, "DELAY", 0)
    ledger.submit(JOB, CURSOR)
    ledger.enqueue(JOB.life, 0, [Entry(b"payload", b"kept", CURSOR, 1, 10, [])])
    # The lock lasts for three intervals.
    monkeypatch.setattr(Ledger, "hold", lambda *_: True)
    return Resender(ledger, keep_days=30)


def test_a_message_in_the_queue_is_not_sent_again(resender: Resender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resend, "PATIENCE", 0)
    assert resender.sweep_if_due() == 0


def test_a_lost_message_is_sent_again_once_it_is_missing_for_a_while(
    ledger: Ledger, resender: Resender, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.redis.delete(keys.SECOND.queue)
    assert resender.sweep_if_due() == 0, "a worker may have taken it just now, and tells by the second"
    monkeypatch.setattr(resend, "PATIENCE", 0)
    assert resender.sweep_if_due() == 1
    assert queue.queued(ledger.redis) == {(JOB.life, 0)}
    assert resender.sweep_if_due() == 0


def test_a_message_that_waits_in_a_worker_is_not_lost_until_the_worker_is(
    ledger: Ledger, resender: Resender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may wait there for as long as the batch before it takes."""
    monkeypatch.setattr(resend, "PATIENCE", 0)
    ledger.redis.delete(keys.SECOND.queue)
    ledger.presence.greet("host:1:2", [f"{JOB.life.name}:0"])
    assert resender.sweep_if_due() == 0
    ledger.presence.leave("host:1:2")
    assert resender.sweep_if_due() == 1


def test_what_was_leased_in_vain_is_sent_again_at_once(ledger: Ledger, resender: Resender) -> None:
    """Its message is used up: there is nothing to wait for."""
    ledger.redis.delete(keys.SECOND.queue)
    assert lease(ledger, JOB.life, 0) == "leased"
    assert resender.sweep_if_due() == 0
    ledger.release(JOB.life, 0, "me", "the process died")
    assert resender.sweep_if_due() == 1


def test_an_older_re_sender_that_holds_its_own_lock_keeps_none_from_looking_after_newer_jobs(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves them alone: if a worker of its version takes a message of one, nobody would ever send it again."""
    monkeypatch.setattr(resend, "DELAY", 0)
    monkeypatch.setattr(resend, "PATIENCE", 0)
    ledger.submit(JOB, CURSOR)
    ledger.enqueue(JOB.life, 0, [Entry(b"payload", b"kept", CURSOR, 1, 10, [])])
    ledger.redis.delete(keys.SECOND.queue)  # it was taken
    for older in keys.GENERATIONS:
        assert ledger.hold(older.resender, "an older version's", 60)
    assert Resender(ledger, keep_days=30).sweep_if_due() == 1
    assert Resender(ledger, keep_days=30).sweep_if_due() == 0, "of this version there is one at a time"
