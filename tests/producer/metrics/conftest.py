"""A night of jobs that are complete, failed and running, and what Prometheus would see of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobs.settings import Settings
from producer.api import submit
from producer.client import Client
from producer.pipeline.plan import make_plan
from producer.report.figures import gather
from tests.end_to_end.conftest import Farm, bare_farm, end_farm, make_farm
from tests.producer.report.conftest import scored_by_text, work

__all__ = ["bare_farm"]  # a fixture here too

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass
class Night:
    """What was done, and scraped."""

    farm: Farm
    complete: str
    failed: str
    running: str
    report: dict[str, Any]  # on the complete job
    exposition: str

    def value(self, name: str, **labels: str) -> float:
        return samples(self.exposition)[name, tuple(sorted(labels.items()))]


def samples(exposition: str) -> Samples:
    """Every sample of an exposition, by name and labels. Raises ValueError if it is not Prometheus's text format."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


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
        report = gather(ledger, ledger.job(complete), settings.max_record_bytes).to_dict()
        scraped = farm.producer("metrics", "--once")
        assert scraped.code == 0, scraped.err
        yield Night(farm, complete, failed, running, report, scraped.out)
    finally:
        connection.close()
        end_farm(farm)


def messages(path: Path, number: int, broken: int = 0) -> Path:
    lines = [f"{n},0.5 message {n}" for n in range(number)] + ["broken"] * broken
    path.write_text("id,text\n" + "".join(f"{line}\n" for line in lines))
    return path
