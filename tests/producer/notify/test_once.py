"""Many follow a job, one tells: a claim in the ledger."""

import threading

import pytest

from jobs.ledger import Ledger
from jobs.record import Life
from producer.notify.hooks import Hooks
from producer.notify.news import Once
from tests.support import Server, until
from tests.support.receiver import receiving
from tests.support.steps import JOB


@pytest.fixture
def job(ledger: Ledger) -> Life:
    ledger.submit(JOB, {"offset": 0})
    return JOB.life


def tell(ledger: Ledger, url: str, mark: str = "1") -> Hooks:
    hooks = Hooks((), url, None, "receipt")
    hooks.send("late", "late", input=JOB.input, job=JOB.id, turn=Once(ledger, JOB.life, "late", mark))
    return hooks


def test_of_many_followers_one_delivers(ledger: Ledger, job: Life) -> None:
    with receiving() as receiver:
        receiver.open.clear()
        followers = [tell(ledger, receiver.url) for _ in range(5)]
        until(lambda: bool(receiver.requests), 5)
        receiver.open.set()
        for follower in followers:
            follower.close()
        tell(ledger, receiver.url).close()
        assert len(receiver.requests) == 1
        tell(ledger, receiver.url, "another deadline").close()
        assert len(receiver.requests) == 2


def test_where_one_fails_the_next_delivers(ledger: Ledger, job: Life, caplog: pytest.LogCaptureFixture) -> None:
    with receiving(400) as receiver:
        tell(ledger, receiver.url).close()
        tell(ledger, receiver.url).close()
        tell(ledger, receiver.url).close()
    assert len(receiver.requests) == 2
    assert len(caplog.records) == 1


def test_one_that_was_given_up_leaves_it_to_the_next(
    ledger: Ledger, job: Life, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving() as receiver:
        receiver.open.clear()
        tell(ledger, receiver.url).close(0.3)
        threading.Timer(0.5, receiver.open.set).start()
        tell(ledger, receiver.url).close()
    assert len(receiver.requests) >= 2
    assert [record.message for record in caplog.records] == ["the hook url on late was given up: it takes too long"]


def test_telling_of_a_job_that_was_forgotten_leaves_nothing_behind(server: Server, ledger: Ledger, job: Life) -> None:
    ledger.cancel(job, "by the test")
    ledger.removal.erase(job)
    with receiving() as receiver:
        tell(ledger, receiver.url).close()
    assert len(receiver.requests) == 1
    assert [key for key in server.redis.keys("*") if b"job" in key] == []
