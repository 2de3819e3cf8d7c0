"""Jobs on the real server, read and collected by the real producer; the tests play the worker, so that they know every
score."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from jobs.settings import Settings
from producer.client import Client
from producer.pipeline.plan import Plan, make_plan
from producer.submission import Submission, submit
from tests.support import Server
from tests.support.playing import Scorer, work

Night = Callable[..., Submission]


@pytest.fixture
def settings(server: Server) -> Settings:
    return Settings(redis_url=server.url)


@pytest.fixture
def night(settings: Settings, tmp_path: Path) -> Iterator[Night]:
    """Enqueues a file of those bytes, has it scored, and collects it unless told otherwise."""
    connection = Client(settings)
    names = itertools.count()
    plans: list[Plan] = []

    def run(
        data: bytes, scorer: Scorer, *, collect: bool = True, keep: Sequence[str] = (), batch_bytes: int = 1 << 20
    ) -> Submission:
        path = tmp_path / f"night{next(names)}.csv"
        path.write_bytes(data)
        plans.append(make_plan(path, settings, keep=keep, batch_bytes=batch_bytes))
        submission = submit(connection, plans[-1])
        submission.enqueue_all()
        work(connection.ledger, submission.id, scorer)
        if collect:
            submission.wait(path.with_suffix(".scores.csv"))
        return submission

    yield run
    for plan in plans:
        plan.source.close()
    connection.close()
