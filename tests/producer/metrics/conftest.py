"""A night of jobs that are complete, failed and running, and what Prometheus would see of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.settings import Settings
from producer.client import Client
from producer.pipeline.plan import make_plan
from producer.report.gathering import gather
from producer.submission import submit
from tests.producer.metrics.scraped import Night, messages
from tests.support.farm import end_farm, make_farm
from tests.support.playing import scored_by_text, work


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Real jobs on a real server; the tests play the worker."""
    farm, folder = make_farm(), tmp_path_factory.mktemp("night")
    settings = Settings(redis_url=farm.server.url)
    connection = Client(settings)
    ledger = connection.ledger

    def enqueue(path: Path) -> str:
        plan = make_plan(path, settings, batch_bytes=20_000)
        with plan.source:
            submission = submit(connection, plan)
            submission.enqueue_all()
        return submission.id

    try:
        complete = enqueue(messages(folder / "complete.csv", 5000, broken=7))
        work(ledger, complete, scored_by_text)
        failed = enqueue(messages(folder / "failed.csv", 10))
        ledger.fail(ledger.job(failed).life, "for the test")
        running = enqueue(messages(folder / "running.csv", 5000))
        work(ledger, running, scored_by_text, batches=1)
        ledger.note(ledger.job(running).life, deadline=1_700_000_000.0)
        report = gather(ledger, ledger.job(complete), settings).to_dict()
        scraped = farm.producer("metrics", "--once")
        assert scraped.code == 0, scraped.err
        yield Night(farm, complete, failed, running, report, scraped.out)
    finally:
        connection.close()
        end_farm(farm)
